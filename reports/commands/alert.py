"""`reports alert`: word what a judged run came to, for where it is to be read."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from reports.characters import Rendered
from reports.commands.shared import PASSED, Commands, against, as_json, at_least, judged_sides, say

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
    alert.add_argument("--key", default="report", help="names a comment or issue, to replace the one of the same key")
    alert.add_argument("--untrusted", action="store_true", help="say that nobody has reviewed the code that was run")
    alert.add_argument("--cells", type=at_least(1), default=None, metavar="N", help="say so where it measured others")
    alert.add_argument(
        "--allow-missing", action="store_true", help="where there is no HEAD.json, say that nothing was measured"
    )
    alert.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.errors import ReportError
    from reports.records import baselines, runfile
    from reports.records.files import append, write_atomically
    from reports.render import alerts
    from reports.render.alert_github import KEY

    if not KEY.fullmatch(options.key):
        raise ReportError(f"--key {options.key!r} cannot name a message: small letters, digits, . _ : and - only")
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
            cells=options.cells,
        )
    text = _text(alert, options.format, options.key)
    if options.output is None:
        say(text)
    elif options.format == "step-summary":
        append(options.output, text)  # a job has one summary for all its steps
    else:
        write_atomically(options.output, text)
    return PASSED


def _text(alert: Alert, wanted: str, key: str) -> str:
    """The alert in a format."""
    from reports.render import alert_annotations, alert_github, alert_webhook

    if wanted == "github-comment":
        return alert_github.comment(alert, key)
    if wanted == "github-issue":
        return Rendered(as_json(alert_github.issue(alert, key)) + "\n")
    if wanted == "step-summary":
        return alert_github.step_summary(alert)
    if wanted == "annotations":
        return Rendered(alert_annotations.commands(alert) + "\n")
    return Rendered(as_json(alert_webhook.message(alert)) + "\n")
