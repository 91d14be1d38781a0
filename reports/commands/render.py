"""`reports render`: write a run's report, as Markdown and as a page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from reports.commands.progress import progress
from reports.commands.shared import PASSED, Commands, against, judged_sides, say

if TYPE_CHECKING:
    from reports.verdicts.trend import Trend


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    render = commands.add_parser("render", help="write a run's report: a page (index.html) and Markdown")
    render.add_argument("run_file", type=Path, metavar="RUN.json")
    render.add_argument("--output", type=Path, required=True, metavar="DIR")
    render.add_argument("--baseline", type=Path, default=None, metavar="BASE.json", help="judge against this run")
    render.add_argument(
        "--history", type=Path, nargs="+", default=[], metavar="DIR", help="folders of stored run files, for the trends"
    )
    render.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.records import baselines, runfile
    from reports.render import markdown
    from reports.render.html import page
    from reports.render.html.report import Report

    run = runfile.read(options.run_file)
    base = comparison = None
    if options.baseline:
        base = baselines.read(options.baseline)
        comparison = against(base, str(options.baseline), run)
    elif run.suite.against:
        base, comparison = judged_sides(run, str(options.run_file))
    trend = _trend(options.history) if options.history else None
    path = options.output / "report.md"
    markdown.write(path, run, comparison, str(options.run_file))
    written = page.write(
        options.output, Report(run, str(options.run_file), options.run_file.parent, comparison, base, trend)
    )
    say(f"wrote {path}\nwrote {written}")
    return PASSED


def _trend(folders: list[Path]) -> Trend:
    """What the gated metrics of every cell did in the stored runs."""
    from reports.records.metrics import METRICS
    from reports.verdicts.history import read_history
    from reports.verdicts.trend import trend

    gated = [one for one in METRICS.values() if one.gated]
    with progress("reading run files") as track:
        history = read_history(folders, gated, lambda cell: True, track)
    return trend(history)
