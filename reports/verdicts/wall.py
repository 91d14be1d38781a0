"""Wall time against a stored baseline: when a side has enough rounds, and what two sides then say.

The statistic is the step p10, the 10th percentile of a round's decoding-step times: it is several times steadier
than the round's total. All parameters of the wall rules, paired ones too (`paired.py`), are in `WallRules`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.errors import ReportError
from reports.verdicts.rules import Status


@dataclass(frozen=True, slots=True)
class Look:
    """One planned look at the first `pairs` pairs.

    `needed`: this many of them beyond the pair threshold decide, where the look `decides`; the same number ranks what
    they rule out. `futile`: at or below this many, more pairs are not worth measuring (-1: never).
    """

    pairs: int
    needed: int
    futile: int = -1
    decides: bool = True


@dataclass(frozen=True, slots=True)
class WallRules:
    """Parameters of the wall rules, ratios and shares without unit.

    Source: a resampling study (block bootstrap, 155 interleaved round pairs of two live processes, three
    configurations, identical code) of H200 latencies; `python -m reports calibrate` measures their rates anew on
    stored launches.

    Attributes:
        fewest_rounds: rounds a side takes at least. Below it the floor of a 20 % noise is not reached.
        most_rounds: rounds after which a side that has not settled is given up as `unclear`.
        near_rounds: rounds that have to lie near a side's own minimum before it counts as settled. The rule looks at
            one side alone and never at the effect, so that looking after every round costs no false alarms.
        near: how near, as a share of the minimum.
        threshold: ratio of the minima above which head is a `worse` candidate. Two launches of one code differ by
            2 % at the floor (95 % interval 1.2 % to 7.9 %), and no number of rounds in one launch removes that;
            about 0.8 % false alarms a cell.
        certain: ratio above which a confirmed change is a verdict; between `threshold` and this it is `unclear`. 44
            pairs of launches of one code, eight cells on hosts whose other GPU was at work, lay 10 % apart at the
            floor in the median and 24 % at the 95 % quantile (`reports/calibration/nvidia-h200_pr.json`): more than
            the study's, and a rerun in the same process shares its host's state. Paired rounds can tell such a
            change, a stored baseline cannot.
        pair_threshold: ratio within a pair above which it counts as slower.
        looks: for one cell, 8 fresh launches of both sides x 5 pairs: false alarms below 1 % if launch bias is
            below 5 %; finds +9 %, misses most of +5 %. None looks at 10 pairs, as these are two launches: simulated
            with 0.3 % noise within a launch, as CUDA graphs have, 10 of 10 alone took false alarms from 0.5 % to 2.9 %
            of cells (launch bias uniform within 5 %), and it finds nothing more, only sooner (+9 % at a bias of 3.5 %,
            one standard deviation: 99.7 % with and without it).
        family_looks: where about 100 cells are judged at once: 1 launch x 20 pairs of each; those whose median lies
            beyond the pair threshold are measured afresh, 8 launches x 5 pairs.
        fewest_pairs: pairs below which nothing is ever `same`.
        launch_bias: added to what the pairs rule out, on the log scale: what launches of one code differ by.
        target: the slowdown that has to be ruled out before paired rounds say `same`; the rule finds 9 % reliably.
        guard_trim: share trimmed from each end of the wall log ratios.
        guard_threshold: slowdown of whole rounds that the guard's lower bound has to exceed.
        guard_confidence: one-sided confidence of that bound.
    """

    fewest_rounds: int = 10
    most_rounds: int = 40
    near_rounds: int = 8
    near: float = 0.05
    threshold: float = 1.08
    certain: float = 1.25
    pair_threshold: float = 1.03
    looks: tuple[Look, ...] = (Look(20, 17, futile=10), Look(40, 28))
    family_looks: tuple[Look, ...] = (Look(20, 17, decides=False), Look(40, 31))
    fewest_pairs: int = 20
    launch_bias: float = 0.02
    target: float = 0.10
    guard_trim: float = 0.2
    guard_threshold: float = 1.03
    guard_confidence: float = 0.99

    @property
    def smallest_change(self) -> float:
        """The smallest relative change that the screen can see: its threshold on top of how well a floor is known."""
        return self.threshold * (1 + self.near) - 1

    @property
    def smallest_certain_change(self) -> float:
        """The smallest relative change that is always a verdict, and not `unclear`."""
        return self.certain * (1 + self.near) - 1


RULES = WallRules()

PAIRS_A_LAUNCH = 5
"""Pairs of a fresh launch of both sides."""

ALONE = 4
"""Cells up to which each is judged by itself; more are a family, whose first pairs decide who is worth launches."""


def fewest_launches(cells: int, rules: WallRules = RULES) -> int:
    """Launches of both sides by which so many cells can be judged at all: with fewer nothing would ever be found."""
    looks = rules.family_looks if cells > ALONE else rules.looks
    return min(look.pairs for look in looks if look.decides) // PAIRS_A_LAUNCH


@dataclass(frozen=True, slots=True)
class Screen:
    """What unpaired rounds say of head against a stored baseline.

    `ratio`, `base_floor_s` and `head_floor_s` (seconds) are None where a side has no rounds. `worse` and `better`
    are candidates until `confirmed`. `smallest_change` is the relative change that the rule can see at all.
    """

    status: Status
    reason: str
    ratio: float | None = None
    base_floor_s: float | None = None
    head_floor_s: float | None = None
    threshold: float = RULES.threshold
    smallest_change: float = RULES.smallest_change
    confirmed: bool = False

    @property
    def candidate(self) -> bool:
        """Whether a rerun has to confirm this before it is a verdict."""
        return self.status in (Status.WORSE, Status.BETTER) and not self.confirmed


def unsettled(steps: Sequence[float], rules: WallRules = RULES) -> str:
    """Why a side cannot be judged yet; empty once it is settled.

    Args:
        steps: the step p10 of each round, in seconds, in any order.
        rules: the parameters.

    Raises:
        ReportError: a value is not a positive, finite number of seconds.
    """
    for value in steps:
        if not (math.isfinite(value) and value > 0):
            raise ReportError(f"a round's step p10 is {value} s, which no clock gives: measure the cell again")
    if len(steps) < rules.fewest_rounds:
        return f"has {len(steps)} rounds of at least {rules.fewest_rounds}"
    near = near_floor(steps, rules)
    if near < rules.near_rounds:
        return (
            f"has not settled: {near} of its {len(steps)} rounds lie within {rules.near:.0%} of its fastest, "
            f"{rules.near_rounds} are needed"
        )
    return ""


def near_floor(steps: Sequence[float], rules: WallRules = RULES) -> int:
    """How many of a side's rounds lie near its fastest; arguments as `unsettled`."""
    floor = min(steps, default=0.0)
    return sum(value <= floor * (1 + rules.near) for value in steps)


