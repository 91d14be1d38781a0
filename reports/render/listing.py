"""Rows of a history's query as aligned text, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reports.characters import masked
from reports.records.metrics import Kind, Metric
from reports.records.units import quantity
from reports.render import markdown

FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the start of a formula; tabs and ends of lines do not get into a table."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A metric's value, in its unit."""

    value: float
    metric: Metric


Entry = str | int | bool | datetime | Amount


@dataclass(frozen=True, slots=True)
class Listing:
    """A table. An `Amount` stands in the column `value`. People see twelve characters of a commit, programs all."""

    header: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]
    notes: tuple[str, ...]


def as_text(listing: Listing) -> str:
    """For a terminal: columns aligned, nothing cut off or wrapped, so that grep and awk work on it."""
    rows = [listing.header, *_shown(listing)]
    right = _numbers(listing)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            text.rjust(width) if name in right else text.ljust(width)
            for text, width, name in zip(row, widths, listing.header, strict=True)
        ).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, *(f"note: {masked(note)}" for note in listing.notes)])


def as_markdown(listing: Listing) -> str:
    """For a page."""
    rows = [
        [
            markdown.with_commits(markdown.escape(text), *([text] if name == "commit" else []))
            for name, text in zip(listing.header, row, strict=True)
        ]
        for row in _shown(listing)
    ]
    table = markdown.table([markdown.escape(name) for name in listing.header], rows, left=len(listing.header))
    return "\n".join([table, "", *(f"- note: {markdown.escape(note)}" for note in listing.notes)]).rstrip()


def as_csv(listing: Listing) -> str:
    """For a spreadsheet: full precision, metrics' values in their unit; no text is taken for a formula."""
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    header, rows = _exact(listing)
    writer.writerow(header)
    writer.writerows([_harmless(entry) if isinstance(entry, str) else entry for entry in row] for row in rows)
    return content.getvalue()


def _harmless(text: str) -> str:
    return masked(f"'{text}" if text.startswith(FORMULA) else text)


def as_json(listing: Listing) -> dict[str, Any]:
    """For programs: full precision, metrics' values in their unit."""
    header, rows = _exact(listing)
    return {"rows": [dict(zip(header, row, strict=True)) for row in rows], "notes": list(listing.notes)}


def _exact(listing: Listing) -> tuple[list[str], Iterator[list[Any]]]:
    """Header and rows for programs: a value's unit is a column of its own."""
    header = [one for name in listing.header for one in ((name, "unit") if name == "value" else (name,))]
    return header, ([one for entry in row for one in _plain(entry)] for row in listing.rows)


def _plain(entry: Entry) -> tuple[Any, ...]:
    if isinstance(entry, Amount):
        return entry.value, entry.metric.unit
    return (entry.isoformat() if isinstance(entry, datetime) else entry,)


def _numbers(listing: Listing) -> set[str]:
    first = listing.rows[0] if listing.rows else ()
    return {
        name
        for name, entry in zip(listing.header, first, strict=False)
        if isinstance(entry, int | Amount) and not isinstance(entry, bool)
    }


def _shown(listing: Listing) -> Iterator[list[str]]:
    """Rows for people."""
    for row in listing.rows:
        texts = [_text(entry) for entry in row]
        yield [text[:12] if name == "commit" else text for text, name in zip(texts, listing.header, strict=True)]


def _text(entry: Entry) -> str:
    if isinstance(entry, Amount):
        value, unit = entry.value, entry.metric.unit
        # One byte is a change of an exact metric.
        return f"{value:,.16g} {unit}".rstrip() if entry.metric.kind is Kind.EXACT else quantity(value, unit)
    if isinstance(entry, datetime):
        return f"{entry.astimezone(UTC):%Y-%m-%d %H:%M}"
    return ("yes" if entry else "no") if isinstance(entry, bool) else masked(str(entry))
