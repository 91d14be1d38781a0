"""`--trace-dir`: the profiler's trace of each cell's counter pass, kept for a person to look at.

No generation is added for it: the file is the one that the counters are read from, so it shows exactly what was
counted, and a run counts and times the same with it and without. Input shapes are not in it: to record them, torch
holds on to tensors, which changes what is counted.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

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

    def take_up(self, cells: Iterable[str]) -> None:
        """Find the traces of cells that workers measured."""
        paths = {cell: self.folder / f"{cell}.json.gz" for cell in cells}
        self.written |= {cell: path for cell, path in paths.items() if path.exists()}

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
