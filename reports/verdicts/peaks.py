"""The clause about a peak of memory, which neither work nor time explains: it is told beside them."""

from __future__ import annotations

from reports.records.units import quantity
from reports.verdicts.clauses import Clause
from reports.verdicts.pair import Pair
from reports.verdicts.shares import by_stage


def peak(pair: Pair) -> Clause | None:
    """Which stage's peak made that of the generation higher or lower; None where it is the same.

    That is the stage that holds the most on the side that holds more. The clause has no stage where the counted
    generation's does not show it, as for what is held before one begins.
    """
    if "peak_allocated" not in pair.moved:
        return None
    apart = pair.head.metrics["peak_allocated"].value - pair.base.metrics["peak_allocated"].value
    way = "higher" if apart > 0 else "lower"
    peaks = by_stage(pair.head if apart > 0 else pair.base, "peak_bytes")
    stage = max(peaks, key=lambda one: peaks[one], default="")
    size = pair.difference("peak_bytes", stage)
    if size * apart > 0:
        return Clause(f"its peak is {quantity(abs(size), 'B')} {way}", stage)
    return Clause(f"peak memory is {quantity(abs(apart), 'B')} {way}, by no stage that is counted")
