"""Errors of the judging side: each message says what was wrong, where, and what to do next."""

from __future__ import annotations

from json import JSONDecodeError
from tomllib import TOMLDecodeError

from reports.characters import visible


class ReportError(Exception):
    """A run file, baseline or argument that cannot be used. The message is one line, whatever names it quotes."""

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))


OUTSIDE = (ReportError, OSError, RecursionError, MemoryError, UnicodeError, JSONDecodeError, TOMLDecodeError)
"""What files, the file system and the machine can do to a program that has no fault; anything else is one."""


def explained(error: BaseException) -> str:
    """An error, such as one of `OUTSIDE`, in one line."""
    if isinstance(error, OSError) and error.strerror:
        names = " and ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
        return visible(f"cannot use {names}: {error.strerror}" if names else f"the system says: {error.strerror}")
    if isinstance(error, RecursionError):
        return "it is nested too deeply to be read: restore the file (git checkout)"
    if isinstance(error, MemoryError):
        return "out of memory: read fewer or smaller files at once, or end other programs"
    if isinstance(error, UnicodeError):
        return visible(f"a text is not in the encoding it has to be in: {error}")
    return visible(str(error) or type(error).__name__)
