"""`reports accept`: make a run the baseline."""

from __future__ import annotations

import argparse
from pathlib import Path

from reports.commands.shared import PASSED, Commands, say


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    accept = commands.add_parser("accept", help="make a run the baseline of its hardware, lane and level")
    accept.add_argument("run_file", type=Path, metavar="RUN.json")
    accept.add_argument(
        "-k", dest="pattern", default="", metavar="PATTERN", help="only cells whose name holds or matches this"
    )
    accept.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the baseline with the run's commit")
    accept.add_argument("--new", action="store_true", help="only cells that the baseline does not hold")
    accept.add_argument("--baseline-dir", type=Path, default=None, metavar="DIR")
    accept.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from fnmatch import fnmatchcase

    from reports.records import baselines, runfile
    from reports.render import acceptance
    from reports.verdicts.invariants import refuse_broken

    run = runfile.read(options.run_file)
    path, changes = baselines.accept(
        run,
        options.baseline_dir or baselines.DEFAULT_ROOT,
        which="new" if options.new else "all",
        keep=lambda cell: options.pattern in cell or fnmatchcase(cell, options.pattern),
        reason=options.reason,
        check=refuse_broken,
    )
    say("\n".join([f"baseline {path}:", *(f"  {line}" for line in acceptance.lines(changes))]))
    return PASSED