def can_settle(steps: Sequence[float], more: int, rules: WallRules = RULES) -> bool:
    """Whether a side could still be settled after at most so many rounds more; arguments as `unsettled`.

    A round below the floor only takes others out of its reach, so each one more is near at best.
    """
    return len(steps) + more >= rules.fewest_rounds and near_floor(steps, rules) + more >= rules.near_rounds


def settled(steps: Sequence[float], rules: WallRules = RULES) -> bool:
    """Whether a side has enough rounds near its own floor to be judged; arguments as `unsettled`."""
    return not unsettled(steps, rules)


def enough(steps: Sequence[float], rules: WallRules = RULES) -> bool:
    """Whether to stop measuring a side: it is settled, or has all the rounds it may take."""
    return len(steps) >= rules.most_rounds or settled(steps, rules)


def screen(base: Sequence[float], head: Sequence[float], rules: WallRules = RULES) -> Screen:
    """Judge head's rounds against a stored baseline's, which were measured at another time.

    Args:
        base: the baseline's step p10 of each round, in seconds.
        head: the run's.
        rules: the parameters.

    Raises:
        ReportError: a value is not a positive, finite number of seconds.
    """
    problems = [
        f"{side} {problem}"
        for side, steps in (("the baseline", base), ("this run", head))
        if (problem := unsettled(steps, rules))
    ]
    base_s, head_s = min(base, default=None), min(head, default=None)
    ratio = head_s / base_s if base_s and head_s else None
    if base_s is None or head_s is None or problems:
        status, reason = Status.UNCLEAR, f"{' and '.join(problems)}: measure it again, up to {rules.most_rounds} rounds"
    else:
        # Of the two ratios the one above 1 is compared, so that swapping the sides mirrors the status exactly.
        if max(base_s, head_s) / min(base_s, head_s) <= rules.threshold:
            status = Status.SAME
        else:
            status = Status.WORSE if head_s > base_s else Status.BETTER
        reason = f"{head_s / base_s - 1:+.1%} at the fastest rounds against a threshold of {rules.threshold - 1:.0%}"
        if status is not Status.SAME:
            reason += "; a rerun has to confirm it"
    return Screen(status, reason, ratio, base_s, head_s, rules.threshold, rules.smallest_change)


