"""A history of runs as series: the values of one metric of one cell, in the order of time, comparable throughout."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reports.errors import ReportError
from reports.records.measurements import Measurements, Setting, measurements
from reports.records.metrics import Kind, Metric
from reports.records.store import Store, StoredRun, opened
from reports.records.track import Track, untracked
from reports.verdicts.comparability import must_match
from reports.verdicts.versions import versions_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Point(NamedTuple):
    """One value of one run. `software` holds the versions it was measured with, driver and weights included.

    A named tuple, because a history has a million of them and a data class takes four times as long to make.
    """

    path: str
    time: datetime
    commit: str
    software: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """Points in the order of time. `label` tells it from other series of the same cell and metric; empty if alone."""

    cell: str
    metric: Metric
    label: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class History:
    """All series, how many runs they come from, the dates of the first and last, and why files were left out."""

    series: tuple[Series, ...]
    runs: int
    first: datetime
    last: datetime
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Key:
    cell: str
    metric: str
    fields: tuple[tuple[str, Any], ...]


def read_history(
    paths: Sequence[Path], metrics: Sequence[Metric], keep: Callable[[str], bool], track: Track = untracked
) -> History:
    """The series in a tree of run files; a measurement that lies in several (parts, merged, accepted) counts once.

    Args:
        paths: folders, or files.
        metrics: which metrics to follow.
        keep: which cells to follow.
        track: told which file is read.

    Raises:
        ReportError: no file can be used, or none holds such a cell.
    """
    return history_of(opened(paths, track), metrics, keep)


def history_of(
    store: Store, metrics: Sequence[Metric], keep: Callable[[str], bool], runs: Sequence[StoredRun] | None = None
) -> History:
    """The series in an opened history; `runs`: those to look at, all by default.

    Raises:
        ReportError: no run holds such a cell.
    """
    chosen = store.runs if runs is None else runs
    found = measurements(store, metrics)
    of_run = {run.place: run for run in chosen}
    points: dict[_Key, tuple[Point, ...]] = {}
    used: set[int] = set()
    for metric in metrics:
        rows, code, keys = _rows(found, metric, keep, of_run)
        used.update(found.place[rows].tolist())
        points |= _series(found, metric, rows, code, keys, of_run)
    if not points:
        raise ReportError(
            f"no measured cell of that name, with {', '.join(metric.name for metric in metrics)}, in "
            f"{len(chosen)} run files: see the cells with `pytest benchmarks/ --collect-only -q`"
        )
    times = [run.time for run in chosen if run.place in used]
    by_name = {metric.name: metric for metric in metrics}
    series = [Series(key.cell, by_name[key.metric], label, points[key]) for key, label in _labelled(points)]
    return History(
        series=tuple(sorted(series, key=lambda one: (one.cell, list(by_name).index(one.metric.name), one.label))),
        runs=len({point.path for one in series for point in one.points}),
        first=min(times),
        last=max(times),
        notes=store.notes,
    )


def _rows(
    found: Measurements, metric: Metric, keep: Callable[[str], bool], of_run: Mapping[int, StoredRun]
) -> tuple[NDArray[np.intp], NDArray[np.intp], list[_Key]]:
    """The rows that have this metric, of cells and runs that are wanted; the series of every row, and their keys."""
    import numpy as np

    keys: dict[_Key, int] = {}
    of_setting = [
        keys.setdefault(_Key(one.cell, metric.name, _fields(metric, one)), len(keys)) if keep(one.cell) else -1
        for one in found.settings
    ]
    code = np.array(of_setting, dtype=np.intp)[found.setting]
    wanted = np.isin(found.place, list(of_run)) & (code >= 0) & ~np.isnan(found.values[metric.name])
    return np.flatnonzero(wanted), code, list(keys)


def _series(
    found: Measurements,
    metric: Metric,
    rows: NDArray[np.intp],
    code: NDArray[np.intp],
    keys: Sequence[_Key],
    of_run: Mapping[int, StoredRun],
) -> dict[_Key, tuple[Point, ...]]:
    """The points of each series, in the order of time."""
    import numpy as np

    # Rows come in the order of paths, and sorting keeps it: of a measurement that is stored twice the first counts.
    rows = rows[np.lexsort((found.rounds[rows], code[rows]))]
    of_series, rounds = code[rows], found.rounds[rows]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (of_series[1:] != of_series[:-1]) | (rounds[1:] != rounds[:-1])
    rows = np.sort(rows[first])
    rank = np.zeros(max(of_run, default=0) + 1, dtype=np.intp)
    for at, run in enumerate(sorted(of_run.values(), key=lambda run: (run.time, run.place))):
        rank[run.place] = at
    rows = rows[np.lexsort((rank[found.place[rows]], code[rows]))]
    runs = [of_run[place] for place in found.place[rows].tolist()]
    software = [software_of(one.environment, one.checkpoint, one.weights) for one in found.settings]
    points = [
        Point(run.path, run.time, run.commit, software[setting], value)
        for run, setting, value in zip(
            runs, found.setting[rows].tolist(), found.values[metric.name][rows].tolist(), strict=True
        )
    ]
    ends = [0, *(np.flatnonzero(np.diff(code[rows])) + 1).tolist(), len(rows)]
    return {keys[code[rows[start]]]: tuple(points[start:end]) for start, end in pairwise(ends) if end > start}


def _fields(metric: Metric, setting: Setting) -> tuple[tuple[str, Any], ...]:
    """What has to be equal throughout a series: the same as for a comparison of two runs, and the lane."""
    needed = _must_match(metric.kind, setting.environment, metric.needs_same + metric.half_needs_same)
    return (("lane", setting.lane), ("workload", setting.workload), *needed)


@lru_cache(maxsize=4096)
def _must_match(kind: Kind, environment: str, needs_same: tuple[str, ...]) -> tuple[tuple[str, Any], ...]:
    fields = must_match(kind, _decoded(environment), needs_same).values
    # A list or an object, as a damaged file may have it, cannot be looked up by.
    return tuple(
        (name, json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value)
        for name, value in fields.items()
    )


@lru_cache(maxsize=4096)
def _decoded(environment: str) -> Mapping[str, Any]:
    decoded: Mapping[str, Any] = json.loads(environment)
    return decoded


@lru_cache(maxsize=4096)
def software_of(environment: str, checkpoint: str, weights: str) -> Mapping[str, str]:
    """Name -> version of what a cell was measured with, from a `Setting`'s fields."""
    return versions_of(_decoded(environment), checkpoint, weights)


def _labelled(keys: Mapping[_Key, object]) -> Iterator[tuple[_Key, str]]:
    """Each key with the fields in which it differs from other series of its cell and metric."""
    together: dict[tuple[str, str], list[_Key]] = defaultdict(list)
    for key in keys:
        together[key.cell, key.metric].append(key)
    for group in together.values():
        shown = {name for key in group for name, _ in key.fields} if len(group) > 1 else set()
        differing = {name for name in shown if len({str(dict(key.fields).get(name)) for key in group}) > 1}
        for key in group:
            yield key, ", ".join(f"{name} {value}" for name, value in key.fields if name in differing)
