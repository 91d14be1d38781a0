"""How a change is spread over the parts of a generation, and how much of a round the GPU computes."""

from __future__ import annotations

from collections.abc import Mapping

from reports.records.counters import CountersRecord
from reports.records.schema import CellRecord

HOST_BOUND_BELOW = 0.5
"""Busy share under which a cell is called host-bound: the GPU then waits for the host longer than it computes, so
that faster kernels could save less than a faster host. On an H200 the dynamic cells lie at 0.11 to 0.47, their
semantic and coarse stages at 0.10 to 0.43, and what the GPU alone limits, the fine stage in fp32, at 0.94 to 0.99."""


def shares(base: Mapping[str, float], head: Mapping[str, float]) -> dict[str, float]:
    """Part -> its share of the change, largest first; parts that did not change are left out.

    Of the sum of the parts' absolute differences, so that parts which moved against each other do not add up to more
    than the whole, and swapping the two changes nothing.
    """
    moved = {part: abs(head.get(part, 0) - base.get(part, 0)) for part in {**base, **head}}
    total = sum(moved.values())
    found = {part: value / total for part, value in moved.items() if value}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def by_stage(record: CellRecord, metric: str) -> dict[str, float]:
    """Part -> value of a metric: from the counter pass where it was counted there, else from the timed stages.

    Latency that lies in no stage, such as moving an offloaded stage back to the host, is `other`.
    """
    counted = record.counters.by_part(metric) if record.counters else {}
    if counted:
        return counted
    timed = {stage: seen.metrics[metric].value for stage, seen in record.stages.items() if metric in seen.metrics}
    if metric == "latency" and timed:
        timed["other"] = max(record.metrics["latency"].value - sum(timed.values()), 0.0)
    return timed


def between_parts(base: CellRecord, head: CellRecord, metric: str) -> tuple[tuple[str, float], ...]:
    """(part, how much more of a counter there) where the parts' sums are equal, those with less first; else empty."""
    if not (base.counters and head.counters and counted_alike(base.counters, head.counters)):
        return ()
    before, after = base.counters.by_part(metric), head.counters.by_part(metric)
    if before.keys() != after.keys() or sum(before.values()) != sum(after.values()):
        return ()
    moved = {part: after[part] - before[part] for part in before}
    return tuple(sorted(((part, by) for part, by in moved.items() if by), key=lambda one: (one[1], one[0])))


def counted_alike(base: CountersRecord, head: CountersRecord) -> bool:
    """Whether the counted generations are of one length, as far as that is known: else their counts say nothing."""
    return not (base.steps and head.steps) or base.steps == head.steps


def busy_share(record: CellRecord, scale: Mapping[str, float]) -> float | None:
    """Share of a timed round in which the GPU computes; None where it cannot be told.

    sum over the stages of (GPU busy time of the counter pass * `scale`) / latency of the fastest timed round. `scale`
    is how many times the counted work of a stage a timed round does: the ratio of its tokens, for the fine stage of
    its passes. A longer history makes late steps dearer, which the ratio leaves out: with 64 semantic tokens it reads
    the fine stage, whose kernels fill it, as 0.94 to 0.99. What is in no stage is counted as often as it was seen.
    """
    busy = record.counters.by_part("gpu_busy") if record.counters else {}
    if not scale or not any(busy.values()):
        return None
    return sum(value * scale.get(part, 1.0) for part, value in busy.items()) / record.metrics["latency"].value
