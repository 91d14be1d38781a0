"""How long each cell takes: as the baseline measured it, and by its neighbours where the baseline lacks it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fixtures.matrix.axes import AXES
from fixtures.matrix.levels import LEVELS
from reports.records import baselines, runfile
from reports.records.schema import Benchmark

NOT_ITS_OWN = {"reference", "rerun"}
"""Phases that say nothing of a cell: the reference is made once, by the first cell that needs it, and what is timed
again hangs on the noise of the day."""


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds of cells, and which baseline they are from; both empty where there is none."""

    seconds: Mapping[str, float] = field(default_factory=dict)
    source: Path | None = None

    def of(self, cells: Iterable[str]) -> dict[str, float]:
        """Cell -> seconds, of all these cells; 1 each where nothing is known of any."""
        return {cell: self.seconds.get(cell) or estimate(cell, self.seconds) for cell in cells}


def measured(root: Path, hardware: str, lane: str, level: str) -> Durations:
    """What the baseline of this hardware, lane and level says; where there is none, that of another level or GPU.

    Only ratios count for a split, and those of another level are near, as are those of another GPU.

    Raises:
        ReportError: a baseline cannot be read.
    """
    for folder in (hardware, *other_gpus(root, hardware, lane)):
        for name in dict.fromkeys((level, *LEVELS)):
            path = baselines.folder(root, folder, lane, name) / baselines.FILE
            if path.exists():
                run = runfile.read(path)
                seconds = {benchmark.extra_info.cell: seconds_of(benchmark) for benchmark in run.benchmarks}
                return Durations({cell: value for cell, value in seconds.items() if value > 0}, path)
    return Durations()


def other_gpus(root: Path, hardware: str, lane: str) -> list[str]:
    """The folders of other GPUs with baselines of a lane, in one order on every host; none for a CPU."""
    cpu = baselines.hardware_slug(None)
    if hardware == cpu:
        return []
    return sorted({one.parent.name for one in root.glob(f"[a-z0-9]*/{lane}")} - {cpu, hardware})


def seconds_of(benchmark: Benchmark) -> float:
    """Seconds of all phases of a cell but those that are not its own; of its rounds, where no phase was noted."""
    phases = benchmark.extra_info.phases
    own = [seconds for phase, seconds in phases.items() if phase not in NOT_ITS_OWN]
    return sum(own) if own else sum(benchmark.stats.data)


def estimate(cell: str, seconds: Mapping[str, float]) -> float:
    """The median of the nearest cells: first those of the same checkpoint and batch, then by the axes that differ."""
    if not seconds:
        return 1.0
    nearest = min(distance(cell, other) for other in seconds)
    return statistics.median(value for other, value in seconds.items() if distance(cell, other) == nearest)


def distance(cell: str, other: str) -> tuple[int, int]:
    """How many axes of the work, and how many optimizations, differ between two cells."""
    pairs = zip(cell.split("-"), other.split("-"), AXES, strict=False)
    differing = [axis.optimizes for one, another, axis in pairs if one != another]
    return differing.count(False), differing.count(True)
