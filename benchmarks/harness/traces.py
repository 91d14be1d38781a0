"""`--trace-dir`: the profiler's trace of each cell's counter pass, kept for a person to look at.

No generation is added for it: the file is the one that the counters are read from, so it shows exactly what was
counted, and a run counts and times the same with it and without. Input shapes are not in it: to record them, torch
holds on to tensors, which changes what is counted.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fixtures.errors import SuiteError
from reports.errors import ReportError
from reports.records.files import replacing
from reports.records.units import quantity

VIEWER = "https://ui.perfetto.dev"


@dataclass(slots=True)
class Traces:
    """The traces of a session; `written` holds cell -> file."""

    folder: Path
    warn: Callable[[str], None]
    written: dict[str, Path] = field(default_factory=dict)

    def keep(self, cell: str, trace: Path) -> None:
        """Keep a cell's trace, compressed; where it cannot be written, warn, and leave the cell's measurement alone."""
        path = self.folder / f"{cell}.json.gz"
        try:
            compress(trace, path)
        except ReportError as error:
            self.warn(f"{cell} is measured but has no trace: {error}")
        else:
            self.written[cell] = path

    def lines(self) -> list[str]:
        """Where the traces are, how large, and what opens them; nothing where there is none."""
        if not self.written:
            return []
        sizes = [(path, path.stat().st_size if path.exists() else 0) for path in self.written.values()]
        return [
            f"traces of the counted generations, to open in Perfetto ({VIEWER}) or chrome://tracing:",
            *(f"  {path} ({quantity(size, 'B')})" for path, size in sizes),
        ]


def compress(source: Path, path: Path) -> None:
    """Write `source` to `path` as gzip, which both viewers open as it is; never half of it.

    Raises:
        ReportError: it cannot be written; an old `path` is left as it was.
    """
    with (
        replacing(path) as file,
        source.open("rb") as plain,
        gzip.GzipFile(path.name.removesuffix(".gz"), "wb", compresslevel=6, fileobj=file) as packed,
    ):
        shutil.copyfileobj(plain, packed)


def trace_folder(option: Callable[[str], Any]) -> Path | None:
    """The folder of `--trace-dir`, made and tried; only its name where cells are listed and nothing is written.

    Raises:
        SuiteError: it has no name, or no file can be written there.
    """
    if option("trace_dir") is None:
        return None
    if option("trace_dir") == "":
        raise SuiteError("--trace-dir= names no folder: give one, or leave the option out for no traces")
    folder = Path(option("trace_dir"))
    return folder if option("collectonly") else make_folder(folder)


def make_folder(folder: Path) -> Path:
    """Make the folder for traces, and see that files can be written there, before anything is measured.

    Raises:
        SuiteError: they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise SuiteError(
            f"--trace-dir={folder}: no trace can be written there ({error.strerror or error}): give a folder that can "
            "be made or written to"
        ) from error
