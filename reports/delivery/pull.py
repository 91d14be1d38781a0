"""Which pull request a finished workflow run belongs to, by what GitHub says of it.

The run was of code that nobody has reviewed, so the number in its artifact is only a claim. The event of the run names
the head's commit, branch and repository; `workflow_run.pull_requests` is empty for a fork, so the pull request is
looked up by its branch and has to be at that commit.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.delivery.github import GitHub
from reports.errors import ReportError


@dataclass(frozen=True, slots=True)
class Head:
    """What was measured: commit, branch, and the repository (`owner/name`) that the branch is in."""

    commit: str
    branch: str
    repository: str


def head_of(event_path: Path) -> Head:
    """The head of the workflow run that an event is about.

    Raises:
        ReportError: the file is not the event of a finished workflow run.
    """
    try:
        event: Any = json.loads(event_path.read_text(encoding="utf-8"))
        run = event["workflow_run"]
        head = Head(run["head_sha"], run["head_branch"], run["head_repository"]["full_name"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ReportError(
            f"{event_path} is not the event of a workflow run: set GITHUB_EVENT_PATH, as GitHub does on `workflow_run`"
        ) from error
    if not (
        all(isinstance(part, str) for part in (head.commit, head.branch, head.repository))
        and re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", head.commit)
        and head.repository.count("/") == 1
    ):
        raise ReportError(f"{event_path} names no commit, branch and repository of a workflow run")
    return head


def claimed_number(path: Path) -> int:
    """The number that an artifact claims.

    Raises:
        ReportError: the file holds no number.
    """
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"cannot read {path}: unpack the artifact first") from error
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text, re.ASCII):
        raise ReportError(f"{path} holds no number of a pull request")
    return int(text)


def confirmed(github: GitHub, claimed: int, head: Head) -> int:
    """The claimed number, if that pull request is open and at the commit that was measured.

    Raises:
        ReportError: it is another's, it was closed, or has new commits since; or GitHub refuses.
    """
    owner = head.repository.partition("/")[0]
    rows = github.rows("pulls", state="open", head=f"{owner}:{head.branch}")
    numbers = [row.get("number") for row in rows if _is_at(row, head)]
    if claimed not in numbers:
        raise ReportError(
            f"#{claimed} is not an open pull request at commit {head.commit[:12]}: it has newer commits, was closed, "
            "or the artifact claims another's number; nothing was written"
        )
    return claimed


def _is_at(row: dict[str, Any], head: Head) -> bool:
    found = row.get("head") or {}
    # A fork that was deleted has no repository.
    there = (found.get("repo") or {}).get("full_name")
    return (found.get("sha"), found.get("ref"), there) == (head.commit, head.branch, head.repository)
