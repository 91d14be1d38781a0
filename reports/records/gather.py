"""Many files at once: a file that is named has to be right, one that lies in a named folder may be left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from reports.errors import ReportError
from reports.records.runfile import read_document
from reports.records.track import Track, untracked

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Gathered(Generic[Item]):
    """What was made of the files, in the order of their paths, and why the others in the folders were left out."""

    items: tuple[Item, ...]
    left_out: tuple[str, ...]


def gather(paths: Sequence[Path], reduce: Callable[[Any, str], Item], track: Track = untracked) -> Gathered[Item]:
    """Read JSON files, and those in folders and below, one after the other.

    Args:
        paths: files and folders.
        reduce: from decoded JSON and the file's name to what is kept of it, so that thousands of run files are never
            in memory together; raises ReportError where the file is none of its kind.
        track: told which file is read.

    Raises:
        ReportError: a path does not exist, a file that was named itself cannot be used, or no file can be.
    """
    items: list[Item] = []
    left_out: list[str] = []
    files = list(_files(paths))
    for number, (path, named) in enumerate(files):
        track(number, len(files), str(path))
        try:
            items.append(reduce(read_document(path), str(path)))
        except ReportError as error:
            if named:
                raise
            left_out.append(str(error))
    if not items:
        where = ", ".join(str(path) for path in paths)
        why = f" ({len(left_out)} files were left out, the first: {left_out[0]})" if left_out else ""
        raise ReportError(f"no run file in {where}{why}: run `pytest benchmarks/` and keep its reports/latest/run.json")
    return Gathered(tuple(items), tuple(left_out))


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """Each file once, and whether it was named itself."""
    seen: set[Path] = set()
    named = {path.resolve() for path in paths if not path.is_dir()}
    for path in paths:
        if not path.exists():
            raise ReportError(f"there is no file or folder {path}")
        for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
            if file.resolve() not in seen and not file.is_dir():
                seen.add(file.resolve())
                yield file, file.resolve() in named
