"""The alert for a webhook: JSON that Slack shows as blocks, and that others may read by its `text`.

Limits are Slack's (https://docs.slack.dev/reference/block-kit/blocks).
"""

from __future__ import annotations

from typing import Any

from reports.characters import short
from reports.render.alerts import Alert, Row
from reports.render.untrusted import for_slack, plain

HEADER_LIMIT, SECTION_LIMIT, MOST_BLOCKS = 150, 3_000, 50
LONGEST_LINK = SECTION_LIMIT - 200
"""Characters of a link; the rest is for a sentence around it."""
ESCAPED = len("&amp;")
"""Characters, at most, that one character takes once it is escaped."""
MOST_ROWS = 12
"""Failing verdicts that are listed; the report has the rest."""


def message(alert: Alert) -> dict[str, Any]:
    """The message: `text` for notifications and other receivers, `blocks` for Slack."""
    failing = [row for row in alert.rows if row.fails]
    sections = [
        f"*{for_slack(alert.headline, 500)}*\n{for_slack(alert.measured, 500)}",
        *(for_slack(note, 500) for note in alert.notes),
        *(_row(row) for row in failing[:MOST_ROWS]),
    ]
    if len(failing) > MOST_ROWS:
        sections.append(f"{len(failing) - MOST_ROWS} more failing verdicts are not shown here.")
    sections += [f"`{for_slack(why.cell, 120)}`: {for_slack(why.sentence, 800)}" for why in alert.why[:MOST_ROWS]]
    if alert.changed:
        sections.append(f"Changed since the baseline: {for_slack(', '.join(alert.changed), 500)}")
    if alert.commands:
        sections.append(_commands(alert))
    if link := _link(alert, "The whole report"):
        sections.append(link)
    title = {"type": "plain_text", "text": plain(alert.title, HEADER_LIMIT), "emoji": False}
    blocks = [{"type": "header", "text": title}, *map(_section, sections)]
    return {"text": for_slack(alert.title, HEADER_LIMIT), "blocks": blocks[:MOST_BLOCKS]}


def _row(row: Row) -> str:
    cell, metric, status, before, after, reason = (for_slack(column, 300) for column in row.columns)
    told = f"{metric} {status}: {before} -> {after}, {reason}" if metric != "-" else f"{status}: {reason}"
    return f"`{cell}`: {told}"


def _commands(alert: Alert) -> str:
    """The commands in a block; where they do not fit, where they are: a part of a command is worse than none."""
    lines = [for_slack(line, ESCAPED * len(line)) for line in alert.commands]
    whole = "To measure it again:\n```" + "\n".join(lines) + "```"
    if len(whole) <= SECTION_LIMIT:
        return whole
    link = _link(alert, "the whole report")
    where = f"see {link}" if link else "`python -m reports alert RUN.json --baseline BASE.json` prints them"
    return f"The commands to measure it again are too long for this message: {where}."


def _link(alert: Alert, words: str) -> str:
    """A link to the report; empty where there is none, or it is too long for a section: half an address leads away."""
    link = f"<{alert.report_url.replace('&', '&amp;')}|{words}>"
    return link if alert.report_url and len(link) <= LONGEST_LINK else ""


def _section(text: str) -> dict[str, Any]:
    # Verbatim: Slack makes no links or mentions of its own from what only looks like one.
    return {"type": "section", "text": {"type": "mrkdwn", "text": short(text, SECTION_LIMIT), "verbatim": True}}
