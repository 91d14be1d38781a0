"""Reading JSON that anybody may have written: limits on what is taken in, each with one clear error.

A run file can come from a pull request of a stranger. What gets through here is a tree of plain JSON of a size that a
comparison finishes on, all of whose numbers and texts can be computed with, printed and written again.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from pydantic_core import from_json

from reports.characters import short
from reports.errors import ReportError

MOST_BYTES = 256 * 2**20
"""10,000 cells take 170 MB, at the 17 kB a cell of the largest baseline; the whole matrix has 648."""

MOST_VALUES = 10_000_000
"""A cell has up to 630; decoded, each takes up to 64 bytes, and an empty list is two bytes in the file."""

MOST_MEMBERS = 20_000
"""Of one list or object: a file's cells, of which there are no more (bounds.py)."""

MOST_DEPTH = 32
"""A run file has 8 levels, and pydantic writes no more than 255."""

MOST_CHARACTERS = 100_000
"""Of one string or key. The longest are names of kernels and failure messages, a few thousand."""

LARGEST_INTEGER = 2**63 - 1
"""What other readers of JSON hold in an integer; one beyond 1e308 cannot even be divided."""

SHOWN = 60
"""Characters of a file's own text that an error quotes."""

Place: TypeAlias = "tuple[Place, str | int] | None"
"""Where a value stands: the place of what holds it, and its key or index there."""


class RefusedError(Exception):
    """What is wrong with a document, for a message that names the file."""


def read_document(path: Path) -> Any:
    """What a run file's JSON holds, not yet judged to be one.

    Raises:
        ReportError: it is missing, no file, too large, cut off, or holds what no run file does.
    """
    return decode(_content(path), str(path))


def decode(content: bytes, where: str) -> Any:
    """The document in JSON text in UTF-8.

    Raises:
        ReportError: it is not JSON, beyond a limit, or holds a number that is not finite, a repeated key, or half of a
            surrogate pair.
    """
    try:
        content.decode("utf-8")  # checked, and not kept
        _check_size(content)
        document, keys = _decoded(content)
        # In a string the two characters may stand as well, so more of them than keys proves nothing yet.
        if keys != content.count(b'":'):
            json.loads(content.decode("utf-8"), object_pairs_hook=_without_repeats)
    except UnicodeDecodeError as error:
        raise ReportError(f"cannot read {where}: {error}") from error
    except RefusedError as error:
        raise ReportError(f"{where} is damaged: {error}; restore it or measure again") from error
    except (ValueError, RecursionError) as error:
        raise ReportError(
            f"{where} is not complete JSON ({short(str(error), 200)}): it was cut off or damaged; "
            "restore it (git checkout) or measure again"
        ) from error
    return document


def _content(path: Path) -> bytes:
    """The bytes of a regular file, at most `MOST_BYTES`.

    Raises:
        ReportError: it is none, larger, or cannot be read.
    """
    try:
        # Opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ReportError(f"{path} is a device, a pipe or a folder, not a run file: store it as a file first")
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise ReportError(f"there is no run file {path}") from error
    except OSError as error:
        raise ReportError(f"cannot read {path}: {error.strerror or error}") from error
    if len(content) > MOST_BYTES:
        raise ReportError(f"{path} has more than {MOST_BYTES:,} bytes, which no run file has: check what it is")
    return content


def _check_size(content: bytes) -> None:
    """Refuse what would take too much memory once decoded; characters within strings are counted too."""
    values = sum(content.count(mark) for mark in (b",", b"[", b"{"))
    if values > MOST_VALUES:
        raise RefusedError(f"it holds {values:,} values, and at most {MOST_VALUES:,} are read")


def _decoded(content: bytes) -> tuple[Any, int]:
    """The document, and how many keys it has."""
    try:
        document = from_json(content)
    except (ValueError, RecursionError):
        document = json.loads(content.decode("utf-8"))  # takes twice as long, and says better what is wrong
    return document, _check(document)


def _check(document: Any) -> int:
    """Look at every value, holder by holder, so that little is kept beside the document; returns how many keys it has.

    Raises:
        RefusedError: a value is none that a run file may hold; the message names its place.
    """
    keys = 0
    holders: list[tuple[Place, Any, int]] = [(None, [document], 0)]
    while holders:
        place, holder, depth = holders.pop()
        if len(holder) > MOST_MEMBERS:
            raise RefusedError(f"{named(place)} holds {len(holder):,} values, and at most {MOST_MEMBERS:,} are read")
        if depth > MOST_DEPTH:
            raise RefusedError(f"it is nested more than {MOST_DEPTH} deep at {named(place)}")
        is_mapping = type(holder) is dict
        keys += len(holder) if is_mapping else 0
        members: Iterable[tuple[Any, Any]] = holder.items() if is_mapping else enumerate(holder)
        for key, value in members:
            if is_mapping and (len(key) > MOST_CHARACTERS or not key.isascii()):
                _check_text(key, place, "a key")
            if type(value) in (dict, list):
                holders.append(((place, key), value, depth + 1))
            else:
                _check_value(value, (place, key))
    return keys


def _check_value(value: Any, place: Place) -> None:
    if type(value) is str:
        if len(value) > MOST_CHARACTERS or not value.isascii():
            _check_text(value, place, "a text")
    elif type(value) is float:
        if not math.isfinite(value):
            raise RefusedError(f"{named(place)} is {value}, not a number that was measured")
    elif type(value) is int and abs(value) > LARGEST_INTEGER:
        raise RefusedError(f"{named(place)} is a whole number of {value.bit_length()} bits, and at most 63 are read")


def _check_text(text: str, place: Place, what: str) -> None:
    if len(text) > MOST_CHARACTERS:
        raise RefusedError(
            f"{named(place)} is {what} of {len(text):,} characters, and at most {MOST_CHARACTERS:,} are read"
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RefusedError(f"{named(place)} is {what} that is not Unicode (half of a surrogate pair)") from error


def named(place: Place) -> str:
    """A place as `benchmarks.0.stats`, without the list around the whole document."""
    return ".".join(reversed([short(str(part), SHOWN) for part in _upwards(place)][:-1])) or "the document"


def _upwards(place: Place) -> Iterator[str | int]:
    while place:
        place, part = place
        yield part


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        again = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise RefusedError(
            f"the key {short(again, SHOWN)!r} stands twice in one object: readers differ in which counts"
        )
    return made
