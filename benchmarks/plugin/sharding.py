"""How long each cell takes, and `--shard K/N`: one plan split over several hosts, the same way on each of them.

The durations are those of the baseline, and of a cell's neighbours where the baseline lacks it. A baseline's cells may
have been timed for other numbers of rounds, by the noise of their days or by an option. What a run asks for is thus
each cell's rounds at the baseline's pace, and all else as the baseline took for it.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.plugin.recorder import digest
from fixtures.cells import Cell
from fixtures.errors import SuiteError
from fixtures.levels import LEVELS, Level
from fixtures.models import Matrix
from fixtures.rounds import RoundPolicy
from reports.records import baselines, runfile
from reports.records.schema import Benchmark, ShardRecord

BALANCED = 1.05
"""A split is balanced enough whose longest shard is at most this many times the longest of the best one known."""

Shares = list[list[str]]
"""The cells of each shard."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several parts of a plan, `number` from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


@dataclass(frozen=True, slots=True)
class Split:
    """A plan's cells over all shards, and which shard this session measures.

    `held_by`: cell -> number of its shard. `share`: of the whole plan's seconds, the part that is this shard's.
    `source` names the baseline that knew the durations.
    """

    shard: Shard
    held_by: Mapping[str, int]
    share: float
    source: str = ""

    def record(self) -> ShardRecord:
        """As the run file holds it: with a digest by which shards of one split know each other."""
        content = {"of": self.shard.of, "cells": dict(self.held_by)}
        return ShardRecord(number=self.shard.number, of=self.shard.of, split=digest(content))

    def describe(self) -> str:
        """The split in a line."""
        own = sum(holder == self.shard.number for holder in self.held_by.values())
        by = f"by the durations in {self.source}" if self.source else "with no baseline to know durations from"
        return (
            f"shard {self.shard}: {own} of {len(self.held_by)} cells, {self.share:.0%} of the time {by}; "
            f"split {self.record().split}"
        )


def parse_shard(text: str) -> Shard:
    """The shard of `--shard`.

    Raises:
        SuiteError: not `K/N` with K from 1 to N.
    """
    fraction = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if not fraction or not 1 <= int(fraction[1]) <= int(fraction[2]):
        raise SuiteError(f"--shard={text}: give K/N with K from 1 to N, such as --shard=1/2 here and --shard=2/2 there")
    return Shard(int(fraction[1]), int(fraction[2]))


def split(shard: Shard, seconds: Mapping[str, float], source: str = "") -> Split:
    """Split cells by how long they take.

    Args:
        shard: which of how many.
        seconds: cell -> how long it takes, in the plan's order.
        source: names the baseline that the seconds are from.

    Raises:
        SuiteError: there is no cell for this shard.
    """
    shares = balanced(seconds, shard.of)
    if len(shares) < shard.number:
        raise SuiteError(
            f"--shard={shard} has nothing to measure: the selection leaves {len(seconds)} cells, and no more shards "
            "than that hold one; select more, or give fewer shards on every host"
        )
    held_by = {cell: number for number, cells in enumerate(shares, 1) for cell in cells}
    own = sum(seconds[cell] for cell in shares[shard.number - 1])
    return Split(shard, {cell: held_by[cell] for cell in seconds}, own / sum(seconds.values()), source)


def balanced(seconds: Mapping[str, float], number: int) -> Shares:
    """The cells of each of `number` shards, of fewer where there are fewer cells; no shard is empty.

    The first of these splits that is balanced enough: checkpoints as a whole; the plan's order cut into runs, which
    parts at most one checkpoint at each cut; every cell by itself, the longest first (Graham 1969, "Bounds on
    multiprocessing timing anomalies": at most 4/3 of the best).
    """
    number = min(number, len(seconds))
    if not number:
        return []
    # Whole milliseconds: their sum is the same in whatever order, on whatever host.
    weights = {cell: max(1, round(value * 1_000)) for cell, value in seconds.items()}
    splits = [shares for shares in _splits(weights, number) if all(shares)]
    longest = [max(sum(weights[cell] for cell in cells) for cells in shares) for shares in splits]
    limit = min(longest) * BALANCED
    return next(shares for shares, length in zip(splits, longest, strict=True) if length <= limit)


def _splits(weights: Mapping[str, int], number: int) -> Iterator[Shares]:
    """From the one that keeps most together to the one that balances best."""
    checkpoints: dict[str, list[str]] = {}
    for cell in weights:
        checkpoints.setdefault(cell.partition("-")[0], []).append(cell)  # its first axis: cells of one stand together
    together = [cell for cells in checkpoints.values() for cell in cells]
    yield _longest_first(list(checkpoints.values()), weights, number)
    yield _runs(together, weights, number)
    yield _longest_first([[cell] for cell in weights], weights, number)


def _longest_first(groups: Sequence[Sequence[str]], weights: Mapping[str, int], number: int) -> Shares:
    """Each group to the shard with the least to do, the longest group first."""
    shares: Shares = [[] for _ in range(number)]
    loads = [0] * number
    ordered = sorted(((sum(weights[cell] for cell in cells), cells) for cells in groups), key=lambda group: -group[0])
    for weight, cells in ordered:
        least = loads.index(min(loads))
        loads[least] += weight
        shares[least] += cells
    return shares


def _runs(cells: Sequence[str], weights: Mapping[str, int], number: int) -> Shares:
    """The cells in their order, cut where each run comes closest to its share of what is left."""
    shares: Shares = []
    first, left = 0, sum(weights.values())
    for shards_left in range(number, 0, -1):
        start, load = first, 0
        while first <= len(cells) - shards_left:
            weight = weights[cells[first]]
            if load and shards_left > 1 and (2 * load + weight) * shards_left > 2 * left:
                break
            load += weight
            first += 1
        shares.append(list(cells[start:first]))
        left -= load
    return shares


