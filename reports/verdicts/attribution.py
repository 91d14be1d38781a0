"""Why a cell got slower, faster, or does other work: from its record and its baseline's, nothing is run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.records.schema import CellRecord
from reports.verdicts.clauses import NOTABLE, Clause, clauses
from reports.verdicts.pair import COUNTED, TIMES, Pair
from reports.verdicts.peaks import peak
from reports.verdicts.rules import COMPARED, Status
from reports.verdicts.shares import HOST_BOUND_BELOW, busy_share, by_stage, counted_alike, shares
from reports.verdicts.uses import COMPLETE, KERNELS, OPERATORS, Use, changed_uses
from reports.verdicts.verdict import Attribution, Cause, Verdict
from reports.verdicts.versions import changed_versions

KINDS = {KERNELS: "kernel", OPERATORS: "operator"}
KERNELS_MATTER = {"kernel_launches", "gpu_busy"}
"""Metrics of which one has to move for kernels to be listed: which of two equal ones runs may depend on an address."""

LISTED = 4
"""Operators, and kernels, that the table names: a planted one is at the top, and an upgrade changes dozens."""


def attribute(
    base: CellRecord | None,
    head: CellRecord,
    verdicts: Sequence[Verdict],
    base_environment: Mapping[str, Any],
    head_environment: Mapping[str, Any],
) -> Attribution | None:
    """Say why a cell's verdicts are what they are.

    Args:
        base: the baseline's record of the cell, or None if it has none.
        head: the run's record.
        verdicts: of this cell; what they found incomparable explains nothing.
        base_environment: `gpu`, `host`, `software` groups of the baseline's measurement.
        head_environment: the same of the run's.

    Returns:
        None where no gated metric moved, a record has no counters, or nothing that it holds explains the change.
    """
    if base is None or not (base.counters and head.counters):
        return None
    if not counted_alike(base.counters, head.counters):
        return None
    compared = {
        verdict.metric: verdict.status
        for verdict in verdicts
        if verdict.gated and verdict.metric and verdict.status in COMPARED | {Status.UNCLEAR}
    }
    interleaved = {
        verdict.metric: (verdict.base, verdict.head)
        for verdict in verdicts
        if verdict.metric in TIMES and verdict.judged_by == "paired" and verdict.base and verdict.head
    }
    pair = Pair(base, head, compared, head.counters.steps or base.counters.steps, interleaved)
    if not pair.moved:
        return None
    found, held = clauses(pair), peak(pair)
    if held and held.stage and not found:
        found, held = [held], None
    changed = tuple(changed_versions(base, head, base_environment, head_environment))
    if not found and not changed:
        return None
    busy = busy_share(head, head.counters.scale or base.counters.scale)
    bound = "" if busy is None else "host" if busy < HOST_BOUND_BELOW else "GPU"
    told = _told(pair, found) + _shifted(pair)
    if held and found:
        told.append(f"{held.stage}: {held.text}" if held.stage else held.text)
    if bound:
        told.append(f"{bound}-bound, the GPU computes {busy:.0%} of the time")
    if changed:
        told.append(f"changed: {', '.join(changed)}")
    return Attribution(
        cell=head.cell,
        sentence="; ".join(told),
        stage=found[0].stage if found else "",
        busy_share=busy,
        bound=bound,
        changed=changed,
        rows=(*_metric_rows(pair), *_use_rows(pair)),
    )


def _told(pair: Pair, found: Sequence[Clause]) -> list[str]:
    """What changed in which stage, and what part of the change that stage carries."""
    if not found:
        return ["no counter explains it"]
    first = found[0]
    what = " and ".join(
        clause.text if clause.stage == first.stage or not clause.stage else f"{clause.stage}: {clause.text}"
        for clause in found
    )
    told = [pair.direction + (f"{first.stage}: " if first.stage else "") + what]
    carried = [metric for metric in (first.metric, pair.time) if metric]
    carriers: dict[str, list[str]] = {}
    for metric in dict.fromkeys(carried):
        spread = pair.shares(metric)
        stage = first.stage if first.stage in spread else pair.lead(metric)
        if stage:
            carriers.setdefault(stage, []).append(
                f"{spread[stage]:.0%} of the change in {metric}{_others(pair, metric, stage)}"
            )
    return told + [f"{stage} carries {' and '.join(parts)}" for stage, parts in carriers.items()]


def _shifted(pair: Pair) -> list[str]:
    """What is the same in all and not in its stages: it may be why time is spent elsewhere."""
    shifted = pair.shifted
    if not shifted:
        return []
    name, parts = next(iter(shifted.items()))
    others = f" and {len(shifted) - 1} more counter{'s' if len(shifted) > 2 else ''}" if len(shifted) > 1 else ""
    return [f"moved between stages: {name} ({', '.join(f'{part} {by:+,.0f}' for part, by in parts)}){others}"]


def _others(pair: Pair, metric: str, stage: str) -> str:
    """` (semantic 25%)`: the other stages with a notable share of a metric's change; empty where there is none."""
    others = {part: share for part, share in pair.shares(metric).items() if part != stage and share >= NOTABLE}
    return f" ({', '.join(f'{part} {share:.0%}' for part, share in others.items())})" if others else ""


def _metric_rows(pair: Pair) -> list[Cause]:
    rows = []
    for metric in (*TIMES, "gpu_busy", *COUNTED):
        if metric not in pair.moved:
            continue
        before, after = by_stage(pair.base, metric), by_stage(pair.head, metric)
        one, other = sum(before.values()), sum(after.values())
        spread = shares(before, after)
        if metric in pair.interleaved:
            (one, other), spread = pair.interleaved[metric], {}
        elif metric in TIMES:
            one, other = pair.base.metrics[metric].value, pair.head.metrics[metric].value
        if one != other:
            alone = next(iter(spread)) if len(spread) == 1 and metric in COUNTED else ""
            rows.append(Cause(metric, pair.unit(metric), one, other, spread, pair.per_step(alone, other - one)))
    return rows


def _use_rows(pair: Pair) -> list[Cause]:
    """The kernels and operators that changed most; those of a list that cannot be compared are left out."""

    def row(use: Use) -> Cause:
        per_step = pair.per_step(use.part, use.difference)
        return Cause(f"{KINDS[use.kind]} {use.name}", "", use.base, use.head, {use.part: 1.0}, per_step)

    return [
        row(use)
        for kind in KINDS
        if COMPLETE[kind] in pair.compared and (kind == OPERATORS or pair.moved & KERNELS_MATTER)
        for use in changed_uses(pair.counted_base, pair.counted_head, kind)[:LISTED]
    ]
