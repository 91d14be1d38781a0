"""Many files at once: a file that is named has to be right, one that lies in a named folder may be left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from reports.characters import visible
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
    listed = files(paths)
    left_out = list(listed.left_out)
    for number, (path, folder) in enumerate(listed.found):
        track(number, len(listed.found), str(path))
        try:
            items.append(reduce(read_document(path), str(path)))
        except ReportError as error:
            if folder is None:
                raise
            left_out.append(str(error))
    if not items:
        raise nothing_in(paths, left_out)
    return Gathered(tuple(items), tuple(left_out))


def nothing_in(paths: Sequence[Path], left_out: Sequence[str]) -> ReportError:
    """The error for paths in which no file can be used."""
    where = ", ".join(str(path) for path in paths)
    why = f" ({len(left_out)} files were left out, the first: {left_out[0]})" if left_out else ""
    return ReportError(f"no run file in {where}{why}: run `pytest benchmarks/` and keep its reports/latest/run.json")


@dataclass(frozen=True, slots=True)
class Files:
    """The JSON files in some paths, each once, in their order, and why folders in them were left out.

    `found`: the file, and the folder it was found in, None where the file was named itself.
    """

    found: tuple[tuple[Path, Path | None], ...]
    left_out: tuple[str, ...]


def files(paths: Sequence[Path]) -> Files:
    """List what has to be read.

    Raises:
        ReportError: a path does not exist.
    """
    found: dict[str, tuple[Path, Path | None]] = {}
    left_out: list[str] = []
    named = {os.path.realpath(path) for path in paths if not path.is_dir()}
    for path in paths:
        if not path.exists():
            raise ReportError(f"there is no file or folder {path}")
        for file in sorted(_below(path, left_out)) if path.is_dir() else [path]:
            real = os.path.realpath(file)
            found.setdefault(real, (file, None if real in named else path))
    return Files(tuple(found.values()), tuple(left_out))


def _below(folder: Path, left_out: list[str]) -> Iterator[Path]:
    """JSON files in a folder and below; a folder that cannot be listed, and what only looks like a file, is noted."""

    def note(error: OSError) -> None:
        left_out.append(visible(f"the folder {error.filename}: {error.strerror or error}"))

    for place, _, names in os.walk(folder, onerror=note):
        for path in (Path(place, name) for name in names if name.endswith(".json")):
            if path.is_file():
                yield path
            else:  # A pipe would be waited for without end.
                left_out.append(visible(f"{path}: it is not a file, or a link to nothing"))
