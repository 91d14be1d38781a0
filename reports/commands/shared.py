"""What the commands share: exit codes, argument types, printing, and a judged run."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeAlias

from reports.characters import Rendered, inert, visible, visible_lines

if TYPE_CHECKING:
    from rich.console import RenderableType

    from reports.records.schema import RunFile
    from reports.verdicts.verdict import Comparison

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What `add_subparsers` gives: commands are added to it."""

PASSED, REGRESSED, USAGE = 0, 1, 2
"""Exit codes: fine; something got worse, or nothing could be compared; the arguments or files cannot be used."""


def at_least(minimum: int) -> Callable[[str], int]:
    """An argument type: a whole number from `minimum` on."""

    def whole_number(text: str) -> int:
        if not text.isdecimal() or int(text) < minimum:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of {minimum} or more")
        return int(text)

    return whole_number


def between(minimum: int, maximum: int) -> Callable[[str], int]:
    """An argument type: a whole number from `minimum` to `maximum`."""

    def whole_number(text: str) -> int:
        if not text.isdecimal() or not minimum <= int(text) <= maximum:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {minimum} to {maximum}")
        return int(text)

    return whole_number


def say(text: str) -> None:
    """Print what a command was asked for.

    Escape codes and workflow commands in it are shown, not carried out, unless it was rendered for where it goes.
    """
    shown = text if isinstance(text, Rendered) else inert(visible_lines(text))
    write_out(sys.stdout, shown.rstrip("\n") + "\n")


def note(text: str) -> None:
    """Say in one line, on standard error, what is beside the result."""
    write_out(sys.stderr, inert(visible(text)) + "\n")


def write_out(stream: TextIO, text: str) -> None:
    """Write to a stream and flush it; a reader that has gone (`| head`) does not change the exit code.

    Raises:
        OSError: it cannot be written for another reason, such as a full disk.
    """
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        # The interpreter would flush once more as it ends, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not isinstance(error, BrokenPipeError):
            raise


def show(
    wanted: str, json: Callable[[], object], markdown: Callable[[], str], terminal: Callable[[], RenderableType]
) -> None:
    """Print a result in the format that `--format` asks for; the others are not made."""
    if wanted == "json":
        say(as_json(json()))
    elif wanted == "markdown":
        say(markdown())
    else:
        from reports.render.terminal import for_stream

        say(for_stream(terminal(), sys.stdout))


def as_json(content: object) -> Rendered:
    """JSON to print: what a terminal or a runner would act on is written as JSON writes it, and read back the same."""
    from json import dumps

    return Rendered(dumps(content, indent=1).replace("\x7f", "\\u007f").replace("##[", "\\u0023#["))


def judged(base: Path, head: RunFile) -> Comparison:
    """A run against the run file that is its baseline here, by this repository's thresholds."""
    from reports.records import baselines

    return against(baselines.read(base), str(base), head)


def judged_sides(head: RunFile, where: str) -> tuple[RunFile, Comparison]:
    """A run and the base that it was measured against (`--against`), which comes first.

    Raises:
        ReportError: it was measured alone.
    """
    from reports.records.sides import require_base
    from reports.verdicts.sides import compare_sides
    from reports.verdicts.thresholds import overrides

    return require_base(head, where), compare_sides(head, overrides())


def against(base: RunFile, name: str, head: RunFile) -> Comparison:
    """A run against another, by this repository's thresholds."""
    from reports.verdicts.compare import compare
    from reports.verdicts.thresholds import overrides

    return compare(base, head, baseline=name, overrides=overrides())
