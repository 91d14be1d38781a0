"""One issue that is open while a run fails, and closed by the run that recovers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any, Literal, get_args

from reports.characters import BREAK, short, unlinked
from reports.delivery.comment import LONGEST, first_line
from reports.delivery.github import AUTHOR, GitHub
from reports.errors import ReportError
from reports.render.alert_github import TITLE_LIMIT, marker, state_marker
from reports.render.untrusted import plain

LONGEST_TITLE = 256

State = Literal["failing", "recovered"]
STATES: tuple[State, ...] = get_args(State)

LABEL = "benchmark-regression"
MARKER = marker("issue")
"""The first line of the issue's text."""


@dataclass(frozen=True, slots=True)
class Message:
    """One run's part of the issue: what it came to, its heading, its text with the heading."""

    state: State
    title: str
    text: str


def parse(body: str) -> Message:
    """A message as `alert --format github-issue` writes it.

    Raises:
        ReportError: it was written by something else.
    """
    line, _, text = body.partition("\n")
    first_line(body)
    states: dict[str, State] = {state_marker(failed=True): "failing", state_marker(failed=False): "recovered"}
    if line not in states or not text.startswith("# "):
        raise ReportError("the message is not one of an issue: write it with `alert --format github-issue`")
    heading = text.partition("\n")[0].removeprefix("# ")
    title = unescape(heading.replace("\\", "")).replace(BREAK, "")  # a title is no Markdown, but shows emoji
    return Message(states[line], short(unlinked(plain(title, TITLE_LIMIT)), LONGEST_TITLE), text.strip("\n"))


def upsert(github: GitHub, messages: Sequence[Message], state: State | None = None, author: str = AUTHOR) -> str:
    """Open or replace the issue if a run fails, close it if none does; returns what was done.

    Args:
        github: the repository.
        messages: of all runs that the issue is about; their texts follow each other, the failing first.
        state: what they came to, where they do not say it themselves.
        author: whose issue it is: one that another wrote is left alone.

    Raises:
        ReportError: the texts together are longer than GitHub takes, or GitHub refuses.
    """
    failing = [message for message in messages if message.state == "failing"]
    state = state or ("failing" if failing else "recovered")
    others = [message for message in messages if message.state != "failing"]
    body = "\n\n".join([MARKER, *(message.text for message in (*failing, *others))]) + "\n"
    if len(body) > LONGEST:
        raise ReportError(
            f"the messages together have {len(body):,} characters and GitHub takes {LONGEST:,}: write each with a "
            f"smaller --length, such as {LONGEST // len(messages) - 500}"
        )
    known = _open(github, author)
    if state == "recovered":
        for issue in known:
            github.post(f"issues/{issue}/comments", {"body": body})
            github.patch(f"issues/{issue}", {"state": "closed", "state_reason": "completed"})
        return f"closed {', '.join(f'#{issue}' for issue in known)}" if known else "no issue is open: nothing to close"
    title = (failing or messages)[0].title + (f" and {len(failing) - 1} more" if len(failing) > 1 else "")
    if known:
        github.patch(f"issues/{known[0]}", {"title": title, "body": body})
        return f"updated #{known[0]}"
    made: Any = github.post("issues", {"title": title, "body": body, "labels": [LABEL]})
    return f"opened #{made.get('number') if isinstance(made, dict) else '?'}"


def _open(github: GitHub, author: str) -> list[int]:
    """The open issues with the label and marker, oldest first; pull requests are in GitHub's list too."""
    rows = github.rows("issues", state="open", labels=LABEL)
    return sorted(
        int(row["number"])
        for row in rows
        if "pull_request" not in row
        and (row.get("user") or {}).get("login") == author
        and str(row.get("body") or "").partition("\n")[0].strip() == MARKER
    )
