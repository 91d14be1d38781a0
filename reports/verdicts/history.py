"""A history of runs as series: the values of one metric of one cell, in the order of time, comparable throughout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reports.errors import ReportError
from reports.records import runfile
from reports.records.gather import gather
from reports.records.metrics import Kind, Metric
from reports.records.runfile import CellRecord
from reports.records.track import Track, untracked
from reports.verdicts.comparability import must_match
from reports.verdicts.versions import versions


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one run. `software` holds the versions it was measured with, driver and weights included."""

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


@dataclass(frozen=True, slots=True)
class _Run:
    time: datetime
    values: tuple[tuple[_Key, tuple[float, ...], Point], ...]


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
    gathered = gather(paths, lambda document, where: _reduced(document, where, metrics, keep), track)
    found: dict[_Key, dict[tuple[float, ...], Point]] = defaultdict(dict)
    for run in gathered.items:
        for key, rounds, point in run.values:
            found[key].setdefault(rounds, point)
    if not found:
        raise ReportError(
            f"no measured cell of that name, with {', '.join(metric.name for metric in metrics)}, in "
            f"{len(gathered.items)} run files: see the cells with `pytest benchmarks/ --collect-only -q`"
        )
    times = [run.time for run in gathered.items if run.values]
    by_name = {metric.name: metric for metric in metrics}
    series = [
        Series(key.cell, by_name[key.metric], label, tuple(sorted(found[key].values(), key=lambda point: point.time)))
        for key, label in _labelled(found)
    ]
    return History(
        series=tuple(sorted(series, key=lambda one: (one.cell, list(by_name).index(one.metric.name), one.label))),
        runs=len({point.path for one in series for point in one.points}),
        first=min(times),
        last=max(times),
        notes=tuple(f"left out {reason}" for reason in gathered.left_out),
    )


def _reduced(document: Any, where: str, metrics: Sequence[Metric], keep: Callable[[str], bool]) -> _Run:
    """What is kept of a run file."""
    run = runfile.parse(document, where)
    runfile.refuse_drill(run, where)
    try:
        time = datetime.fromisoformat(run.datetime)
    except ValueError as error:
        raise ReportError(f"{where} has the date {run.datetime!r}, which is none: restore it") from error
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    values: list[tuple[_Key, tuple[float, ...], Point]] = []
    for benchmark in run.benchmarks:
        cell = benchmark.extra_info
        if not keep(cell.cell):
            continue
        environment = run.environment_of(cell)
        software = versions(environment, cell)
        # Rounds are measured to nanoseconds: equal ones are the same measurement, stored twice.
        rounds = tuple(benchmark.stats.data)
        fields = {kind: _fields(kind, cell, environment) for kind in Kind}
        commit = str(run.commit_info.get("id", "unknown"))
        for metric in metrics:
            if metric.name in cell.metrics:
                point = Point(where, time, commit, software, cell.metrics[metric.name].value)
                values.append((_Key(cell.cell, metric.name, fields[metric.kind]), rounds, point))
    return _Run(time, tuple(values))


def _fields(kind: Kind, cell: CellRecord, environment: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """What has to be equal throughout a series: the same as for a comparison of two runs."""
    return (("workload", cell.workload.digest), *must_match(kind, environment).values.items())


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
