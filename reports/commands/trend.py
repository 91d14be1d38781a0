"""`reports trend`: what changed in a history of runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from reports.commands.progress import progress
from reports.commands.shared import PASSED, Commands, show


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    trend = commands.add_parser("trend", help="when each metric changed in a history of runs, slow drift included")
    trend.add_argument(
        "runs", type=Path, nargs="+", metavar="DIR", help="a folder of run files, searched to the bottom"
    )
    trend.add_argument("--cell", default="*", metavar="PATTERN", help="only cells whose name holds this; * ? [] work")
    trend.add_argument(
        "--metric", default="", metavar="NAME", help="this metric, gated or not (default: all gated ones)"
    )
    trend.add_argument("--format", choices=["terminal", "markdown", "json"], default="terminal")
    trend.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from fnmatch import fnmatchcase

    from reports.errors import ReportError
    from reports.records.metrics import METRICS
    from reports.render import trends
    from reports.verdicts.history import read_history
    from reports.verdicts.trend import trend

    if options.metric and options.metric not in METRICS:
        raise ReportError(f"unknown metric {options.metric!r}; choose from {', '.join(METRICS)}")
    metrics = [one for one in METRICS.values() if (one.name == options.metric if options.metric else one.gated)]
    with progress("reading run files") as track:
        history = read_history(options.runs, metrics, lambda cell: fnmatchcase(cell, f"*{options.cell}*"), track)
    found = trend(history)
    show(
        options.format,
        json=lambda: trends.as_json(found),
        markdown=lambda: trends.as_markdown(found),
        terminal=lambda: trends.terminal(found),
    )
    return PASSED
