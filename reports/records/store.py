"""The run files of a history as one table in DuckDB: each file is judged once, by the run file's own reader."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reports.errors import ReportError
from reports.records import cache
from reports.records.condense import condensed, moment
from reports.records.gather import files, nothing_in
from reports.records.metrics import METRICS
from reports.records.track import Track, untracked

if TYPE_CHECKING:
    import duckdb

AT_ONCE = 500
"""Lines that are given to DuckDB in one statement."""

_OF_A_FILE = {
    "reason": "VARCHAR",
    "datetime": "VARCHAR",
    "commit": "VARCHAR",
    "hardware": "VARCHAR",
    "lane": "VARCHAR",
    "level": "VARCHAR",
    "finished": "BOOLEAN",
    "failed": "INTEGER",
}
_OF_A_CELL = {"cell": "VARCHAR", "workload": "VARCHAR", "checkpoint": "VARCHAR", "weights": "VARCHAR"}
_VALUES = dict.fromkeys(METRICS, "DOUBLE")
_LINE = json.dumps(
    _OF_A_FILE
    | {
        "environments": ["VARCHAR"],
        "cells": [_OF_A_CELL | {"environment": "INTEGER", "rounds": "BIGINT", "metrics": _VALUES}],
    }
)
"""The types of what `condense` keeps, as DuckDB's from_json takes them."""


def _columns(types: dict[str, str]) -> str:
    return ", ".join(f'"{name}" {kind}' for name, kind in types.items())


