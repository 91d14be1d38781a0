"""The search itself: which mix of packages to try next, and what the answers come to. Knows no environment and no run.

A mix is the set of packages that are taken from the bad side; all others are the good side's. Packages stand in a fixed
order, and the search looks for the place where a prefix of it turns bad. What it finds does not depend on regressions
adding up: at that place one package makes the difference, whatever stands before it. If it is not bad by itself, it
needs something before it, and that is searched for in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reports.errors import ReportError


class Answer(StrEnum):
    """What a mix came to. `skip`: it cannot be installed, or its runs do not tell."""

    GOOD = "good"
    BAD = "bad"
    SKIP = "skip"


UNJUDGED = -1
"""The place before the empty prefix, where the culprits alone could not be judged: nothing is known to be good."""

Mix = frozenset[str]
Ask = Callable[[Mix], Answer]


class Ending(StrEnum):
    """How a search ended."""

    FOUND = "found"
    NARROWED = "narrowed"
    NOT_BAD = "not bad"
    UNTESTABLE = "untestable"


@dataclass(frozen=True, slots=True)
class Found:
    """What the search came to.

    Attributes:
        ending: `found`; `narrowed` where mixes that had to be skipped stand between the suspects; `not bad` where all
            packages together show no regression; `untestable` where even that cannot be told.
        culprits: the packages that carry the regression, together where there are several.
        suspects: where narrowed, packages that could not be told apart: one or more of them carry it, beside the
            culprits and, it may be, packages that stand before them.
        need_suspects: whether that is known of the suspects. Where not, the culprits could not be judged without them,
            and may carry it by themselves.
        others: whether the regression is there without the culprits as well; None where that is not known.
    """

    ending: Ending
    culprits: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()
    need_suspects: bool = True
    others: bool | None = None


def find(packages: Sequence[str], ask: Ask) -> Found:
    """Find the packages that carry a regression.

    With no skips it asks 3 + log2(n) times, rounded up, for one culprit, and up to 1 + log2(n) more for each that it
    needs beside it.

    Args:
        packages: those that differ, in a fixed order.
        ask: the answer for a mix; none of the packages is taken to be good, as that is what mixes are compared with.
    """
    order = list(packages)
    whole = ask(frozenset(order)) if order else Answer.GOOD
    if whole is not Answer.BAD:
        return Found(Ending.NOT_BAD if whole is Answer.GOOD else Ending.UNTESTABLE)
    culprits: list[str] = []
    pool = order
    alone = Answer.GOOD
    while True:
        # Here the culprits with all of the pool are bad, and alone they are not, or could not be judged.
        known = frozenset(culprits)

        def prefix(length: int, known: Mix = known, pool: Sequence[str] = pool) -> Answer:
            return ask(known | frozenset(pool[:length]))

        low, high = narrow(0 if alone is Answer.GOOD else UNJUDGED, len(pool), prefix)
        if low == UNJUDGED:
            return Found(Ending.NARROWED, tuple(culprits), tuple(pool[:high]), need_suspects=False)
        if high - low > 1:
            return Found(Ending.NARROWED, tuple(culprits), tuple(pool[low:high]))
        culprits.insert(0, pool[low])
        alone = ask(frozenset(culprits)) if low else Answer.BAD
        if alone is Answer.BAD:
            break
        pool = pool[:low]
    rest = frozenset(order) - frozenset(culprits)
    answer = ask(rest) if rest else Answer.GOOD
    return Found(
        Ending.FOUND, tuple(culprits), others=None if answer is Answer.SKIP else answer is Answer.BAD
    )  # fmt: skip


def narrow(low: int, high: int, ask: Callable[[int], Answer]) -> tuple[int, int]:
    """Bring a good and a bad place together, as `git bisect` does.

    Args:
        low: a place that is known to be good, or taken to be; `UNJUDGED` if none is and place 0 was skipped.
        high: a later one that is known to be bad.
        ask: the answer for a place between them.

    Returns:
        The last good and the first bad place; where they are not neighbours, all between them had to be skipped.
    """
    if not low < high:
        raise ReportError(f"nothing lies between {low} and {high}")
    skipped = {0} if low == UNJUDGED else set[int]()
    while True:
        middle = (low + high) // 2
        open_places = [place for place in range(low + 1, high) if place not in skipped]
        if not open_places:
            return low, high
        place = min(open_places, key=lambda one: abs(one - middle))
        answer = ask(place)
        if answer is Answer.SKIP:
            skipped.add(place)
        elif answer is Answer.GOOD:
            low = place
        else:
            high = place


def questions(packages: int, versions: int = 0) -> int:
    """How many mixes are asked about for one culprit without skips, at most; `versions`: of it, both ends included."""
    return 3 + math.ceil(math.log2(max(packages, 1))) + (math.ceil(math.log2(versions - 1)) if versions > 2 else 0)
