"""What GitHub says of a pull request's run, which the run file then has to say too.

The code under test writes the run file. What it measured of itself stays its claim; which commit that was, against
which base, and with which settings, is known without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reports.errors import ReportError
from reports.records.schema import RunFile
from reports.records.sides import require_base


@dataclass(frozen=True, slots=True)
class Facts:
    """Both sides' commits, in full; level and lane as the workflow of main gives them."""

    commit: str
    base: str
    level: str
    lane: str


def refuse_other(run: RunFile, facts: Facts, where: str) -> None:
    """Refuse a run file that is of something else.

    Raises:
        ReportError: it says so itself, or was measured alone; all differences are named.
    """
    base = require_base(run, where)
    differing = [
        f"{name} {said or 'none'} instead of {fact}" for name, said, fact in _claims(run, base, facts) if said != fact
    ]
    differing += [f"{name}={value:g}" for name, value in run.suite.overrides.items()]
    if differing:
        raise ReportError(
            f"{where} is not of what was to be measured, by GitHub's word: {', '.join(differing)}; to measure what the "
            "pull request holds now, take the label off and set it again"
        )


def _claims(run: RunFile, base: RunFile, facts: Facts) -> Iterator[tuple[str, str, str]]:
    """What it is about, what the run file says of it, and what GitHub does."""
    yield "level", run.suite.level, facts.level
    for name, side, commit in (("commit", run, facts.commit), ("base", base, facts.base)):
        yield name, str(side.commit_info.get("id") or ""), commit
        measured_at = {str(run.environment_of(record).get("commit") or "") for record in side.cells.values()}
        yield from ((f"{name} of some cells", said, commit) for said in sorted(measured_at))
        yield f"lane of the {name}", side.suite.lane, facts.lane
