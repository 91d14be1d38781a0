"""`--shard K/N`: one plan split over several hosts, the same way on each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.plugin.recorder import digest
from fixtures.errors import SuiteError
from reports.records.schema import ShardRecord

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
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise SuiteError(f"--shard={text}: give K/N with K from 1 to N, such as --shard=1/2 here and --shard=2/2 there")
    return Shard(int(found[1]), int(found[2]))


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
        checkpoints.setdefault(cell.partition("-")[0], []).append(cell)
    together = [cell for cells in checkpoints.values() for cell in cells]
    yield _longest_first(list(checkpoints.values()), weights, number)
    yield _runs(together, weights, number)
    yield _longest_first([[cell] for cell in weights], weights, number)


def _longest_first(groups: Sequence[Sequence[str]], weights: Mapping[str, int], number: int) -> Shares:
    """Each group to the shard with the least to do, the longest group first."""
    shares: Shares = [[] for _ in range(number)]
    loads = [0] * number
    ordered = sorted(((sum(weights[cell] for cell in cells), cells) for cells in groups), key=lambda one: -one[0])
    for weight, cells in ordered:
        least = loads.index(min(loads))
        loads[least] += weight
        shares[least] += cells
    return shares


def _runs(cells: Sequence[str], weights: Mapping[str, int], number: int) -> Shares:
    """The cells in their order, cut where each run comes closest to its share of what is left."""
    shares: Shares = []
    place, left = 0, sum(weights.values())
    for shards_left in range(number, 0, -1):
        start, load = place, 0
        while place <= len(cells) - shards_left:
            weight = weights[cells[place]]
            if load and shards_left > 1 and (2 * load + weight) * shards_left > 2 * left:
                break
            load += weight
            place += 1
        shares.append(list(cells[start:place]))
        left -= load
    return shares
