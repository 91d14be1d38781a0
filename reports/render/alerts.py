"""The alert: what every message about a judged run says, whatever it is written for. Data only, no layout."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit

from reports.errors import ReportError
from reports.records.metrics import METRICS
from reports.records.schema import RunFile
from reports.records.units import step
from reports.render import reproduce, summary
from reports.verdicts.rules import Status
from reports.verdicts.verdict import Comparison, Verdict

HEADER = ("cell", "metric", "verdict", "baseline", "this run", "reason")

FIRST = (Status.WORSE, Status.FAILED, Status.MISSING)
"""The order of what fails a run."""

LONGEST_URL = 2_000
MINUTE = len("2026-01-31T12:00")
CLAIM = "The code under test wrote these numbers itself: they are its claim, not evidence."


@dataclass(frozen=True, slots=True)
class Row:
    """One verdict as the cells below `HEADER`, and whether it fails the run."""

    columns: tuple[str, ...]
    fails: bool


@dataclass(frozen=True, slots=True)
class Why:
    """The sentence of a cell's attribution."""

    cell: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Alert:
    """What a message says, in this order. Text comes from a run file and is not escaped for anything.

    `commits`: those that were measured, which may be linked (`unpack` holds a stranger's against the event). `rows`:
    those that fail first. `folded`: what is only counted. `changed`: what differs between the environments, and
    `since`: how a sentence about it begins.
    `commands`: what to type to measure it again. `report_url`: https, or empty.
    """

    failed: bool
    title: str
    headline: str
    measured: str
    commits: tuple[str, ...]
    notes: tuple[str, ...]
    rows: tuple[Row, ...]
    why: tuple[Why, ...]
    folded: tuple[str, ...]
    counts: str
    changed: tuple[str, ...]
    commands: tuple[str, ...]
    report_url: str
    since: str


def alert(
    base: RunFile | None,
    head: RunFile,
    comparison: Comparison,
    *,
    reviewed: bool,
    report_url: str = "",
    untrusted: bool = False,
    cells: int | None = None,
) -> Alert:
    """The alert of a judged run.

    Args:
        base: what it was judged against.
        head: the run.
        comparison: of the two.
        reviewed: the baseline is a committed one.
        report_url: where the whole report can be read.
        untrusted: the run was measured by code that nobody has reviewed.
        cells: how many it was to measure, by whoever started it.

    Raises:
        ReportError: the URL is not one of https.
    """
    shown = sorted(summary.listed(comparison), key=_urgency)
    moved = list(dict.fromkeys(verdict.cell for verdict in shown))
    why = {found.cell: found.sentence for found in comparison.attributions}
    notes = [f"Drill: {head.suite.drill} was planted in every cell."] if head.suite.drill else []
    notes += lost_shards(head)
    if cells is not None and len(head.benchmarks) != cells:
        notes.append(f"Cells in the run file: {len(head.benchmarks)}, to be measured: {cells}.")
    return Alert(
        failed=comparison.failed,
        title=_title(head, comparison),
        headline=summary.headline(comparison),
        measured=_measured(base, head),
        commits=tuple(_commit_id(run) for run in (base, head) if run),
        notes=(*notes, *([CLAIM] if untrusted else [])),
        rows=tuple(_row(verdict) for verdict in shown),
        why=tuple(Why(cell, why[cell]) for cell in moved if cell in why),
        folded=tuple(summary.folded(comparison)),
        counts=summary.counts(comparison),
        changed=comparison.changed,
        commands=reproduce.commands(base, head, comparison, reviewed=reviewed),
        report_url=checked_url(report_url),
        since=summary.since(comparison).capitalize(),
    )


def of_nothing(base: RunFile, where: str, *, report_url: str = "") -> Alert:
    """The alert of a run that left no run file at all.

    Args:
        base: what it was to be judged against.
        where: names the file that is not there.
        report_url: where more can be read.

    Raises:
        ReportError: the URL is not one of https.
    """
    return Alert(
        failed=True,
        title=f"Bark benchmarks: nothing was measured ({_where(base)})",
        headline=f"FAILED: there is no run file {where}: every part of the run was lost, or they could not be joined",
        measured=f"The baseline is of commit {_commit(base)}, measured {base.datetime[:MINUTE]}.",
        commits=(_commit_id(base),),
        notes=(),
        rows=(),
        why=(),
        folded=(),
        counts=f"{len(base.cells)} cells of the baseline were not measured",
        changed=(),
        commands=(),
        report_url=checked_url(report_url),
        since="Changed since the baseline",
    )


def lost_shards(head: RunFile) -> list[str]:
    """A note for each shard whose run file was not merged: how many cells it leaves."""
    lost = Counter(outcome.shard for outcome in head.suite.cells if outcome.outcome == "not run" and outcome.shard)
    return [
        f"Shard {number} of {head.suite.shards[0].of} left no run file: {cells} cell{'s' if cells > 1 else ''} lost."
        for number, cells in sorted(lost.items())
    ]


def checked_url(url: str) -> str:
    """The URL, if it is one that a message may link to, or empty.

    Raises:
        ReportError: it is not https, or holds a character that could end the link in a message.
    """
    if not url:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    strange = set(url) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#@!&+,;=%")
    if parts.scheme != "https" or not parts.hostname or parts.username is not None or strange or len(url) > LONGEST_URL:
        raise ReportError(f"--report-url {url!r} cannot be linked to: give an https URL, other characters as %XX")
    return url


def _urgency(verdict: Verdict) -> tuple[bool, int, float]:
    """Failing verdicts first, by what is wrong, the largest change first."""
    place = FIRST.index(verdict.status) if verdict.status in FIRST else len(FIRST)
    return not verdict.fails, place, -abs(verdict.change or 0)


def _title(head: RunFile, comparison: Comparison) -> str:
    found = Counter(verdict.status for verdict in comparison.failures)
    if comparison.failures:
        cells = len({verdict.cell for verdict in comparison.failures})
        what = ", ".join(f"{found[status]} {status}" for status in FIRST if found[status])
        what += f" in {cells} cell{'s' if cells > 1 else ''}"
    else:
        what = "nothing was compared" if comparison.problem else "no regression"
    return f"Bark benchmarks: {what} ({_where(head)})"


def _where(run: RunFile) -> str:
    return f"{run.suite.hardware}, {run.suite.lane} lane, {run.suite.level}"


def _measured(base: RunFile | None, head: RunFile) -> str:
    words = f"Commit {_commit(head)}, measured {head.datetime[:MINUTE]}"
    return f"{words}, against commit {_commit(base)}, measured {base.datetime[:MINUTE]}." if base else f"{words}."


def _commit_id(run: RunFile) -> str:
    return str(run.commit_info.get("id") or "unknown")[:12]


def _commit(run: RunFile) -> str:
    return _commit_id(run) + (" with uncommitted changes" if run.commit_info.get("dirty") else "")


def _row(verdict: Verdict) -> Row:
    status = str(verdict.status) + (", paired" if verdict.judged_by == "paired" else "")
    status += "" if verdict.gated else " (not gated)"
    before = after = "-"
    if verdict.metric:
        before, after = step(verdict.base, verdict.head, METRICS[verdict.metric].unit).split(" -> ")
    return Row((verdict.cell, verdict.metric or "-", status, before, after, verdict.reason), verdict.fails)
