"""What a page is made of: a run and, where they are there, its baseline, its verdicts and the history before it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reports.records.schema import RunFile
from reports.verdicts.trend import Trend
from reports.verdicts.verdict import Comparison


@dataclass(frozen=True, slots=True)
class Report:
    """`run_path` is the run file as the next command names it; `folder` is where it lies, with its samples."""

    run: RunFile
    run_path: str
    folder: Path
    comparison: Comparison | None = None
    baseline: RunFile | None = None
    trend: Trend | None = None
