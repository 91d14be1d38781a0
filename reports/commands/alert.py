"""`reports alert`: word what a judged run came to, for where it is to be read."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from reports.characters import Rendered
from reports.commands.shared import PASSED, Commands, against, as_json, at_least, judged_sides, note, say

if TYPE_CHECKING:
    from reports.render.alerts import Alert

FORMATS = ("github-comment", "github-issue", "step-summary", "annotations", "webhook")


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    alert = commands.add_parser(
        "alert",
        help="write the message about a judged run; exit 0 whatever the verdict, which `compare` has",
        description="Write the message about a judged run. Exits 0 whatever the verdict: `compare` is what fails.",
    )
    alert.add_argument("head", type=Path, metavar="HEAD.json")
    alert.add_argument(
        "--baseline",
        type=Path,
        default=None,
        metavar="BASE.json",
        help="judge against this run (not needed where HEAD was measured with --against)",
    )
    alert.add_argument("--format", choices=FORMATS, default="github-comment")
    alert.add_argument("--output", type=Path, default=None, metavar="FILE", help="default: print")
    alert.add_argument("--report-url", default="", metavar="URL", help="https link to the whole report")
    alert.add_argument("--key", default="report", help="names a comment, to replace the one of the same key")
    alert.add_argument("--untrusted", action="store_true", help="say that nobody has reviewed the code that was run")
    alert.add_argument("--length", type=at_least(20_000), default=None, metavar="N", help="characters at most")
    alert.add_argument(
        "--allow-missing", action="store_true", help="where there is no HEAD.json, say that nothing was measured"
    )
    alert.add_argument(
        "--send", action="store_true", help="send to the webhook in BARK_BENCHMARKS_WEBHOOK, if the run failed"
    )
    alert.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.delivery.comment import MARKER
    from reports.errors import ReportError
    from reports.records import baselines, runfile
    from reports.records.files import append, write_atomically
    from reports.render import alerts
    from reports.render.alert_github import marker

    if not MARKER.fullmatch(marker(options.key)):
        raise ReportError(f"--key {options.key!r} cannot name a comment: small letters, digits, . _ : and - only")
    if options.send and options.output is not None:
        raise ReportError("--send with --output: a message is sent or written, so give one of them, and then the other")
    if options.baseline and options.allow_missing and not options.head.exists():
        alert = alerts.of_nothing(baselines.read(options.baseline), str(options.head), report_url=options.report_url)
    else:
        head = runfile.read(options.head)
        if options.baseline:
            base = baselines.read(options.baseline)
            comparison = against(base, str(options.baseline), head)
        else:
            base, comparison = judged_sides(head, str(options.head))
        alert = alerts.alert(
            base,
            head,
            comparison,
            reviewed=bool(options.baseline) and options.baseline.resolve().is_relative_to(baselines.DEFAULT_ROOT),
            report_url=options.report_url,
            untrusted=options.untrusted,
        )
    if options.send:
        note(_send(alert))
        return PASSED
    text = _text(alert, options.format, options.key, options.length)
    if options.output is None:
        say(text)
    elif options.format == "step-summary":
        append(options.output, text)  # a job has one summary for all its steps
    else:
        write_atomically(options.output, text)
    return PASSED


def _text(alert: Alert, wanted: str, key: str, length: int | None) -> str:
    """The alert in a format."""
    from reports.render import alert_annotations, alert_github, alert_webhook

    limit = {"limit": min(length, alert_github.LIMIT)} if length else {}
    if wanted == "github-comment":
        return alert_github.comment(alert, key, **limit)
    if wanted == "github-issue":
        return alert_github.issue(alert, **limit)
    if wanted == "step-summary":
        return alert_github.step_summary(alert, **limit)
    if wanted == "annotations":
        return Rendered(alert_annotations.commands(alert) + "\n")
    return Rendered(as_json(alert_webhook.message(alert)) + "\n")


def _send(alert: Alert) -> str:
    """Tell the webhook of a run that failed; what became of it."""
    from reports.delivery.webhook import deliver
    from reports.render.alert_webhook import message

    return deliver(message(alert), os.environ) if alert.failed else "no regression: nothing was sent to a webhook"
