"""What `python -m reports history` answers: the runs, or the values of metrics in them, as a listing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.errors import ReportError
from reports.records.metrics import Metric
from reports.records.store import Store, StoredRun
from reports.render.listing import Amount, Entry, Listing
from reports.verdicts.history import history_of
from reports.verdicts.query import Query, matching, software_of_runs

ABSENT = "-"
"""A version that a run does not name."""


def runs(store: Store, query: Query, software: Sequence[str]) -> Listing:
    """A row for each run that matches, with the versions of `software`.

    Raises:
        ReportError: no run matches, or none names such software.
    """
    chosen = matching(store, query)
    versions = software_of_runs(store) if software else {}
    _refuse_unknown(software, [versions.get(run.place, {}) for run in chosen])
    rows = tuple(
        (*_of(run), run.cells, run.failed, run.finished, *_versions(versions.get(run.place, {}), software), run.path)
        for run in chosen
    )
    header = ("date", "commit", "hardware", "lane", "level", "cells", "failed", "finished", *software, "run")
    return Listing(header, rows, store.notes)


def values(store: Store, query: Query, metrics: Sequence[Metric], software: Sequence[str]) -> Listing:
    """A row for each value of these metrics in the runs that match: by cell, metric and series, in the order of time.

    Raises:
        ReportError: no run matches, none has such a value, or none names such software.
    """
    chosen = matching(store, query)
    history = history_of(store, metrics, query.keeps, chosen)
    by_path = {run.path: run for run in chosen}
    _refuse_unknown(software, [point.software for series in history.series for point in series.points])
    labelled = any(series.label for series in history.series)
    rows = tuple(
        (
            *_of(by_path[point.path]),
            series.cell,
            series.metric.name,
            Amount(point.value, series.metric),
            *([series.label] if labelled else []),
            *_versions(point.software, software),
            point.path,
        )
        for series in history.series
        for point in series.points
    )
    shown = ("series",) if labelled else ()
    header = ("date", "commit", "hardware", "lane", "level", "cell", "metric", "value", *shown, *software, "run")
    return Listing(header, rows, store.notes)


def _of(run: StoredRun) -> tuple[Entry, ...]:
    return run.time, run.commit, run.hardware, run.lane, run.level


def _versions(known: Mapping[str, str], software: Sequence[str]) -> list[str]:
    return [known.get(name, ABSENT) for name in software]


def _refuse_unknown(software: Sequence[str], known: Sequence[Mapping[str, str]]) -> None:
    names = {name for one in known for name in one} if software else set()
    for name in software:
        if name not in names:
            raise ReportError(
                f"no run names a version of {name!r}; choose from {', '.join(sorted(names)) or 'nothing'}"
            )
