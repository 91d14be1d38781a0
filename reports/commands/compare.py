"""`reports compare`: judge a run against another."""

from __future__ import annotations

import argparse
from pathlib import Path

from reports.commands.shared import PASSED, REGRESSED, Commands, judged, show


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    compare = commands.add_parser("compare", help="judge HEAD against BASE; exit 1 on a regression")
    compare.add_argument("base", type=Path, metavar="BASE.json")
    compare.add_argument("head", type=Path, metavar="HEAD.json")
    compare.add_argument("--format", choices=["terminal", "markdown", "json"], default="terminal")
    compare.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.records import runfile
    from reports.render import markdown, summary, terminal

    head = runfile.read(options.head)
    comparison = judged(options.base, head)
    show(
        options.format,
        json=lambda: summary.as_json(comparison),
        markdown=lambda: markdown.report(head, comparison, str(options.head)),
        terminal=lambda: terminal.verdicts(comparison, "" if head.suite.drill else str(options.head)),
    )
    return REGRESSED if comparison.failed else PASSED
