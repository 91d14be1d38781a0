"""What a history of runs shows that no comparison of two of them does: when each metric changed, and slow drift.

Exact metrics have no noise, so that each change is listed. Steady and wall ones go through `changepoints`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Literal

from reports.records.metrics import Better, Kind
from reports.verdicts.changepoints import FEWEST_RUNS, SHORTEST_RUNS, Piece, pieces
from reports.verdicts.history import History, Point, Series
from reports.verdicts.rules import Status
from reports.verdicts.versions import differences

SMALLEST = {Kind.STEADY: 0.001, Kind.WALL: 0.01}
"""Relative changes below this are not listed however certain they are: GPU busy time differs by up to 0.4 % between two
cards of one model and by 0.2 % between launches, wall time by 2 % between launches."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one metric of one cell.

    Attributes:
        series: as the history has it.
        shape: a `step`, or `drift` from one run to another.
        status: `better` or `worse`.
        at: the first run with the new level; of a drift, the run it starts at.
        until: the run that a drift was followed to; of a step, the same as `at`.
        before: the level before, in the metric's unit: the median of the piece, of a drift of its first quarter.
        after: the level after.
        software: versions that changed at that run, or in the course of a drift, `name old -> new`.
    """

    series: Series
    shape: Literal["step", "drift"]
    status: Status
    at: Point
    until: Point
    before: float
    after: float
    software: tuple[str, ...]

    @property
    def change(self) -> float | None:
        """The relative change; None from zero."""
        return self.after / self.before - 1 if self.before else None


@dataclass(frozen=True, slots=True)
class Trend:
    """The changes in a history, in the order of cell, metric and time.

    `searched`: steady and wall series that were long enough for a search; `short`: those that were not.
    """

    history: History
    changes: tuple[Change, ...]
    searched: int
    short: int


def trend(history: History) -> Trend:
    """Find the changes in all series."""
    noisy = [one for one in history.series if one.metric.kind is not Kind.EXACT]
    short = sum(len(one.points) < FEWEST_RUNS for one in noisy)
    changes = tuple(change for one in history.series for change in _changes(one))
    return Trend(history, changes, len(noisy) - short, short)


def _changes(series: Series) -> Iterator[Change]:
    values = [point.value for point in series.points]
    if series.metric.kind is Kind.EXACT:
        for at in range(1, len(values)):
            if values[at] != values[at - 1]:
                yield _change(series, at, at, values[at - 1], values[at])
        return
    smallest = SMALLEST[series.metric.kind]
    levels = _merged(pieces(values), values, smallest)
    for index, piece in enumerate(levels):
        if index:
            before, after = _levels(levels[index - 1], values)[1], _levels(piece, values)[0]
            if _apart(before, after) >= smallest:
                yield _change(series, piece.start, piece.start, before, after)
        if piece.drift:
            yield _change(series, piece.start, piece.end - 1, *_levels(piece, values))


def _change(series: Series, at: int, until: int, before: float, after: float) -> Change:
    points = series.points
    fell = after < before
    status = Status.BETTER if fell == (series.metric.better is Better.LOWER) else Status.WORSE
    first = at - 1 if until == at else at
    software = [
        text
        for index in range(first, until)
        if points[index].software != points[index + 1].software
        for text in differences(points[index].software, points[index + 1].software)
    ]
    shape: Literal["step", "drift"] = "step" if until == at else "drift"
    return Change(series, shape, status, points[at], points[until], before, after, tuple(dict.fromkeys(software)))


def _levels(piece: Piece, values: Sequence[float]) -> tuple[float, float]:
    """A piece's level at its start and at its end: one median, or those of a drift's first and last quarter."""
    inside = values[piece.start : piece.end]
    if not piece.drift:
        return (median(inside),) * 2
    quarter = max(SHORTEST_RUNS, len(inside) // 4)
    return median(inside[:quarter]), median(inside[-quarter:])


def _apart(before: float, after: float) -> float:
    smaller, larger = sorted((before, after))
    return larger / smaller - 1 if smaller else float(larger > 0)


def _merged(found: Sequence[Piece], values: Sequence[float], smallest: float) -> list[Piece]:
    """Pieces without those changes that are too small to matter, the smallest taken out first."""
    kept = [replace(piece, drift=piece.drift and _apart(*_levels(piece, values)) >= smallest) for piece in found]
    while True:
        gaps = [
            (_apart(_levels(one, values)[0], _levels(other, values)[0]), index)
            for index, (one, other) in enumerate(pairwise(kept))
            if not one.drift and not other.drift
        ]
        if not gaps or min(gaps)[0] >= smallest:
            return kept
        index = min(gaps)[1]
        kept[index : index + 2] = [Piece(kept[index].start, kept[index + 1].end)]
