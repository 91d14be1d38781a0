"""`reports unpack`: take the run file out of an artifact that anybody may have made."""

from __future__ import annotations

import argparse
from pathlib import Path

from reports.commands.shared import PASSED, Commands, say


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    unpack = commands.add_parser("unpack", help="take the run out of an artifact that nobody has reviewed")
    unpack.add_argument("artifact", type=Path, metavar="ARTIFACT.zip")
    unpack.add_argument("--output", type=Path, required=True, metavar="DIR")
    unpack.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.delivery import artifact

    for path in artifact.unpack(options.artifact, options.output):
        say(f"wrote {path}")
    return PASSED
