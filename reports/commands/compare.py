"""`reports compare`: judge a run against another."""

from __future__ import annotations

import argparse
from pathlib import Path

from reports.commands.shared import PASSED, REGRESSED, Commands, judged, judged_sides, show


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    compare = commands.add_parser("compare", help="judge HEAD against BASE; exit 1 on a regression")
    compare.add_argument(
        "runs",
        type=Path,
        nargs="+",
        metavar="RUN.json",
        help="BASE.json and HEAD.json; or one run that was measured with --against, which holds both",
    )
    compare.add_argument("--format", choices=["terminal", "markdown", "json"], default="terminal")
    compare.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.errors import ReportError
    from reports.records import runfile
    from reports.render import markdown, reproduce, summary, terminal

    if len(options.runs) > 2:
        raise ReportError(f"{len(options.runs)} run files: name BASE.json and HEAD.json")
    *base, path = options.runs
    head = runfile.read(path)
    comparison = judged(base[0], head) if base else judged_sides(head, str(path))[1]
    show(
        options.format,
        json=lambda: summary.as_json(comparison),
        markdown=lambda: markdown.report(head, comparison, str(path)),
        terminal=lambda: terminal.verdicts(comparison, reproduce.next_commands(comparison, head, str(path))),
    )
    return REGRESSED if comparison.failed else PASSED
