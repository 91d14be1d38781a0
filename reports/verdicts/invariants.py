"""What must hold within one run, whatever its baseline says: a cell is compared with its neighbour on one axis."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.errors import ReportError
from reports.records.metrics import METRICS
from reports.records.model import InvariantRecord
from reports.records.schema import CellRecord, RunFile
from reports.records.units import quantity
from reports.verdicts.rules import Status
from reports.verdicts.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Limit:
    """Values of a metric that a measurement can give: more than `above` and at most `at_most`, in its unit."""

    metric: str
    why: str
    above: float = float("-inf")
    at_most: float = sys.float_info.max


LIMITS: tuple[Limit, ...] = (
    Limit("latency", "a generation takes time, and ends", above=0.0),
    Limit("top1_agreement", "it is a share of decisions", at_most=1.0),
)


def failures(run: RunFile) -> list[Verdict]:
    """All that fails the run whatever its baseline says: cells that could not be measured, then broken invariants."""
    return [*unmeasured(run), *broken(run)]


def unmeasured(run: RunFile) -> list[Verdict]:
    """The cells that were asked for and could not be measured, each a failure with its reason."""
    return [
        Verdict(outcome.cell, "", Status.FAILED, outcome.reason or "it could not be measured")
        for outcome in run.suite.cells
        if outcome.outcome == "failed"
    ]


def broken(run: RunFile) -> list[Verdict]:
    """The invariants that the run's cells break, each a failure that names both cells and both values.

    A cell whose neighbour was not measured is not judged by it. Cells of other work (a batch apart) are neighbours
    only on the batch axis.
    """
    verdicts = [verdict for cell in run.cells.values() for verdict in _impossible(cell)]
    for model in run.suite.models.values():
        cells = [cell for cell in run.cells.values() if cell.model == model.name and not cell.test]
        for invariant in model.invariants:
            for cell, neighbour in _neighbours(cells, invariant):
                on_gpu = all(run.environment_of(each).get("gpu") for each in (cell, neighbour))
                if on_gpu or not invariant.needs_gpu:
                    verdicts += _judged(invariant, cell, neighbour)
    return verdicts


def refuse_broken(baseline: RunFile) -> None:
    """Let pass what may become a baseline.

    Raises:
        ReportError: a cell of it breaks an invariant: every later run would be held against a false measurement.
    """
    verdicts = broken(baseline)
    if verdicts:
        first, more = verdicts[0], len(verdicts) - 1
        others = f" (and {more} more like it)" if more else ""
        raise ReportError(
            f"{first.cell} cannot become a baseline, nor can any cell with it: {first.reason}{others}; find out which "
            "of the two was mismeasured and measure it again, or accept the other cells with -k"
        )


def _neighbours(cells: Sequence[CellRecord], invariant: InvariantRecord) -> Iterator[tuple[CellRecord, CellRecord]]:
    by_axes = {tuple(sorted(cell.axes.items())): cell for cell in cells}
    for cell in cells:
        if cell.axes.get(invariant.axis) == invariant.value:
            other = by_axes.get(tuple(sorted({**cell.axes, invariant.axis: invariant.other}.items())))
            if other is not None:
                yield cell, other


def _judged(invariant: InvariantRecord, cell: CellRecord, neighbour: CellRecord) -> Sequence[Verdict]:
    metric = next((name for name in invariant.metrics if name in cell.metrics and name in neighbour.metrics), None)
    if metric is None:
        return []
    value, other = cell.metrics[metric].value, neighbour.metrics[metric].value
    limit = other * invariant.bound
    if value > limit if invariant.above else value < limit:
        return []
    unit = METRICS[metric].unit if metric in METRICS else ""
    relation = "above" if invariant.above else "below"
    share = f"{invariant.bound:g} times " if invariant.bound != 1 else ""
    reason = (
        f"invariant broken: {metric} {quantity(value, unit)} must be {relation} {share}the "
        f"{quantity(other, unit)} of {neighbour.cell}: {invariant.why}"
    )
    return [Verdict(cell.cell, metric, Status.FAILED, reason, base=other, head=value, judged_by="invariant")]


def _impossible(cell: CellRecord) -> Iterator[Verdict]:
    for limit in LIMITS:
        measured = cell.metrics.get(limit.metric)
        if measured is not None and not limit.above < measured.value <= limit.at_most:
            shown = f"{limit.metric} of {measured.value} {METRICS[limit.metric].unit}".rstrip()
            reason = f"invariant broken: {shown} is not possible: {limit.why}"
            yield Verdict(cell.cell, limit.metric, Status.FAILED, reason, head=measured.value, judged_by="invariant")
