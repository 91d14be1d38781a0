"""`reports render`: write a run's report."""

from __future__ import annotations

import argparse
from pathlib import Path

from reports.commands.shared import PASSED, Commands, judged, say


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    render = commands.add_parser("render", help="write a run's report")
    render.add_argument("run_file", type=Path, metavar="RUN.json")
    render.add_argument("--output", type=Path, required=True, metavar="DIR")
    render.add_argument("--baseline", type=Path, default=None, metavar="BASE.json", help="judge against this run")
    render.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.records import runfile
    from reports.render import markdown

    run = runfile.read(options.run_file)
    comparison = judged(options.baseline, run) if options.baseline else None
    path = options.output / "report.md"
    markdown.write(path, run, comparison, str(options.run_file))
    say(f"wrote {path}")
    return PASSED
