"""Run files for tests of histories, and what is read of them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reports.records import runfile
from reports.records.metrics import METRICS
from reports.verdicts.history import read_history
from tests.builders import PLAIN, cell_document, run_document


def write(path: Path, number: int = 0, *, old: bool = True, **options: Any) -> Path:
    """A run file with one cell, whose weights tell its number; `old`: not written just now."""
    document = cell_document(PLAIN, {"weights": 4e8 + number})
    document["stats"]["data"] = [2.0 + number / 1000]
    time = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)).isoformat()
    content = run_document([document], commit=f"commit{number}", datetime=time) | options
    runfile.write_document(path, content)
    if old:
        os.utime(path, (1e9 + number, 1e9 + number))
    return path


def weights(*paths: Path) -> list[float]:
    """The numbers of the runs that `write` wrote here, in the order of time."""
    (series,) = read_history(paths, [METRICS["weights"]], lambda cell: True).series
    return [point.value - 4e8 for point in series.points]
