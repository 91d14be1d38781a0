"""One comment of a pull request that is replaced in place."""

from __future__ import annotations

import re

from reports.delivery.github import AUTHOR, GitHub
from reports.errors import ReportError

LONGEST = 65_536
MARKER = re.compile(r"<!-- bark-benchmarks:[a-z0-9:._-]+ -->")


def first_line(body: str) -> str:
    """The hidden marker that a message begins with.

    Raises:
        ReportError: it has none, or is longer than GitHub takes.
    """
    line = body.partition("\n")[0]
    if not MARKER.fullmatch(line):
        raise ReportError(
            "the message does not begin with its marker: write it with `reports alert --format github-comment`"
        )
    if len(body) > LONGEST:
        raise ReportError(f"the message has {len(body):,} characters and GitHub takes {LONGEST:,}: write it anew")
    return line


def upsert(github: GitHub, number: int, body: str, author: str = AUTHOR) -> str:
    """Write a comment, over the one with the same marker by the same author if there is one; returns what was done.

    Anybody can copy a marker into a comment of their own: only one that the author wrote is replaced.

    Raises:
        ReportError: see `first_line`; or GitHub refuses.
    """
    marker = first_line(body)
    for row in github.rows(f"issues/{number}/comments"):
        written_by = (row.get("user") or {}).get("login")
        if written_by == author and str(row.get("body") or "").partition("\n")[0].strip() == marker:
            answer = github.send("PATCH", f"issues/comments/{int(row['id'])}", {"body": body})
            if answer.status == 404:  # somebody has deleted it meanwhile
                break
            if answer.status == 200:
                return f"updated the comment on #{number}"
            raise ReportError(f"GitHub answered {answer.status} to the update of the comment on #{number}")
    github.post(f"issues/{number}/comments", {"body": body})
    return f"wrote a comment on #{number}"
