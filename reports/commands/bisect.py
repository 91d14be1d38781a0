"""`reports bisect`: which package, of those that differ between two lanes, carries a regression."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reports.commands.shared import PASSED, REGRESSED, Commands, between, say

DEFAULT_WORK = Path(".bisect")

LAUNCHES = (4, 8)
"""Fewest and most, of 5 pairs each: with fewer than 20 pairs no mix is ever good, and the rule ends at 40
(reports/verdicts/wall.py)."""


DECLINED = 3
"""Exit code where whoever was asked did not want it to begin."""


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    bisect = commands.add_parser(
        "bisect",
        help="find the package that carries a regression, by runs in pairs of mixed environments",
        description="Find the package, of those that differ between two constraints files, that carries a regression. "
        "Each step makes an environment and runs the suite in it against the good side. Prints plan and cost first; "
        "repeat the command to resume. Exit 0: found, or with --dry-run planned. 1: not found, or only narrowed down. "
        "2: something is in the way. 3: not begun, as the answer was no.",
    )
    bisect.add_argument("--good", required=True, metavar="LANE", help="a lane's name, or a constraints file")
    bisect.add_argument("--bad", required=True, metavar="LANE", help="the same, with the regression")
    bisect.add_argument("-k", dest="cells", required=True, metavar="EXPR", help="the cells that show it, as for pytest")
    bisect.add_argument(
        "--metric",
        default="step_latency",
        metavar="NAME",
        help="what got worse; of wall metrics step_latency only (default %(default)s)",
    )
    bisect.add_argument(
        "--versions",
        action="append",
        default=[],
        metavar="PACKAGE=V1,V2",
        help="released versions in order: if it is this package, find the first bad one too; others that it is "
        "--together with are not pinned meanwhile; may be repeated",
    )
    bisect.add_argument(
        "--together",
        action="append",
        default=[],
        metavar="A,B",
        help="packages that only go together at matching versions: take them as one; may be repeated",
    )
    bisect.add_argument("--level", default=None, help="as for pytest")
    bisect.add_argument("--checkpoint-source", default=None, help="as for pytest")
    bisect.add_argument(
        "--launches",
        type=between(*LAUNCHES),
        default=None,
        metavar="N",
        help=f"as --against-launches, {LAUNCHES[0]} to {LAUNCHES[1]}: fewer can never tell that a mix is good",
    )
    bisect.add_argument("--work", type=Path, default=DEFAULT_WORK, metavar="DIR", help="default %(default)s")
    bisect.add_argument("--dry-run", action="store_true", help="print plan and cost, and end")
    bisect.add_argument("--yes", action="store_true", help="do not ask before beginning")
    bisect.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.bisect import lanes, selection, words
    from reports.bisect.bisection import Bisection, question
    from reports.bisect.checkout import commit
    from reports.bisect.search import Ending
    from reports.errors import ReportError
    from reports.verdicts.sides import STEP

    good, bad = (lanes.lane_path(one) for one in (options.good, options.bad))
    asked = question(good, bad, _metric(options.metric), _arguments(options), commit())
    differing = lanes.differences(asked.good, asked.bad)
    units = lanes.units(differing, options.together)
    versions = lanes.version_lists(options.versions, differing)
    lanes.refuse_two_lists(units, versions)
    bisection = Bisection(asked, options.work.resolve(), units, versions, say=say)
    known = bisection.state
    cells = selection.selected(asked.arguments)
    selection.refuse_few_launches(options.launches if options.metric == STEP else 0, cells)
    say("\n".join(words.plan(units, versions, known, cells)))
    if options.dry_run:
        return PASSED
    if not (options.yes or _agreed()):
        return DECLINED
    try:
        verdict = bisection.run()
    except KeyboardInterrupt as error:
        raise ReportError("interrupted: what was found out is kept, the same command goes on from there") from error
    say("\n".join([*words.outcome(verdict), *words.again(bisection.state)]))
    return PASSED if verdict.found.ending is Ending.FOUND else REGRESSED


def _metric(name: str) -> str:
    """The metric, if a run in pairs can tell that it got worse.

    Raises:
        ReportError: there is no such metric, or one run a side says too little of it: its threshold is generous (it
            doubles), so that nearly every mix would look good.
    """
    from reports.errors import ReportError
    from reports.records.metrics import METRICS, Kind
    from reports.verdicts.sides import STEP

    usable = [one.name for one in METRICS.values() if one.kind is not Kind.WALL or one.name == STEP]
    if name not in METRICS:
        raise ReportError(f"unknown metric {name!r}; choose from {', '.join(usable)}")
    if name not in usable:
        raise ReportError(
            f"--metric {name} cannot be bisected: of the wall metrics only {STEP} is judged in pairs finely enough to "
            f"tell good from bad; choose from {', '.join(usable)}"
        )
    return name


def _arguments(options: argparse.Namespace) -> list[str]:
    """What the suite is run with; pairs only where the metric that they judge is asked about."""
    from reports.verdicts.sides import STEP

    launches = options.launches if options.metric == STEP else 0
    found = ["-k", options.cells]
    for name, value in (
        ("--level", options.level),
        ("--checkpoint-source", options.checkpoint_source),
        ("--against-launches", launches),
    ):
        if value is not None:
            found.append(f"{name}={value}")
    return found


def _agreed() -> bool:
    """Whether whoever sits there wants it.

    Raises:
        ReportError: nobody sits there.
    """
    from reports.errors import ReportError

    if sys.stdin is None or not sys.stdin.isatty():
        raise ReportError("nothing was begun: give --yes to begin without being asked, or --dry-run for the plan alone")
    return input("begin? [y/N] ").strip().lower() in ("y", "yes")
