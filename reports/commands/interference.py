"""`reports interference`: what workers that measure at once do to each other."""

from __future__ import annotations

import argparse
from pathlib import Path

from reports.commands.shared import PASSED, Commands, show


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    interference = commands.add_parser(
        "interference", help="what measuring with several workers at once does to the same cells"
    )
    interference.add_argument("alone", type=Path, metavar="ALONE.json", help="measured by one worker")
    interference.add_argument("busy", type=Path, metavar="BUSY.json", help="the same, measured with -n auto")
    interference.add_argument(
        "again", type=Path, nargs="?", metavar="AGAIN.json", help="alone once more, after the others: what the host did"
    )
    interference.add_argument("--format", choices=["terminal", "markdown", "json"], default="terminal")
    interference.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.records import runfile
    from reports.render import interference as rendered
    from reports.verdicts.interference import interference

    again = runfile.read(options.again) if options.again else None
    found = interference(runfile.read(options.alone), runfile.read(options.busy), again)
    show(
        options.format,
        json=lambda: rendered.as_json(found),
        markdown=lambda: rendered.as_markdown(found),
        terminal=lambda: rendered.terminal(found),
    )
    return PASSED