ROUNDS = "rounds"
"""The phase in which rounds are timed."""

REFERENCE = "reference"
COLD_START = "cold_start"

NOT_ITS_OWN = {REFERENCE, "rerun"}
"""Phases that say nothing of a cell: the reference is made once, by the first cell that needs it, and what is timed
again hangs on the noise of the day."""


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds of the cells of a matrix, and which baseline they are from; all empty where there is none.

    `first`: what the first cell of a process takes longer by, of those that share something (`warm_up_keys`).
    """

    matrix: Matrix
    seconds: Mapping[str, float] = field(default_factory=dict)
    first: Mapping[str, float] = field(default_factory=dict)
    source: Path | None = None

    def of(self, cells: Iterable[Cell]) -> dict[str, float]:
        """Cell -> seconds, of all these cells; 1 each where nothing is known of any."""
        return {cell.id: self.seconds.get(cell.id) or self.estimate(cell) for cell in cells}

    def with_shares(self, cells: Sequence[Cell]) -> dict[str, float]:
        """As `of`, with each cell's share of what those of them that have it in common ready once."""
        sharing = Counter(key for cell in cells for key in warm_up_keys(cell))
        seconds = self.of(cells)
        return {
            cell.id: seconds[cell.id] + sum(self.first.get(key, 0.0) / sharing[key] for key in warm_up_keys(cell))
            for cell in cells
        }

    def estimate(self, cell: Cell) -> float:
        """The median of the nearest cells: first those of the same work, then by the axes that differ."""
        distances = {other: distance(cell, self.matrix[other]) for other in self.seconds}
        alike = {other: each for other, each in distances.items() if self.matrix[other].model == cell.model}
        if not alike:
            return 1.0
        nearest = min(alike.values())
        return statistics.median(self.seconds[other] for other, each in alike.items() if each == nearest)


def warm_up_keys(cell: Cell) -> tuple[str, ...]:
    """What a process has once it measured a cell, and need not do again: its work's reference, its kernels."""
    return tuple(dict.fromkeys((f"{cell.model} {cell.work}", f"{cell.model} {cell.kernels}")))


def measured(matrix: Matrix, root: Path, hardware: str, lane: str, level: Level) -> Durations:
    """What the baseline of this hardware, lane and level says; where there is none, that of another level or GPU.

    Only ratios count for a split, and those of another level are near, as are those of another GPU.

    Args:
        matrix: whose cells are to be measured.
        root: of the baselines.
        hardware: the folder of the card, or of the CPU.
        lane: the lane.
        level: what is to be measured, with the rounds that the run asks for.

    Raises:
        ReportError: a baseline cannot be read.
    """
    for folder in (hardware, *other_gpus(root, hardware, lane)):
        for name in dict.fromkeys((level.name, *LEVELS)):
            path = baselines.folder(root, folder, lane, name) / baselines.FILE
            if path.exists():
                run = runfile.read(path)
                known = [entry for entry in run.benchmarks if entry.extra_info.cell in matrix]
                seconds = {entry.extra_info.cell: seconds_of(entry, level.rounds) for entry in known}
                lasting = {cell: value for cell, value in seconds.items() if value > 0}
                return Durations(matrix, lasting, first_of(matrix, known), path)
    return Durations(matrix)


def other_gpus(root: Path, hardware: str, lane: str) -> list[str]:
    """The folders of other GPUs with baselines of a lane, in one order on every host; none for a CPU."""
    cpu = baselines.hardware_slug(None)
    if hardware == cpu:
        return []
    return sorted({folder.parent.name for folder in root.glob(f"[a-z0-9]*/{lane}")} - {cpu, hardware})


def seconds_of(benchmark: Benchmark, rounds: RoundPolicy) -> float:
    """Seconds of all phases of a cell but those that are not its own, with as many rounds as there are at least.

    A cold start is taken for a warm one: what it took longer depends on the cells before it (`first_of`).
    """
    phases, samples_s = benchmark.extra_info.phases, benchmark.stats.data
    once_s = sum(seconds for phase, seconds in phases.items() if phase not in {ROUNDS, *NOT_ITS_OWN})
    if not samples_s:
        return once_s
    return once_s - _colder_s(benchmark) + rounds.minimum * statistics.median(samples_s)


def first_of(matrix: Matrix, benchmarks: Iterable[Benchmark]) -> dict[str, float]:
    """What a cell readied for others of its process -> seconds: the longest, as later cells found it there."""
    first: dict[str, float] = {}
    for benchmark in benchmarks:
        work, *kernels = warm_up_keys(matrix[benchmark.extra_info.cell])
        first[work] = max(benchmark.extra_info.phases.get(REFERENCE, 0.0), first.get(work, 0.0))
        for key in kernels:
            first[key] = max(_colder_s(benchmark), first.get(key, 0.0))
    return first


def _colder_s(benchmark: Benchmark) -> float:
    cold_s, samples_s = benchmark.extra_info.phases.get(COLD_START, 0.0), benchmark.stats.data
    return max(cold_s - statistics.median(samples_s), 0.0) if samples_s else 0.0


def distance(cell: Cell, other: Cell) -> tuple[int, int]:
    """How many axes of the work, and how many optimizations, differ between two cells of a model."""
    values = zip(cell.values, other.values, cell.axes, strict=False)
    differing = [axis.optimizes for value, another, axis in values if value.name != another.name]
    return differing.count(False), differing.count(True)
