"""`reports github`: write an alert to GitHub, or fetch an artifact from it. Token and repository: the environment's."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from reports.commands.shared import PASSED, Commands, at_least, say


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    github = commands.add_parser(
        "github",
        help="write a comment or issue to GitHub, or fetch an artifact",
        description="GITHUB_TOKEN and GITHUB_REPOSITORY come from the environment, GITHUB_API_URL too where it is set.",
    )
    actions = github.add_subparsers(required=True, metavar="ACTION")
    comment = actions.add_parser("comment", help="write a pull request's comment, over the last one with its marker")
    number = comment.add_mutually_exclusive_group(required=True)
    number.add_argument("--pr", type=at_least(1), metavar="N")
    number.add_argument(
        "--claimed-pr", type=Path, metavar="FILE", help="number in an artifact; GITHUB_EVENT_PATH has to confirm it"
    )
    comment.add_argument("--body", type=Path, required=True, metavar="FILE")
    comment.set_defaults(run=write_comment)
    issue = actions.add_parser("issue", help="open, replace or close the one issue about failing runs")
    issue.add_argument("--body", type=Path, required=True, nargs="+", metavar="FILE", help="a message for each run")
    issue.add_argument("--state", choices=["failing", "recovered"], default=None, help="(default: as the messages say)")
    issue.set_defaults(run=write_issue)
    for writes in (comment, issue):
        writes.add_argument(
            "--author",
            default="",
            metavar="LOGIN",
            help="whose is replaced (default: github-actions[bot], a workflow's)",
        )
    artifact = actions.add_parser("artifact", help="fetch an artifact's archive; take it out with `reports unpack`")
    artifact.add_argument("--run-id", type=at_least(1), required=True, metavar="N")
    artifact.add_argument("--name", required=True)
    artifact.add_argument("--output", type=Path, required=True, metavar="FILE.zip")
    artifact.set_defaults(run=fetch_artifact)


def write_comment(options: argparse.Namespace) -> int:
    """Carry `github comment` out; returns the exit code."""
    from reports.delivery import comment, pull
    from reports.delivery.github import AUTHOR, connect
    from reports.errors import ReportError

    body, github = _text(options.body), connect(os.environ)
    number = options.pr
    if options.claimed_pr:
        event = os.environ.get("GITHUB_EVENT_PATH")
        if not event:
            raise ReportError("GITHUB_EVENT_PATH is not set: --claimed-pr needs the event of the run that claims it")
        number = pull.confirmed(github, pull.claimed_number(options.claimed_pr), pull.head_of(Path(event)))
    say(comment.upsert(github, number, body, options.author or AUTHOR))
    return PASSED


def write_issue(options: argparse.Namespace) -> int:
    """Carry `github issue` out; returns the exit code."""
    from reports.delivery import issue
    from reports.delivery.github import AUTHOR, connect

    messages = [issue.parse(_text(path)) for path in options.body]
    say(issue.upsert(connect(os.environ), messages, options.state, options.author or AUTHOR))
    return PASSED


def fetch_artifact(options: argparse.Namespace) -> int:
    """Carry `github artifact` out; returns the exit code."""
    from reports.delivery import artifact
    from reports.delivery.github import connect
    from reports.records.files import write_atomically

    found = artifact.fetch(connect(os.environ), options.run_id, options.name)
    write_atomically(options.output, found.content)
    if found.note:
        say(found.note)
    say(f"wrote {options.output}")
    return PASSED


def _text(path: Path) -> str:
    from reports.errors import ReportError

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(
            f"cannot read the message {path}: write it with `python -m reports alert --output`"
        ) from error
