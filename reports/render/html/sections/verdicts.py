"""What got worse, why, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.records.metrics import METRICS, Kind
from reports.render import causes, reproduce, summary
from reports.render.html.report import Report
from reports.render.html.statuses import PASSED, Badge, badge, overall
from reports.verdicts.invariants import failures
from reports.verdicts.rules import Status
from reports.verdicts.verdict import Attribution, Verdict

SURE: Mapping[Kind, str] = {
    Kind.EXACT: "certain: one code gives one number",
    Kind.STEADY: "certain: one code differs by less than the threshold",
}
"""How sure a verdict of this kind is; of wall time the rounds themselves say."""


DOUBTED, GAINED = ("bad", "doubt"), ("good", "quiet")
"""Tones of the cells that failed or may have got worse, in this order, and of those that only got better."""

FIRST = 12
"""Cells that are shown unfolded: a change that hits the whole matrix must not bury the page."""

MOST = 500
"""Cells of one fold, and lines: nobody reads more of them one by one, and the matrix below has a row for every cell."""


@dataclass(frozen=True, slots=True)
class Line:
    """One verdict in words, without the cell's name, and how sure it is (may be empty)."""

    badge: Badge
    text: str
    sure: str


@dataclass(frozen=True, slots=True)
class Card:
    """What there is to say of one cell."""

    cell: str
    badge: Badge
    lines: Sequence[Line]
    why: str
    causes: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The summary. `cards` come first and `more` after them; `gained` only got better.

    `cells_more`, `cells_gained`, `lines_folded`: how many there are of each, where not all are listed.
    """

    headline: str
    badge: Badge
    counts: str
    cards: Sequence[Card]
    more: Sequence[Card]
    gained: Sequence[Card]
    folded: Sequence[str]
    cells_more: int
    cells_gained: int
    lines_folded: int
    changed: Sequence[str]
    commands: Sequence[str]
    compared: bool
    since: str = ""
    cause_header: Sequence[str] = causes.HEADER
    cause_left: int = causes.LEFT


def verdicts(report: Report) -> Verdicts:
    """The summary of a run's comparison; without one, what failed in the run itself."""
    comparison = report.comparison
    if comparison is None:
        found = failures(report.run)
        cards, number = _cards([(verdict, None, False) for verdict in found], DOUBTED, FIRST + MOST)
        return Verdicts(
            headline=summary.alone(found),
            badge=badge(Status.FAILED if found else Status.NEW),
            counts="",
            cards=cards[:FIRST],
            more=cards[FIRST:],
            gained=(),
            folded=(),
            cells_more=number - FIRST,
            cells_gained=0,
            lines_folded=0,
            changed=(),
            commands=(),
            compared=False,
        )
    explained = list(summary.explained(comparison))
    doubted, doubts = _cards(explained, DOUBTED, FIRST + MOST)
    gained, gains = _cards(explained, GAINED, MOST)
    folded = summary.folded(comparison)
    return Verdicts(
        headline=summary.headline(comparison),
        badge=badge(Status.FAILED if comparison.failed else PASSED),
        counts=summary.counts(comparison),
        cards=doubted[:FIRST],
        more=doubted[FIRST:],
        gained=gained,
        folded=folded[:MOST],
        cells_more=doubts - FIRST,
        cells_gained=gains,
        lines_folded=len(folded),
        changed=comparison.changed,
        commands=reproduce.next_commands(comparison, report.run, report.run_path),
        compared=True,
        since=summary.since(comparison).capitalize(),
    )


def _cards(
    explained: Sequence[tuple[Verdict, Attribution | None, bool]], tones: Sequence[str], most: int
) -> tuple[list[Card], int]:
    """A card for each of the first cells with these tones, in their order, and how many such cells there are."""
    cells: dict[str, list[tuple[Verdict, Attribution | None, bool]]] = {}
    for one in explained:
        cells.setdefault(one[0].cell, []).append(one)
    badges = {cell: badge(overall(verdict for verdict, _, _ in found) or "unclear") for cell, found in cells.items()}
    chosen = sorted(
        (cell for cell in cells if badges[cell].tone in tones), key=lambda cell: tones.index(badges[cell].tone)
    )
    return [_card(cell, badges[cell], cells[cell]) for cell in chosen[:most]], len(chosen)


def _card(cell: str, status: Badge, found: Sequence[tuple[Verdict, Attribution | None, bool]]) -> Card:
    why = next((why for _, why, _ in found if why), None)
    numbers = any(numbers for _, _, numbers in found)
    return Card(
        cell,
        status,
        [_line(verdict) for verdict, _, _ in found],
        summary.because(why) if why else "",
        causes.rows(why) if why and numbers else [],
    )


def _line(verdict: Verdict) -> Line:
    text = summary.sentence(verdict).removeprefix(f"{verdict.cell}: ")
    return Line(badge(verdict.status), text, sure(verdict))


def sure(verdict: Verdict) -> str:
    """How sure a verdict is; empty where its own sentence says it."""
    kind = METRICS[verdict.metric].kind if verdict.metric in METRICS else None
    if kind is None or verdict.status not in (Status.WORSE, Status.BETTER):
        return ""
    if kind in SURE:
        return SURE[kind]
    if verdict.smallest_change is None:
        return ""
    if verdict.judged_by == "paired":
        return f"interleaved rounds of both sides; changes below {verdict.smallest_change:.0%} may not have been seen"
    confirmed = "" if "confirmed by a rerun" in verdict.reason else "not timed again; "
    return f"{confirmed}changes below {verdict.smallest_change:.0%} could not have been seen"
