"""Condensed run files of a folder, kept between readings as one Parquet file in the user's cache folder.

It only saves time. It may be deleted at any moment, and is made again where its content does not match the digest in
its name, where the code that judges run files has changed, or where it cannot be read for any other reason.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from reports.records.files import scratch

if TYPE_CHECKING:
    import duckdb

WORTH_KEEPING_BYTES = 4_000_000
"""Folders whose new files are smaller in all are read anew each time: that takes a tenth of a second."""

UNUSED_DAYS = 90
"""A file of the cache that was not used for so long is deleted."""

TOO_NEW_NS = 2_000_000_000
"""A file that was written less than this ago may change once more without a change of its dates."""

JUDGES = ("bounds", "cache", "condense", "counters", "document", "metrics", "runfile", "schema", "store")
"""The modules that decide what a run file has to be and what is kept of it."""


def stamp(found: os.stat_result, now_ns: int) -> str:
    """What tells a file from a later version of it; empty where it was written so lately that nothing does.

    A file that is written twice within a tick of the file system's clock keeps its dates: git's own problem with its
    index, and the same remedy.
    """
    if found.st_mtime_ns > now_ns - TOO_NEW_NS:
        return ""
    return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}-{found.st_ino}"


def location(folder: Path) -> Path:
    """Where the cache of a folder lies, without the digest and the suffix."""
    configured = os.environ.get("BARK_BENCHMARKS_CACHE")
    if configured:
        root = Path(configured)
    else:
        import platformdirs

        root = platformdirs.user_cache_path("bark-benchmarks", appauthor=False)
    key = hashlib.sha256(f"{_judges()}\n{folder.resolve()}".encode(errors="surrogateescape"))
    return root / "history" / key.hexdigest()[:16]


@cache
def _judges() -> str:
    sources = [(Path(__file__).with_name(f"{name}.py")).read_bytes() for name in JUDGES]
    return hashlib.sha256(b"\n".join(sources)).hexdigest()


def found(folder: Path) -> Path | None:
    """The cache of a folder if there is one, and it is as it was written."""
    place = location(folder)
    try:
        paths = sorted(place.parent.glob(f"{place.name}-*.parquet"))
    except OSError:  # The folder is another user's.
        return None
    for path in paths:
        with suppress(OSError):
            if path.name == f"{place.name}-{_digest(path)}.parquet":
                with suppress(OSError):  # A cache that is shared for reading serves as well.
                    os.utime(path)
                return path
            path.unlink(missing_ok=True)
    return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def keep(folder: Path, content: duckdb.DuckDBPyRelation) -> str:
    """Write the cache of a folder anew; returns why that was not possible, empty where it was."""
    from duckdb import Error

    place = location(folder)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with scratch(place.parent) as (temporary, _):
            content.write_parquet(str(temporary), compression="zstd")
            written = place.with_name(f"{place.name}-{_digest(temporary)}.parquet")
            temporary.replace(written)
        for other in place.parent.iterdir():
            replaced = other.name.startswith(f"{place.name}-") and other != written
            with suppress(OSError):
                if replaced or other.stat().st_mtime < time.time() - UNUSED_DAYS * 86_400:
                    other.unlink(missing_ok=True)
    except (OSError, Error) as error:
        return f"nothing is cached in {place.parent} ({error}), so the next reading takes as long as this one"
    return ""
