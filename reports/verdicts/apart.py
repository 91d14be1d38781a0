"""Whether two cells of one run file differ in latency, or only in luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from reports.records.metrics import METRICS
from reports.verdicts.wall import RULES

DOUBT = 20
"""One in so many intervals of a median round misses it: a confidence of 95 %, in whole numbers."""

ELSEWHERE = 1 + METRICS["latency"].threshold
"""Ratio beyond which latencies of two environments differ: what a comparison with a stored baseline asks for."""


class Standing(StrEnum):
    """How one latency stands to another."""

    FASTER = "faster"
    TIED = "tied"
    SLOWER = "slower"


@dataclass(frozen=True, slots=True)
class Timing:
    """A cell's latency, seconds a sample, and what is known of its noise.

    Attributes:
        value_s: the figure of the run file, by the fastest round.
        low_s: lower end of the interval of its rounds.
        high_s: upper end.
        session: which process timed it, as far as the file tells.
        environment: digest of where.
    """

    value_s: float
    low_s: float
    high_s: float
    session: str
    environment: str


def timing(latency_s: float, rounds_s: Sequence[float], batch: int, session: str, environment: str) -> Timing:
    """A cell's latency a sample.

    With enough rounds the interval is that of their median, by order statistics, free of any distribution (H. A. David
    and H. N. Nagaraja, Order Statistics, 2003, 7.1). Fewer have not reached the floor of a host's noise: then it goes
    from the fastest round to the slowest, and at least as far as two launches of identical code differ.
    """
    ordered = sorted(rounds_s)
    if len(ordered) >= RULES.fewest_rounds:
        cut = _outside(len(ordered))
        low, high = ordered[cut], ordered[-1 - cut]
    else:
        low, high = ordered[0], max(ordered[-1], ordered[0] * RULES.certain)
    return Timing(latency_s / batch, low / batch, high / batch, session, environment)


def standing(one: Timing, other: Timing) -> Standing:
    """How `one` stands to `other`. Tied is not an order: one may be tied with two that are not tied with each other."""
    if one.value_s <= other.value_s:
        return Standing.FASTER if _faster(one, other) else Standing.TIED
    return Standing.SLOWER if _faster(other, one) else Standing.TIED


def _faster(one: Timing, other: Timing) -> bool:
    if one.environment != other.environment:
        return other.value_s > one.value_s * ELSEWHERE
    least = RULES.threshold if one.session == other.session else RULES.certain
    return other.value_s > one.value_s * least and other.low_s > one.high_s


@lru_cache
def _outside(rounds: int) -> int:
    """How many rounds to leave out at each end, so that the rest spans the median but for one in `DOUBT`."""
    ways, below, cut = 1, 0, 0
    while 2 * DOUBT * (below + ways) <= 2**rounds:
        below += ways
        ways = ways * (rounds - cut) // (cut + 1)
        cut += 1
    return max(cut - 1, 0)
