"""`reports keep`: add a run to a history."""

from __future__ import annotations

import argparse
from pathlib import Path

from reports.commands.shared import PASSED, Commands, say


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    keep = commands.add_parser("keep", help="add a run to a history, for `trend` and `history`")
    keep.add_argument("run_files", type=Path, nargs="+", metavar="RUN.json")
    keep.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="the history; the run lies below, by card, lane and level"
    )
    keep.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.records.keep import keep

    for source in options.run_files:
        path, new = keep(source, options.to)
        say(f"kept {path}" if new else f"{path} was there already")
    return PASSED
