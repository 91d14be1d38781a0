"""`reports study`: a run beside the published tables."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reports.commands.shared import PASSED, Commands, say


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    study = commands.add_parser("study", help="a run beside the published study's tables")
    study.add_argument("run_file", type=Path, metavar="RUN.json")
    study.add_argument("--format", choices=["terminal", "markdown"], default="terminal")
    study.add_argument("--into", type=Path, default=None, metavar="FILE.md", help="fill the marked block of this file")
    study.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.records import runfile
    from reports.render import markdown, marked_block, study_words, terminal
    from reports.render.study import reproduce

    found = reproduce(runfile.read(options.run_file), str(options.run_file), notebook_suffices=options.into is None)
    if options.into:
        changed = marked_block.fill(options.into, markdown.combined(found, found.rows))
        say(f"wrote the table into {options.into}" if changed else f"{options.into} holds this table already")
        say("\n".join(study_words.closing(found)))
    elif options.format == "markdown":
        say(markdown.beside_published(found))
    else:
        say(terminal.for_stream(terminal.beside_published(found), sys.stdout))
        say("\n".join(study_words.closing(found)))
    return PASSED
