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
    for name, what in (
        ("commit", "the pull request's, in full"),
        ("base", "the commit it was measured against, in full"),
        ("level", "that the workflow measures"),
        ("lane", "that the workflow measures in"),
    ):
        unpack.add_argument(f"--{name}", required=True, help=f"{what}; a run file that says otherwise is refused")
    unpack.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.delivery import artifact
    from reports.delivery.facts import Facts

    facts = Facts(options.commit, options.base, options.level, options.lane)
    say(f"wrote {artifact.unpack(options.artifact, options.output, facts)}")
    return PASSED
