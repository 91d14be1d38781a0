"""`reports calibrate`: false alarms and power of every rule."""

from __future__ import annotations

import argparse
from pathlib import Path

from reports.commands.progress import progress
from reports.commands.shared import PASSED, Commands, at_least, show


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    calibrate = commands.add_parser("calibrate", help="false alarms and power of every rule on launches of one code")
    calibrate.add_argument(
        "runs", type=Path, nargs="+", metavar="RUNS", help="run files, samples files, folders of them"
    )
    calibrate.add_argument("--format", choices=["terminal", "markdown", "json"], default="terminal")
    calibrate.add_argument("--seed", type=at_least(0), default=0, metavar="N")
    calibrate.add_argument("--resamples", type=at_least(1), default=1000, metavar="N", help="comparisons a rule")
    calibrate.add_argument(
        "--save", type=Path, default=None, metavar="SAMPLES.json", help="keep the launches compactly"
    )
    calibrate.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.records import samples
    from reports.render import calibration
    from reports.verdicts.calibrate import calibrate

    with progress("reading run files") as track:
        launches = samples.collect(options.runs, track)
    if options.save:
        samples.save(options.save, launches.groups)
    with progress("replaying launches") as track:
        found = calibrate(launches, seed=options.seed, resamples=options.resamples, track=track)
    show(
        options.format,
        json=lambda: calibration.as_json(found),
        markdown=lambda: calibration.as_markdown(found),
        terminal=lambda: calibration.terminal(found),
    )
    return PASSED
