"""The alert as GitHub's Markdown: a comment, an issue, a job's summary. Never longer than GitHub takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from reports.characters import masked, short, unlinked
from reports.render import alerts
from reports.render.alerts import Alert
from reports.render.fitting import taken
from reports.render.markdown import table, table_row, with_commits
from reports.render.untrusted import for_markdown, plain

LIMIT = 65_000
"""Characters of a comment or an issue's text; GitHub refuses more than 65,536."""
SUMMARY_LIMIT = 250_000
"""Characters of a job's summary; GitHub refuses more than 1 MiB, and a character has up to four bytes."""
LABEL = "benchmark-regression"
"""Of an issue."""
TITLE_LIMIT, LONGEST_TITLE = 200, 256
"""Characters of an issue's title, without what parts its references and with it; GitHub refuses more."""

KEY = re.compile(r"[a-z0-9:._-]+")
"""What may stand in a marker, which nothing in it must end."""

CELL, SENTENCE, LISTED = 120, 400, 20
"""Characters of a table's cell and of a sentence; versions and counts that are listed."""


def marker(key: str) -> str:
    """The first line of a message, which nobody sees: by it the message is found again."""
    return f"<!-- bark-benchmarks:{key} -->"


def comment(alert: Alert, key: str, limit: int = LIMIT) -> str:
    """A comment that can be found by its key and replaced."""
    return f"{marker(key)}\n{_body(alert, limit - 200)}"


def issue(alert: Alert, key: str, limit: int = LIMIT) -> dict[str, Any]:
    """An issue as GitHub's API takes it: open while the run fails, closed by one that does not."""
    return {
        "title": short(unlinked(plain(alert.title, TITLE_LIMIT)), LONGEST_TITLE),
        "body": comment(alert, key, limit),
        "state": "open" if alert.failed else "closed",
        "labels": [LABEL],
    }


def step_summary(alert: Alert, limit: int = SUMMARY_LIMIT) -> str:
    """A job's summary."""
    return _body(alert, limit)


def _body(alert: Alert, limit: int) -> str:
    top = [
        f"# {for_markdown(alert.title, TITLE_LIMIT)}",
        f"**{for_markdown(alert.headline, SENTENCE)}**",
        for_markdown(alert.measured, SENTENCE),
        *(f"> {for_markdown(note, SENTENCE)}" for note in alert.notes),
    ]
    bottom = [_listed(f"{alert.since}:", alert.changed), _counts(alert), _commands(alert.commands)]
    if alert.report_url:
        bottom.append(f"[The whole report]({alert.report_url})")
    room = limit - sum(len(part) + 2 for part in (*top, *bottom))
    failing = _rows([row for row in alert.rows if row.fails], room * 6 // 10, "failing verdicts")
    why = _why(alert, (room - len(failing)) // 2)
    rest = _rows([row for row in alert.rows if not row.fails], room - len(failing) - len(why) - 200, "verdicts")
    if rest:
        moved = sum(not row.fails for row in alert.rows)
        rest = f"<details><summary>{moved} more that moved or may have moved</summary>\n\n{rest}\n\n</details>"
    text = "\n\n".join(part for part in (*top, failing, why, rest, *bottom) if part) + "\n"
    return with_commits(text, *alert.commits)


def _rows(rows: Sequence[alerts.Row], room: int, what: str) -> str:
    """As many rows as there is room for, and how many are left out."""
    if not rows:
        return ""
    lines = [[for_markdown(column, SENTENCE if place >= 5 else CELL) for place, column in enumerate(row.columns)]
             for row in rows]  # fmt: skip
    kept = _fitting(map(table_row, lines), room - 300)
    shown = table(alerts.HEADER, lines[:kept], left=len(alerts.HEADER)) if kept else ""
    left_out = f"{len(rows) - kept} more {what} are not shown: there is no room for them here."
    return "\n\n".join(part for part in (shown, left_out if kept < len(rows) else "") if part)


def _why(alert: Alert, room: int) -> str:
    # As one text: the colon might end an emoji that a cell's name began.
    lines = [f"- {for_markdown(f'{short(why.cell, CELL)}: {why.sentence}', CELL + 2 * SENTENCE)}" for why in alert.why]
    if not lines:
        return ""
    kept = _fitting(lines, room - 200)
    left_out = [f"- of {len(lines) - kept} more cells there is no room for it"] if kept < len(lines) else []
    return "\n".join(["Why:", "", *lines[:kept], *left_out])


def _fitting(lines: Iterable[str], room: int) -> int:
    """How many of the lines, from the first on, there is room for."""
    return taken((len(line) + 1 for line in lines), room)[0]


def _listed(what: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    more = [f"and {len(items) - LISTED} more"] if len(items) > LISTED else []
    return f"{what} " + ", ".join([*(for_markdown(item, CELL) for item in items[:LISTED]), *more])


def _counts(alert: Alert) -> str:
    return _listed(f"{for_markdown(alert.counts, SENTENCE)}.", alert.folded) or for_markdown(alert.counts, SENTENCE)


def _commands(commands: Sequence[str]) -> str:
    """The commands in a block, whole; they are short, and no character in them could end it (see `reproduce`)."""
    if not commands:
        return ""
    return "\n".join(["To measure it again:", "", "```sh", *map(masked, commands), "```"])
