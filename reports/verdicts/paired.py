"""Wall time of head and base in pairs: both alive on one GPU, rounds alternating, order flipped from pair to pair.

Bursts of a shared host hit both sides of a pair, so a pair's ratio is far steadier than either side. What is left is
launch bias, which only fresh launches of both sides can average. Parameters: `wall.WallRules`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from reports.errors import ReportError
from reports.verdicts.intervals import trimmed_mean
from reports.verdicts.rules import Status
from reports.verdicts.wall import RULES, Look, WallRules


@dataclass(frozen=True, slots=True)
class Paired:
    """What pairs of rounds say.

    Attributes:
        status: `worse`, `better`, `same` or `unclear`.
        reason: one sentence.
        pairs: how many were judged: those of the look that decided, else of the last one reached.
        slower: of these, the pairs whose ratio lies above the pair threshold.
        faster: the pairs whose inverse ratio does.
        median_ratio: head over base; None without pairs.
        slower_ruled_out: slower by more than this (relative change) is ruled out; None before the first look.
        faster_ruled_out: the same of base against head.
        whole_rounds: what their guard is sure of, where it decided in place of a count: slower (for `better`:
            faster) by at least this relative change.
        futile: at the last look too few pairs lay beyond the threshold for more of them to be worth measuring. That
            ends the measuring only if the verdict is `same`; where it goes on, what it finds counts.
        next_look: how many pairs to have in all before judging again; None where nothing is left to learn.
    """

    status: Status
    reason: str
    pairs: int
    slower: int
    faster: int
    median_ratio: float | None = None
    slower_ruled_out: float | None = None
    faster_ruled_out: float | None = None
    whole_rounds: float | None = None
    futile: bool = False
    next_look: int | None = None


def judge_pairs(
    base: Sequence[float],
    head: Sequence[float],
    *,
    base_walls: Sequence[float] = (),
    head_walls: Sequence[float] = (),
    family: bool = False,
    target: float | None = None,
    rules: WallRules = RULES,
) -> Paired:
    """Judge pairs of rounds.

    Args:
        base: base's step p10 in each pair, in seconds, in the order of measurement.
        head: head's.
        base_walls: base's whole rounds in the same pairs, in seconds, for the guard; none: no guard.
        head_walls: head's.
        family: the cell is one of about 100 that are judged at once.
        target: the relative slowdown to rule out for `same`, in place of the rules'.
        rules: the parameters.

    Raises:
        ReportError: the sides differ in length, there are more pairs than the rule is made for, or a value is not a
            positive, finite number of seconds.
    """
    ratios = _log_ratios(base, head, rules)
    walls = _log_ratios(base_walls, head_walls, rules)
    if walls and len(walls) != len(ratios):
        raise ReportError(f"{len(ratios)} pairs of step p10 and {len(walls)} of whole rounds: measure the pairs again")
    looks = rules.family_looks if family else rules.looks
    reached = [look for look in looks if look.pairs <= len(ratios)]
    if not reached:
        reason = f"{len(ratios)} pairs say nothing yet: measure {looks[0].pairs}"
        ratio = math.exp(median(ratios)) if ratios else None
        return Paired(Status.UNCLEAR, reason, len(ratios), *_beyond(ratios, rules), ratio, next_look=looks[0].pairs)
    futile = False
    for look in reached:
        slower, faster = _beyond(ratios[: look.pairs], rules)
        if look.decides and max(slower, faster) >= look.needed:
            status = Status.WORSE if slower >= look.needed else Status.BETTER
            return _found(status, _counted(status, slower, faster, look, rules), ratios, look, rules)
        futile = max(slower, faster) <= look.futile
    last = reached[-1]
    guard = _guard(walls[: last.pairs], rules) if last.pairs >= rules.fewest_pairs else None
    if guard:
        status, reason = guard.status, guard.reason(ratios[: last.pairs], rules)
    else:
        status, reason = _undecided(ratios, last, rules, rules.target if target is None else target)
    later = [look.pairs for look in looks if look.pairs > last.pairs]
    done = status in (Status.WORSE, Status.BETTER) or (futile and status is Status.SAME) or not later
    judged = _found(status, reason, ratios, last, rules, futile=futile, next_look=None if done else later[0])
    return replace(judged, whole_rounds=math.expm1(guard.bound)) if guard else judged


def needs_rerun(base: Sequence[float], head: Sequence[float], rules: WallRules = RULES) -> bool:
    """Whether a cell of a family goes on after its first pairs: its median ratio lies beyond the pair threshold."""
    ratios = _log_ratios(base, head, rules)
    return bool(ratios) and abs(median(ratios)) > math.log(rules.pair_threshold)


def ruled_out(ratios: Sequence[float], look: Look, rules: WallRules = RULES) -> float:
    """Slower by more than this relative change is ruled out: the k-th smallest log ratio, and launch bias on top.

    It is the decision turned around: k pairs below a slowdown are as much evidence against it as k pairs above the
    threshold are for `worse`, with the look's own k.

    Args:
        ratios: natural logarithms of head over base.
        look: the first `look.pairs` of them are used.
        rules: the parameters.
    """
    return math.expm1(sorted(ratios[: look.pairs])[look.needed - 1] + rules.launch_bias)


def _log_ratios(base: Sequence[float], head: Sequence[float], rules: WallRules) -> list[float]:
    if len(base) != len(head):
        raise ReportError(f"{len(base)} rounds of base and {len(head)} of head are no pairs: interleave them")
    most = rules.looks[-1].pairs
    if len(base) > most:
        raise ReportError(f"the paired rule is made for {most} pairs at most, not {len(base)}: judge {most} of them")
    for value in (*base, *head):
        if not (math.isfinite(value) and value > 0):
            raise ReportError(f"a round took {value} s, which no clock gives: measure the pairs again")
    # A difference of logarithms, not the logarithm of a quotient: swapping the sides then negates it exactly.
    return [math.log(ours) - math.log(theirs) for theirs, ours in zip(base, head, strict=True)]


def _beyond(ratios: Sequence[float], rules: WallRules) -> tuple[int, int]:
    limit = math.log(rules.pair_threshold)
    return sum(ratio > limit for ratio in ratios), sum(-ratio > limit for ratio in ratios)


def _counted(status: Status, slower: int, faster: int, look: Look, rules: WallRules) -> str:
    count, way = (slower, "slower") if status is Status.WORSE else (faster, "faster")
    return f"{count} of {look.pairs} pairs are more than {rules.pair_threshold - 1:.0%} {way}, {look.needed} decide"


@dataclass(frozen=True, slots=True)
class _Guard:
    """Whole rounds differ although no count of steps has decided. `bound`: by at least this, on the log scale."""

    status: Status
    bound: float

    def reason(self, ratios: Sequence[float], rules: WallRules) -> str:
        """One sentence; slow steps that are too rare to move a round's step p10 are told from steps that moved too."""
        sign, way = (1, "slower") if self.status is Status.WORSE else (-1, "faster")
        sure = f"{rules.guard_confidence:.0%} sure"
        common = sign * median(ratios) <= math.log(rules.pair_threshold)
        though = ", though the common step is not" if common else ""
        return f"whole rounds are at least {math.expm1(self.bound):.1%} {way} ({sure}){though}"


