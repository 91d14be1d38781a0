"""`reports history`: which runs there are, and what a metric was in each."""

from __future__ import annotations

import argparse
from pathlib import Path

from reports.commands.progress import progress
from reports.commands.shared import PASSED, Commands, as_json, at_least, note, say


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    history = commands.add_parser(
        "history",
        help="the runs of a history, or the values of metrics in them",
        description="Without --metric: a line for each run. With it: a line for each value, in the order of time.",
    )
    history.add_argument(
        "runs", type=Path, nargs="+", metavar="DIR", help="a folder of run files, searched to the bottom"
    )
    history.add_argument(
        "--metric", action="append", default=[], metavar="NAME", help="list this metric's values (may be repeated)"
    )
    history.add_argument("--cell", default="", metavar="PATTERN", help="only cells whose name holds this; * ? [] work")
    history.add_argument("--since", default="", metavar="DATE", help="2026-01-31, or with a time 2026-01-31T18:00")
    history.add_argument("--until", default="", metavar="DATE", help="a date includes its day; times are UTC")
    history.add_argument("--hardware", default="", metavar="PATTERN", help="such as cpu or nvidia-*")
    history.add_argument("--lane", default="", metavar="PATTERN")
    history.add_argument("--level", default="", metavar="PATTERN")
    history.add_argument("--commit", default="", metavar="ID", help="a commit, or how it starts")
    history.add_argument("--limit", type=at_least(1), default=None, metavar="N", help="only the newest N runs")
    history.add_argument(
        "--software", action="append", default=[], metavar="NAME", help="show the version of this (may be repeated)"
    )
    history.add_argument("--format", choices=["terminal", "markdown", "json", "csv"], default="terminal")
    history.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.errors import ReportError
    from reports.records.metrics import METRICS
    from reports.records.store import opened
    from reports.render import answers, listing
    from reports.verdicts.query import Query

    for name in options.metric:
        if name not in METRICS:
            raise ReportError(f"unknown metric {name!r}; choose from {', '.join(METRICS)}")
    query = Query(
        cell=options.cell,
        since=options.since,
        until=options.until,
        hardware=options.hardware,
        lane=options.lane,
        level=options.level,
        commit=options.commit,
        limit=options.limit,
    )
    with progress("reading run files") as track:
        store = opened(options.runs, track)
    software = list(dict.fromkeys(options.software))
    metrics = [METRICS[name] for name in dict.fromkeys(options.metric)]
    found = answers.values(store, query, metrics, software) if metrics else answers.runs(store, query, software)
    if options.format == "json":
        say(as_json(listing.as_json(found)))
    elif options.format == "markdown":
        say(listing.as_markdown(found))
    elif options.format == "csv":
        say(listing.as_csv(found))
        for line in found.notes:
            note(f"note: {line}")
    else:
        say(listing.as_text(found))
    return PASSED
