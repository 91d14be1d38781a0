"""Each metric over the stored runs: what changed and when, and the series themselves for the page's chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any

from reports.render import trends as words
from reports.render.html.statuses import Badge, badge
from reports.verdicts.history import Point, Series
from reports.verdicts.trend import Change, Trend
from reports.verdicts.versions import differences

LISTED = 200
"""Changes that the page lists; `reports trend` prints them all."""

Run = tuple[datetime, str]
"""Date and commit: one run of a history, in however many files it lies."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change in words."""

    badge: Badge
    text: str


@dataclass(frozen=True, slots=True)
class TrendSection:
    """The list of changes, the worse ones first, how many more there are, and the chart's data."""

    headline: str
    entries: Sequence[Entry]
    more: int
    notes: Sequence[str]
    data: dict[str, Any]


def trends(found: Trend | None) -> TrendSection | None:
    """The section of a history; None without one."""
    if found is None:
        return None
    ordered = sorted(found.changes, key=lambda change: (str(change.status) != "worse", -change.at.time.timestamp()))
    entries = [Entry(badge(change.status), words.sentence(change)) for change in ordered[:LISTED]]
    return TrendSection(
        words.headline(found), entries, len(ordered) - len(entries), words.explanation(found), _data(found)
    )


def _data(found: Trend) -> dict[str, Any]:
    """The chart's data.

    `runs`: [date, commit] in the order of time, to which all numbers below refer. A series has its cell and metric (and
    label), `values` as [first run, value, number of runs, value, number of runs, ...] with null where a run has none,
    `software` as [run, place in `texts`] where versions changed, and `changes` as [run, status].
    """
    runs = sorted({_run(point) for one in found.history.series for point in one.points})
    places = {run: place for place, run in enumerate(runs)}
    cells = {name: place for place, name in enumerate(dict.fromkeys(one.cell for one in found.history.series))}
    metrics = {one.metric.name: one.metric.unit for one in found.history.series}
    numbers = {name: place for place, name in enumerate(metrics)}
    texts = _Texts()
    changes: dict[int, list[Change]] = {}
    for change in found.changes:
        changes.setdefault(id(change.series), []).append(change)
    series = [
        {
            "cell": cells[one.cell],
            "metric": numbers[one.metric.name],
            "label": one.label,
            "values": _values(one, at),
            "software": _software(one, at, texts),
            "changes": [[places[_run(change.at)], str(change.status)] for change in changes.get(id(one), [])],
        }
        for one in found.history.series
        if (at := [places[_run(point)] for point in one.points])
    ]
    return {
        "runs": [[time.isoformat(), commit] for time, commit in runs],
        "cells": list(cells),
        "metrics": [list(pair) for pair in metrics.items()],
        "texts": texts.all,
        "series": series,
    }


def _run(point: Point) -> Run:
    return point.time, point.commit


def _values(series: Series, at: Sequence[int]) -> list[float | int | None]:
    """The values by run, equal neighbours together: exact metrics seldom change, and a history is long."""
    by_run = {place: point.value for place, point in zip(at, series.points, strict=True)}
    first = min(by_run)
    found: list[float | int | None] = [first]
    for value, same in groupby(by_run.get(place) for place in range(first, max(by_run) + 1)):
        found += [value, len(list(same))]
    return found


class _Texts:
    """Each text once: the same upgrade changes every series of a history."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._places: dict[str, int] = {}

    def change(self, before: Mapping[str, str], after: Mapping[str, str]) -> int | None:
        """Where the text of what changed from one set of versions to the next stands; None where nothing did."""
        if before is after or before == after:
            return None
        text = ", ".join(differences(before, after))
        if not text:
            return None
        if text not in self._places:
            self._places[text] = len(self.all)
            self.all.append(text)
        return self._places[text]


def _software(series: Series, at: Sequence[int], texts: _Texts) -> list[list[int]]:
    """[run, place in the texts] wherever versions changed."""
    found = []
    for place, (before, after) in zip(at[1:], pairwise(series.points), strict=True):
        text = texts.change(before.software, after.software)
        if text is not None:
            found.append([place, text])
    return found
