"""Questions to a history: which runs there are, and what a metric was in each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from reports.errors import ReportError
from reports.records.condense import moment
from reports.records.store import Store, StoredRun
from reports.verdicts.history import software_of


@dataclass(frozen=True, slots=True)
class Query:
    """Which runs are asked for; empty fields ask for all.

    `cell` is a part of a cell's name or a pattern; `hardware`, `lane` and `level` are whole names or patterns; `commit`
    is how it starts; `limit` keeps the newest of what is left.
    """

    cell: str = ""
    since: str = ""
    until: str = ""
    hardware: str = ""
    lane: str = ""
    level: str = ""
    commit: str = ""
    limit: int | None = None

    def keeps(self, cell: str) -> bool:
        """Whether a cell of this name is asked for."""
        return fnmatchcase(cell, f"*{self.cell}*")


def matching(store: Store, query: Query) -> list[StoredRun]:
    """The runs that a query asks for, in the order of time; of a query for cells, `cells` counts those.

    Raises:
        ReportError: a date is none, or no run matches.
    """
    since, until = _start(query.since, "--since"), _end(query.until, "--until")
    counts = _counts(store, query) if query.cell else {run.place: run.cells for run in store.runs}
    found = [
        replace(run, cells=counts.get(run.place, 0))
        for run in store.runs
        if (not query.cell or counts.get(run.place))
        and (since is None or run.time >= since)
        and (until is None or run.time < until)
        and run.commit.startswith(query.commit)
        and all(
            not wanted or fnmatchcase(name, wanted)
            for name, wanted in ((run.hardware, query.hardware), (run.lane, query.lane), (run.level, query.level))
        )
    ]
    if not found:
        asked = ", ".join(
            f"--{name} {value}"
            for name in ("cell", "since", "until", "hardware", "lane", "level", "commit")
            if (value := getattr(query, name))
        )
        raise ReportError(f"none of {len(store.runs)} runs matches {asked}: leave some of it out to see what there is")
    found.sort(key=lambda run: (run.time, run.place))
    return found if query.limit is None else found[-query.limit :]


def _counts(store: Store, query: Query) -> Mapping[int, int]:
    """Place of a run -> how many of its cells are asked for."""
    connection = store.connection
    names = connection.execute("SELECT DISTINCT cell FROM cells WHERE cell IS NOT NULL").fetchall()
    wanted = [name for (name,) in names if query.keeps(name)]
    found = connection.execute(
        "SELECT place, count(*) FROM cells WHERE cell IN (SELECT unnest(?::VARCHAR[])) GROUP BY place", [wanted]
    )
    return dict(found.fetchall())


def _start(text: str, option: str) -> datetime | None:
    if not text:
        return None
    try:
        return moment(text)
    except ValueError as error:
        raise ReportError(f"{option} {text!r} is no date: give it as 2026-01-31 or 2026-01-31T18:00+00:00") from error


def _end(text: str, option: str) -> datetime | None:
    """The first moment that is too late: a date without a time includes its day."""
    found = _start(text, option)
    if found is None:
        return None
    try:
        return found + (timedelta(microseconds=1) if len(text) > len("2026-01-31") else timedelta(days=1))
    except OverflowError as error:
        raise ReportError(f"{option} {text!r} is the end of time: leave it out") from error


def software_of_runs(store: Store) -> dict[int, dict[str, str]]:
    """Place of a run -> name -> version; several versions, of a run with cells of several environments, in one text."""
    found = store.connection.execute(
        "SELECT DISTINCT place, environment, checkpoint, weights FROM cells WHERE cell IS NOT NULL ORDER BY ALL"
    )
    versions: dict[int, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    for place, *made_with in found.fetchall():
        for name, version in software_of(*made_with).items():
            versions[place][name][version] = None
    return {place: {name: ", ".join(all_of) for name, all_of in named.items()} for place, named in versions.items()}
