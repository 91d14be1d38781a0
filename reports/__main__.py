"""The command line: `python -m reports COMMAND`; see `--help`."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from reports.characters import short
from reports.commands import (
    accept,
    advise,
    alert,
    bisect,
    calibrate,
    compare,
    history,
    keep,
    merge,
    render,
    study,
    trend,
    unpack,
)
from reports.commands.shared import USAGE, note, write_out
from reports.errors import OUTSIDE, explained

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
    _prepare_streams()
    try:
        try:
            options = parser().parse_args(arguments)
        finally:
            write_out(sys.stdout, "")  # --help
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except OUTSIDE as error:
        with suppress(OSError):
            note(f"error: {short(explained(error), LONGEST_ERROR)}")
        return USAGE


def _prepare_streams() -> None:
    """Let every text be printed: in a stream of ASCII, and where the stream was closed before the start (`>&-`)."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, io.StringIO())
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
