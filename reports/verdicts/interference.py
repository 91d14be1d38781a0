"""What workers that measure at once do to each other: the same cells alone and with all of them busy.

A shared host changes by itself, within minutes and by more than workers may do to each other: on a host with four H200s
eleven cells took 10 % less a decoding step with four workers than alone just before. So the cells are best measured
alone once more afterwards: what both runs alone differ by is the host's, and only what goes beyond it the workers'.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports.errors import ReportError
from reports.records.metrics import METRICS
from reports.records.schema import CellRecord, RunFile
from reports.verdicts.comparability import card_of, work_difference

SHOWN = ("step_latency", "latency", "gpu_busy", "host_probe")
"""Floors on the host's clock, the GPU's own time, and what the host took for a fixed piece of work."""


@dataclass(frozen=True, slots=True)
class Side:
    """How one of two runs was measured: workers at once, and the cores of the host that each had."""

    workers: int
    cores: int


@dataclass(frozen=True, slots=True)
class Pair:
    """A metric of one cell in both runs, in the metric's unit; `again` where it was measured alone once more."""

    alone: float
    busy: float
    again: float | None = None

    @property
    def change(self) -> float | None:
        """Of busy against alone, the mean of both where it was measured again, relative; None from zero."""
        alone = self.alone if self.again is None else (self.alone + self.again) / 2
        return self.busy / alone - 1 if alone else None

    @property
    def drift(self) -> float | None:
        """Of alone once more against alone, relative; None from zero, and where it was not measured again."""
        return self.again / self.alone - 1 if self.again is not None and self.alone else None


@dataclass(frozen=True, slots=True)
class Row:
    """One cell: metric -> its values, for those of `SHOWN` that both runs have."""

    cell: str
    metrics: Mapping[str, Pair]


@dataclass(frozen=True, slots=True)
class Effect:
    """A metric's relative changes over all cells, and the cell of the largest.

    `drift` is the most, in size, that a cell alone differed by between both times; None where there was one.
    """

    median: float
    largest: float
    cell: str
    cells: int
    drift: float | None = None


@dataclass(frozen=True, slots=True)
class Interference:
    """Two runs of the same cells. `left_out`: cell of both runs -> why it is not compared.

    `other_card`: how many of the compared cells were measured on another GPU than alone.
    """

    alone: Side
    busy: Side
    rows: tuple[Row, ...]
    left_out: Mapping[str, str]
    other_card: int = 0

    def effects(self) -> dict[str, Effect]:
        """Metric -> what the workers do to it."""
        found = {}
        for name in SHOWN:
            changes = [
                (pair.change, row.cell)
                for row in self.rows
                if (pair := row.metrics.get(name)) and pair.change is not None
            ]
            if changes:
                largest, cell = max(changes)
                median = statistics.median(one for one, _ in changes)
                found[name] = Effect(median, largest, cell, len(changes), self._drift(name))
        return found

    def _drift(self, name: str) -> float | None:
        drifts = [pair.drift for row in self.rows if (pair := row.metrics.get(name)) and pair.drift is not None]
        return max(map(abs, drifts), default=None)


def interference(alone: RunFile, busy: RunFile, again: RunFile | None = None) -> Interference:
    """What several workers at once do to the cells of both runs.

    Args:
        alone: measured by one worker, or by fewer.
        busy: the same code on the same kind of machine, by more workers.
        again: as `alone`, measured after `busy`.

    Raises:
        ReportError: they differ in something else than workers (the field is named), have no cell in common, `busy`
            was not measured by more workers, or `again` is `alone`.
    """
    if again == alone:
        raise ReportError(
            "both runs alone are one and the same, which tells nothing of the host: measure alone once more after the "
            "busy run"
        )
    others = {"busy": busy} | ({"alone once more": again} if again else {})
    for name, other in others.items():
        refuse_unlike(alone, other, name)
    first, *rest = (run.cells for run in (alone, *others.values()))
    common = {cell: (record, *(other[cell] for other in rest)) for cell, record in first.items()
              if all(cell in other for other in rest)}  # fmt: skip
    unequal = {
        cell: next(filter(None, (work_difference(record, other) for other in measured)), "")
        for cell, (record, *measured) in common.items()
    }
    cells = [cell for cell in common if not unequal[cell]]
    if not cells:
        raise ReportError("the runs have no cell in common that did the same work: measure the same cells in both")
    one, many = side(alone, cells), side(busy, cells)
    if many.workers <= one.workers:
        raise ReportError(
            f"the busy run had {many.workers} workers at once and the one alone {one.workers}: name the run alone "
            "first, and measure the other with -n auto"
        )
    if again and side(again, cells) != one:
        raise ReportError(
            "the runs alone had unlike workers or cores: measure both with one worker, before and after the busy one"
        )
    rows = tuple(row(*common[cell]) for cell in cells)
    cards = [
        [card_of(run.environment_of(record)) for run, record in zip((alone, busy), common[cell], strict=False)]
        for cell in cells
    ]
    other_card = sum(all(known) and known[0] != known[1] for known in cards)
    return Interference(one, many, rows, {cell: why for cell, why in unequal.items() if why}, other_card)


def refuse_unlike(alone: RunFile, other: RunFile, name: str) -> None:
    """Refuse a run that differs from the one alone in something else than workers.

    Raises:
        ReportError: it does; the field is named.
    """
    for field, value in must_agree(other).items():
        expected = must_agree(alone)[field]
        if value != expected:
            raise ReportError(
                f"the runs differ in {field}, {expected} alone and {value} {name}, so that not the workers alone make "
                "the difference: measure all with the same code on the same machine"
            )


def must_agree(run: RunFile) -> dict[str, Any]:
    """What has to be equal in both runs, by the name shown where it is not."""
    gpu, host = run.machine_info.get("gpu") or {}, run.machine_info.get("host") or {}
    return {
        "commit": run.commit_info.get("id"),
        "level": run.suite.level,
        "lane": run.suite.lane,
        "options": " ".join(f"--{name}={value:g}" for name, value in sorted(run.suite.overrides.items())) or "none",
        "drill": run.suite.drill or "none",
        "GPU model": gpu.get("model", "none"),
        "GPU driver": gpu.get("driver"),
        "host CPU": host.get("cpu_model"),
        "software": run.machine_info.get("software"),
    }


def side(run: RunFile, cells: list[str]) -> Side:
    """How these cells of a run were measured.

    Raises:
        ReportError: not all by as many workers.
    """
    records = run.cells
    hosts = [run.environment_of(records[cell]).get("host") or {} for cell in cells]
    found = {Side(int(host.get("workers", 1)), int(host.get("cpu_count") or 0)) for host in hosts}
    if len(found) > 1:
        said = " and ".join(sorted(f"{one.workers} workers with {one.cores} cores each" for one in found))
        raise ReportError(f"a run's cells were measured by {said}: give a run of one session")
    return found.pop()


def row(*runs: CellRecord) -> Row:
    """One cell's metrics in the runs: alone, busy and, where there is one, alone once more."""
    return Row(
        runs[0].cell,
        {
            name: Pair(*(run.metrics[name].value for run in runs))
            for name in SHOWN
            if name in METRICS and all(name in run.metrics for run in runs)
        },
    )
