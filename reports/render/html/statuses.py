"""What a cell as a whole came to, and the sign that stands beside the word: colour alone tells nobody anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from reports.records.metrics import METRICS, Kind
from reports.render.html.report import Report
from reports.verdicts.invariants import failures
from reports.verdicts.rules import COMPARED, Status
from reports.verdicts.verdict import Verdict

PASSED = "passed"
"""What a whole run came to where nothing failed it."""

SIGNS: Mapping[str, str] = {
    Status.FAILED: "!",
    Status.MISSING: "\N{EMPTY SET}",
    Status.WORSE: "\N{BALLOT X}",
    Status.UNCLEAR: "?",
    Status.BETTER: "\N{CHECK MARK}",
    PASSED: "\N{CHECK MARK}",
    Status.SAME: "=",
    Status.NEW: "+",
    Status.INCOMPARABLE: "\N{NOT EQUAL TO}",
}
"""Status -> sign. Of what became of a cell that was not measured: an en dash."""

ORDER = (
    Status.FAILED, Status.MISSING, Status.WORSE, Status.UNCLEAR, Status.BETTER, Status.SAME, Status.NEW,
    Status.INCOMPARABLE,
)  # fmt: skip
"""The worst first: the status of a cell is the first that one of its gated verdicts has."""


@dataclass(frozen=True, slots=True)
class Badge:
    """A status for the eye: the word, its sign, and the class that colours it (`bad`, `doubt`, `good`, `quiet`)."""

    word: str
    sign: str
    tone: str


@lru_cache(maxsize=64)
def badge(word: str) -> Badge:
    """The badge of a status, or of an outcome such as `skipped`."""
    tones = {
        "bad": (Status.FAILED, Status.MISSING, Status.WORSE),
        "doubt": (Status.UNCLEAR,),
        "good": (Status.BETTER, PASSED),
    }
    tone = next((tone for tone, words in tones.items() if word in words), "quiet")
    return Badge(word, SIGNS.get(word, "\N{EN DASH}"), tone)


def overall(verdicts: Iterable[Verdict]) -> Status | None:
    """The status of a cell with these verdicts; None where nothing that is gated was judged."""
    gated = [verdict for verdict in verdicts if verdict.gated]
    found = {verdict.status for verdict in gated}
    compared = [one for one in gated if one.status in COMPARED and one.metric in METRICS]
    if found & {Status.INCOMPARABLE} and all(METRICS[one.metric].kind is Kind.EXACT for one in compared):
        found.discard(Status.SAME)  # what matches on any machine says nothing of this one
    return next((status for status in ORDER if status in found), None)


def by_cell(report: Report) -> dict[str, list[Verdict]]:
    """Cell -> its verdicts, in their order; without a comparison, those of what failed in the run itself."""
    found: dict[str, list[Verdict]] = {}
    for verdict in report.comparison.verdicts if report.comparison else failures(report.run):
        found.setdefault(verdict.cell, []).append(verdict)
    return found
