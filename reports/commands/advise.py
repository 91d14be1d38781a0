"""`reports advise`: which optimizations to take, under limits of memory and latency."""

from __future__ import annotations

import argparse
from pathlib import Path

from reports.commands.shared import PASSED, Commands, at_least, show

NOTHING_FITS = 1
"""Exit code where no cell keeps the limits."""


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    advise = commands.add_parser(
        "advise",
        help="the best cells of a run under limits of memory and latency",
        description="For each checkpoint and batch size: the cell to take, and those that none beats in both latency "
        "and memory. Exit 1 where no cell keeps the limits.",
    )
    advise.add_argument("run_file", type=Path, metavar="RUN.json")
    advise.add_argument("--max-memory", default=None, metavar="SIZE", help="what a cell may need: 2GB, 800MB, 1.5GiB")
    advise.add_argument("--max-latency", default=None, metavar="TIME", help="of a call of generate: 1s, 800ms")
    advise.add_argument(
        "--batch", type=at_least(1), action="append", default=[], metavar="N", help="only this batch (may be repeated)"
    )
    advise.add_argument(
        "--checkpoint", action="append", default=[], metavar="NAME", help="only this checkpoint (may be repeated)"
    )
    advise.add_argument("--format", choices=["terminal", "markdown", "json"], default="terminal")
    advise.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.records import runfile
    from reports.records.amounts import duration_s, size_bytes
    from reports.render import advice_json, markdown, terminal
    from reports.verdicts.advice import Limits, advise

    limits = Limits(
        size_bytes(options.max_memory) if options.max_memory is not None else None,
        duration_s(options.max_latency) if options.max_latency is not None else None,
    )
    measured = runfile.read(options.run_file)
    runfile.refuse_drill(measured, str(options.run_file))
    found = advise(measured, str(options.run_file), limits, options.checkpoint, options.batch)
    show(
        options.format,
        json=lambda: advice_json.as_json(found),
        markdown=lambda: markdown.advice(found),
        terminal=lambda: terminal.advice(found),
    )
    return PASSED if found.found else NOTHING_FITS
