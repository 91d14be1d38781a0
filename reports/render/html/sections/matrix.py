"""The whole matrix as one table: what every cell came to, measured or not, for sorting and filtering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.records.schema import CellOutcome, CellRecord, RunFile
from reports.render.html import values
from reports.render.html.report import Report
from reports.render.html.statuses import Badge, badge, by_cell, overall
from reports.verdicts.rules import Status
from reports.verdicts.verdict import Verdict

METRICS = (
    "latency", "peak_allocated", "throughput", "real_time_factor", "gpu_busy", "kernel_launches", values.LIMIT,
    "energy", *values.FIDELITY,
)  # fmt: skip
"""The columns of numbers, where the run has them."""


@dataclass(frozen=True, slots=True)
class Number:
    """A metric of one cell: `sort` is the plain value, `change` against the baseline is empty where there is none."""

    text: str
    sort: str
    change: str
    badge: Badge | None


@dataclass(frozen=True, slots=True)
class Row:
    """One cell. `index` finds it in the data of the cell's own section, None where it has none there."""

    cell: str
    index: int | None
    badge: Badge
    note: str
    axes: Sequence[str]
    numbers: Sequence[Number]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The table, and the values that each filter offers."""

    axes: Sequence[str]
    metrics: Sequence[str]
    rows: Sequence[Row]
    filters: Mapping[str, Sequence[str]]


def matrix(report: Report, shown: Sequence[str] = ()) -> Matrix:
    """Every cell of the run's matrix: what was measured or judged, then what was not, and last what nobody asked for.

    Each of the three stands in the run's order, with what only the baseline has behind it. `shown`: the cells that have
    a section of their own, in its order.
    """
    records = report.run.cells
    places = {cell: index for index, cell in enumerate(shown)}
    judged = by_cell(report)
    lost = {verdict.metric for found in judged.values() for verdict in found if verdict.status is Status.MISSING}
    measured = values.measured_by(records, METRICS)
    metrics = [name for name in METRICS if name in measured or name in lost]
    listed = {outcome.cell: outcome for outcome in report.run.suite.cells}
    # What only the baseline has was judged all the same.
    listed |= {cell: CellOutcome(cell=cell, outcome="not run") for cell in judged if cell not in listed}
    known = records.keys() | judged.keys()
    axes = list(dict.fromkeys(axis.name for model in report.run.suite.models.values() for axis in model.axes))
    rows = [
        _row(
            outcome,
            records.get(outcome.cell),
            places,
            judged.get(outcome.cell, []),
            metrics,
            _axes(report.run, outcome, records.get(outcome.cell), axes),
        )
        for outcome in sorted(listed.values(), key=lambda one: _place(one, one.cell in known))
    ]
    filters = {"verdict": sorted({row.badge.word for row in rows})}
    filters |= {axis: sorted({row.axes[at] for row in rows if row.axes[at]}) for at, axis in enumerate(axes)}
    return Matrix(
        axes,
        [values.title(name) for name in metrics],
        rows,
        {name: options for name, options in filters.items() if len(options) > 1},
    )


def _place(outcome: CellOutcome, measured: bool) -> int:
    """What a reader looks for comes first: most of a matrix cannot run on one machine, or was left out."""
    if measured or outcome.outcome == "failed":
        return 0
    return 2 if outcome.outcome == "not asked for" else 1


def _row(
    outcome: CellOutcome,
    record: CellRecord | None,
    places: Mapping[str, int],
    verdicts: Sequence[Verdict],
    metrics: Sequence[str],
    axes: Sequence[str],
) -> Row:
    status = overall(verdicts)
    reason = next((verdict.reason for verdict in verdicts), outcome.reason)
    return Row(
        outcome.cell,
        places.get(outcome.cell),
        badge(status or outcome.outcome),
        "" if record and outcome.outcome != "failed" else reason,
        axes,
        [_number(record, name, verdicts) for name in metrics],
    )


def _axes(run: RunFile, outcome: CellOutcome, record: CellRecord | None, axes: Sequence[str]) -> list[str]:
    """The values on these axes; of a cell that was not measured, from its name. Empty on an axis of another model."""
    named = None if record else run.by_name(outcome)
    known = record.axes if record else named[1] if named else {}
    return [str(known.get(axis, "")) for axis in axes]


def _number(record: CellRecord | None, name: str, verdicts: Sequence[Verdict]) -> Number:
    verdict = next((verdict for verdict in verdicts if verdict.metric == name), None)
    if record is None or name not in record.metrics:
        lost = verdict is not None and verdict.status is Status.MISSING
        return Number(Status.MISSING if lost else "-", "", "", None)
    moved = verdict is not None and verdict.change is not None and verdict.status != "same"
    return Number(
        values.shown(record.metrics, name),
        repr(record.metrics[name].value),
        f"{verdict.change:+.1%}" if verdict and verdict.change is not None and moved else "",
        badge(verdict.status) if verdict and moved else None,
    )