_CREATE = (
    f"CREATE TABLE cells (place INTEGER, name VARCHAR, stamp VARCHAR, shown VARCHAR, {_columns(_OF_A_FILE)}, "
    f"{_columns(_OF_A_CELL)}, environment VARCHAR, rounds BIGINT, metrics STRUCT({_columns(_VALUES)}))"
)
_INSERT = """
INSERT INTO cells
SELECT place, name, stamp, shown, line.reason, line.datetime, line."commit", line.hardware, line.lane, line.level,
    line.finished, line.failed, one.cell, one.workload, one.checkpoint, one.weights,
    line.environments[one.environment + 1], one.rounds, one.metrics
FROM (
    SELECT *, unnest(line.cells) AS one
    FROM (
        SELECT unnest($places) AS place, unnest($names) AS name, unnest($stamps) AS stamp, unnest($shown) AS shown,
            from_json(unnest($lines), $types) AS line
    )
)
"""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One run file. `cells`: how many were measured; `failed`: how many could not be.

    `place` finds it in the store's table: the file's place in the order of paths.
    """

    place: int
    path: str
    time: datetime
    commit: str
    hardware: str
    lane: str
    level: str
    finished: bool
    cells: int
    failed: int


@dataclass(frozen=True, slots=True)
class Store:
    """An opened history.

    Attributes:
        connection: to a DuckDB in memory that holds the table `cells`: a row for each measured cell of each file; where
            a file has none, or cannot be used, one row for the file.
        runs: the usable files, in the order of their paths.
        notes: why others were left out, and why nothing could be cached.
    """

    connection: duckdb.DuckDBPyConnection
    runs: tuple[StoredRun, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Here:
    """A file as it lies there now. `name` is that within its folder."""

    place: int
    file: Path
    name: str
    shown: str
    stamp: str
    size: int
    named: bool


def opened(paths: Sequence[Path], track: Track = untracked) -> Store:
    """Read run files, and those in folders and below; of folders that were read before, only what is new or changed.

    Args:
        paths: folders, searched to the bottom, and files.
        track: told which file is read.

    Raises:
        ReportError: a path does not exist, a file that was named itself cannot be used, or no file can be.
    """
    connection = _connected()
    listed = files(paths)
    now = time.time_ns()
    folders: dict[Path | None, list[_Here]] = {}
    for place, (file, folder) in enumerate(listed.found):
        folders.setdefault(folder, []).append(_here(place, file, folder, now))
    notes = [_fill(connection, folder, members, track) for folder, members in folders.items()]
    # All that is asked from here on is in memory.
    connection.execute("SET enable_external_access = false")
    shown = {one.place: one.shown for members in folders.values() for one in members}
    left_out = [*listed.left_out, *_reasons(connection, shown)]
    runs = tuple(_runs(connection, shown))
    if not runs:
        raise nothing_in(paths, left_out)
    return Store(connection, runs, (*(f"left out {reason}" for reason in left_out), *filter(None, notes)))


def _connected() -> duckdb.DuckDBPyConnection:
    try:
        import duckdb
    except ImportError as error:
        raise ReportError(f"a history is read with DuckDB, which is missing ({error}): pip install duckdb") from error
    # What is needed is part of the package: nothing is looked for or loaded from elsewhere.
    no = "false"
    connection = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": no, "autoload_known_extensions": no}
    )
    connection.execute(_CREATE)
    return connection


def _here(place: int, file: Path, folder: Path | None, now_ns: int) -> _Here:
    # DuckDB takes Unicode only, and file names may be anything.
    shown = str(file).encode(errors="backslashreplace").decode()
    name = str(file.relative_to(folder)).encode(errors="backslashreplace").decode() if folder else shown
    try:
        found = file.stat()
    except OSError:  # Gone, or not to be seen: the reader says so.
        return _Here(place, file, name, shown, "", 0, folder is None)
    return _Here(place, file, name, shown, cache.stamp(found, now_ns), found.st_size, folder is None)


def _fill(connection: duckdb.DuckDBPyConnection, folder: Path | None, here: Sequence[_Here], track: Track) -> str:
    """Take the files of one folder into the table; returns why they could not be cached, empty where they were."""
    known = _recalled(connection, folder, here) if folder else set()
    new = [one for one in here if one.place not in known]
    _read(connection, new, track)
    lasting = [one for one in new if one.stamp]
    worth = lasting and (known or sum(one.size for one in lasting) >= cache.WORTH_KEEPING_BYTES)
    if folder is None or not worth:
        return ""
    query = "SELECT * EXCLUDE (place) FROM cells WHERE stamp <> '' AND place IN (SELECT unnest(?)) ORDER BY place"
    return cache.keep(folder, connection.sql(query, params=[[one.place for one in here]]))


def _recalled(connection: duckdb.DuckDBPyConnection, folder: Path, here: Sequence[_Here]) -> set[int]:
    """Take over what the cache knows of these files; returns their places."""
    import duckdb

    path = cache.found(folder)
    if path is None:
        return set()
    connection.execute("CREATE OR REPLACE TEMP TABLE here (place INTEGER, name VARCHAR, stamp VARCHAR)")
    columns = [[one.place for one in here], [one.name for one in here], [one.stamp for one in here]]
    connection.execute("INSERT INTO here SELECT unnest(?), unnest(?), unnest(?)", columns)
    try:
        connection.execute(
            "INSERT INTO cells BY NAME SELECT * FROM read_parquet(?) JOIN here USING (name, stamp)", [str(path)]
        )
    except duckdb.Error:
        return set()
    known = connection.execute("SELECT DISTINCT place FROM here SEMI JOIN cells USING (place)").fetchall()
    return {place for (place,) in known}


def _read(connection: duckdb.DuckDBPyConnection, new: Sequence[_Here], track: Track) -> None:
    lines = condensed([one.file for one in new], sum(one.size for one in new))
    batch: list[tuple[_Here, str]] = []
    for number, one in enumerate(new):
        track(number, len(new), one.shown)
        line = next(lines)
        if one.named and line.startswith('{"reason"'):
            raise ReportError(json.loads(line)["reason"])
        batch.append((one, line))
        if len(batch) == AT_ONCE:
            _insert(connection, batch)
            batch.clear()
    if batch:
        _insert(connection, batch)


def _insert(connection: duckdb.DuckDBPyConnection, batch: Sequence[tuple[_Here, str]]) -> None:
    connection.execute(
        _INSERT,
        {
            "places": [one.place for one, _ in batch],
            "names": [one.name for one, _ in batch],
            "stamps": [one.stamp for one, _ in batch],
            "shown": [one.shown for one, _ in batch],
            "lines": [line for _, line in batch],
            "types": _LINE,
        },
    )


def _reasons(connection: duckdb.DuckDBPyConnection, shown: dict[int, str]) -> Iterator[str]:
    """Why files were left out; a cached reason may name its file as it was called from another working directory."""
    found = connection.execute("SELECT place, shown, reason FROM cells WHERE reason IS NOT NULL ORDER BY place")
    for place, before, reason in found.fetchall():
        yield reason.replace(before, shown[place])


def _runs(connection: duckdb.DuckDBPyConnection, shown: dict[int, str]) -> Iterator[StoredRun]:
    found = connection.execute(
        'SELECT place, any_value(datetime), any_value("commit"), any_value(hardware), any_value(lane), '
        "any_value(level), any_value(finished), count(cell), any_value(failed) "
        "FROM cells WHERE reason IS NULL GROUP BY place ORDER BY place"
    )
    for place, date, *rest in found.fetchall():
        yield StoredRun(place, shown[place], moment(date), *rest)
