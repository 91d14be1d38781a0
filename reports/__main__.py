"""The command line: `python -m reports COMMAND`; see `--help`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from reports.commands import (
    accept,
    advise,
    alert,
    bisect,
    calibrate,
    compare,
    history,
    interference,
    keep,
    merge,
    render,
    study,
    trend,
    unpack,
)
from reports.commands.shared import USAGE

COMMANDS = (
    compare,
    render,
    accept,
    merge,
    study,
    advise,
    calibrate,
    trend,
    history,
    interference,
    keep,
    alert,
    unpack,
    bisect,
)

LONGEST_ERROR = 4_000
"""Characters of a message, which may quote a file that anybody wrote."""


def parser() -> argparse.ArgumentParser:
    """The argument parser; each command sets `run` to the function that carries it out."""
    top = argparse.ArgumentParser(
        prog="python -m reports",
        description="Judge, render, accept, merge and follow run files. Needs no torch and no GPU itself.",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors that a user can act on go to standard error in one line."""
    from reports.errors import ReportError

    options = parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except ReportError as error:
        from reports.characters import inert, short

        sys.stderr.write(f"error: {inert(short(str(error), LONGEST_ERROR))}\n")
        return USAGE


if __name__ == "__main__":
    sys.exit(main())