def beside_the_host(found: Screen, base_probes: Sequence[float], head_probes: Sequence[float]) -> Screen:
    """A screen's candidate, unless the host's own speed explains it.

    Args:
        found: the screen.
        base_probes: what the host took for a fixed piece of work beside each of the baseline's rounds, in seconds.
        head_probes: the same beside this run's.

    Where the host was slower by itself (by the fastest probes), a slowdown counts only beyond that on top of the
    threshold; and a gain only beyond what a faster host gives. What lies between is `unclear`. Without probes the
    screen stands.
    """
    if not found.candidate or found.ratio is None or not base_probes or not head_probes:
        return found
    host = min(head_probes) / min(base_probes)
    slower, explained = (found.ratio, host) if found.status is Status.WORSE else (1 / found.ratio, 1 / host)
    if slower > found.threshold * max(1.0, explained):
        return found
    by_itself = f"the host itself was {abs(host - 1):.0%} {'slower' if host > 1 else 'faster'} by its probe"
    return replace(found, status=Status.UNCLEAR, reason=f"{found.reason.partition(';')[0]}, but {by_itself}")


def confirmed(first: Screen, rerun: Screen) -> Screen:
    """The verdict of a screen and of its rerun in a fresh launch.

    A candidate stands only if the rerun says the same. One settled `same` is enough where the other could not be
    judged. Anything else is `unclear`: two launches of one code can differ, and so can two honest measurements.
    """
    both = (first, rerun)
    nearest = min(both, key=lambda one: abs(math.log(one.ratio)) if one.ratio else math.inf)
    if first.status is rerun.status:
        shown = nearest.reason.partition(";")[0]
        reason = f"{shown}, confirmed by a rerun" if first.candidate else nearest.reason
        return replace(nearest, reason=reason, confirmed=True)
    if {first.status, rerun.status} == {Status.SAME, Status.UNCLEAR}:
        return replace(next(one for one in both if one.status is Status.SAME), confirmed=True)
    reason = (
        f"first {first.status} ({_change(first)}), then {rerun.status} ({_change(rerun)}) in a rerun: not confirmed"
    )
    return replace(nearest, status=Status.UNCLEAR, reason=reason, confirmed=True)


def decided(found: Screen, rules: WallRules = RULES) -> Screen:
    """The verdict: a change only if a rerun confirmed it and launches of unchanged code do not differ by as much."""
    if found.candidate:
        return replace(found, status=Status.UNCLEAR)
    if found.status not in (Status.WORSE, Status.BETTER) or found.ratio is None:
        return found
    if max(found.ratio, 1 / found.ratio) > rules.certain:
        return found
    reason = (
        f"{found.reason}, but launches of one code differ by up to {rules.certain - 1:.0%}: pairs of rounds can tell"
    )
    return replace(found, status=Status.UNCLEAR, reason=reason)


def _change(one: Screen) -> str:
    return "no rounds" if one.ratio is None else f"{one.ratio - 1:+.1%}"