def _guard(walls: Sequence[float], rules: WallRules) -> _Guard | None:
    """What whole rounds are sure of; None where that is nothing, or there are none."""
    if not walls:
        return None
    mean = trimmed_mean(walls, rules.guard_trim, rules.guard_confidence)
    limit = math.log(rules.guard_threshold)
    for status, bound in ((Status.WORSE, mean.low), (Status.BETTER, -mean.high)):
        if bound > limit:
            return _Guard(status, bound)
    return None


def _undecided(ratios: Sequence[float], last: Look, rules: WallRules, target: float) -> tuple[Status, str]:
    """What pairs say that neither a count nor the guard has decided."""
    if last.pairs < rules.fewest_pairs:
        return Status.UNCLEAR, f"{last.pairs} pairs are too few to rule anything out: measure {rules.fewest_pairs}"
    slower = ruled_out(ratios, last, rules)
    faster = ruled_out([-ratio for ratio in ratios], last, rules)
    if max(slower, faster) <= target:
        return Status.SAME, f"slower by more than {slower:.1%} is ruled out"
    way, worst = ("slower", slower) if slower > target else ("faster", faster)
    return Status.UNCLEAR, f"{way} by {worst:.1%} is not ruled out, and the target is {target:.0%}"


def _found(
    status: Status,
    reason: str,
    ratios: Sequence[float],
    look: Look,
    rules: WallRules,
    *,
    futile: bool = False,
    next_look: int | None = None,
) -> Paired:
    seen = ratios[: look.pairs]
    slower_out, faster_out = ruled_out(seen, look, rules), ruled_out([-ratio for ratio in seen], look, rules)
    ratio = math.exp(median(seen))
    shown = f"{reason}; median {ratio - 1:+.1%}"
    return Paired(
        status,
        shown,
        look.pairs,
        *_beyond(seen, rules),
        ratio,
        slower_out,
        faster_out,
        futile=futile,
        next_look=next_look,
    )  # fmt: skip
