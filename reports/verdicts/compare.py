"""Compare a run with a baseline: a verdict for each cell and metric, each with its number and its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from reports.records.metrics import METRICS, Kind, Metric
from reports.records.schema import CellRecord, RunFile
from reports.verdicts.attribution import attribute
from reports.verdicts.comparability import must_match, same_card, work_difference
from reports.verdicts.invariants import broken, unmeasured
from reports.verdicts.rules import COMPARED, Status, judge
from reports.verdicts.shares import between_parts
from reports.verdicts.thresholds import NONE, Overrides
from reports.verdicts.verdict import Attribution, Comparison, Verdict
from reports.verdicts.versions import changed_versions
from reports.verdicts.wall import RULES, beside_the_host, confirmed, decided, screen


def compare_cell(
    base: CellRecord | None,
    head: CellRecord,
    base_environment: Mapping[str, Any],
    head_environment: Mapping[str, Any],
    overrides: Overrides = NONE,
) -> list[Verdict]:
    """The verdicts of one measured cell.

    Args:
        base: the baseline's record of the cell, or None if it has none.
        head: the run's record.
        base_environment: `gpu`, `host`, `software` groups of the baseline's measurement.
        head_environment: the same of the run's.
        overrides: thresholds in place of the metric table's.
    """
    if base is None:
        return [Verdict(head.cell, "", Status.NEW, "the baseline does not hold this cell")]
    unequal = work_difference(base, head)
    if unequal:
        return [Verdict(head.cell, "", Status.INCOMPARABLE, unequal)]
    verdicts = []
    for name, metric in METRICS.items():
        if name in base.metrics or name in head.metrics:
            override = overrides.find(name, head.cell)
            threshold = override.threshold if override else threshold_of(metric, base_environment, head_environment)
            verdict = _compare_metric(metric, base, head, base_environment, head_environment, threshold)
            if override and verdict.status in COMPARED:
                verdict = replace(verdict, reason=f"{verdict.reason} (override {override.describe()})")
            verdicts.append(verdict)
    return verdicts


def threshold_of(metric: Metric, base_environment: Mapping[str, Any], head_environment: Mapping[str, Any]) -> float:
    """The relative change above which a difference between two measurements counts."""
    if metric.across_cards is None or same_card(base_environment, head_environment):
        return metric.threshold
    return metric.across_cards


def _compare_metric(
    metric: Metric,
    base: CellRecord,
    head: CellRecord,
    base_environment: Mapping[str, Any],
    head_environment: Mapping[str, Any],
    threshold: float,
) -> Verdict:
    # A CPU run shares its cores with everything else: identical code was seen to take seven times as long.
    gated = metric.gated and (metric.kind is not Kind.WALL or head_environment.get("gpu") is not None)
    cell, name = head.cell, metric.name
    if name not in head.metrics:
        return Verdict(
            cell, name, Status.MISSING, "the baseline has it, this run did not measure it", base.metrics[name].value,
            gated=gated,
        )  # fmt: skip
    value = head.metrics[name].value
    if name not in base.metrics:
        return Verdict(cell, name, Status.NEW, "the baseline does not hold this metric", head=value, gated=gated)
    before = base.metrics[name].value
    if head.metrics[name].definition != base.metrics[name].definition:
        reason = (
            f"definition {head.metrics[name].definition} of {name} here and {base.metrics[name].definition} in the "
            "baseline: they are not the same thing"
        )
        return Verdict(cell, name, Status.INCOMPARABLE, reason, before, value, gated=gated)
    needed = metric.needs_same + (metric.half_needs_same if head.compute != "fp32" else ())
    here, there = (must_match(metric.kind, env, needed) for env in (head_environment, base_environment))
    difference = here.difference(there)
    if difference:
        return Verdict(cell, name, Status.INCOMPARABLE, difference, before, value, gated=gated)
    if metric.by_rounds and base.rounds.step_p10_s and head.rounds.step_p10_s:
        if base.rounds.device_paced != head.rounds.device_paced:
            reason = "the host waits for each step in one of the two only: their steps are not the same thing"
            return Verdict(cell, name, Status.INCOMPARABLE, reason, before, value, gated=gated)
        return _by_rounds(Verdict(cell, name, Status.SAME, "", before, value, gated=gated), base, head, threshold)
    result = judge(metric, before, value, threshold)
    reason = f"{percent(result.change)} against a threshold of {threshold:.1%}"
    equal = metric.kind is Kind.EXACT and before == value
    return Verdict(
        cell, name, result.status, reason, before, value, result.change, threshold, gated, threshold,
        moved=between_parts(base, head, name) if equal else (),
    )  # fmt: skip


def _by_rounds(verdict: Verdict, base: CellRecord, head: CellRecord, threshold: float) -> Verdict:
    """The verdict of a metric whose rounds are judged, not its value alone; a change needs a rerun to confirm it."""
    certain = 1 + threshold if head.rounds.device_paced else max(RULES.certain, 1 + threshold)
    rules = replace(RULES, threshold=1 + threshold, certain=certain)
    first, *again = (
        # A host that the device does not wait for slows nothing down.
        beside_the_host(found, base.rounds.host_probe_s, [] if head.rounds.device_paced else probes)
        for steps, probes in head.rounds.by_launch()
        for found in [screen(base.rounds.step_p10_s, steps, rules)]
    )
    found = first
    for rerun in again:
        found = confirmed(found, rerun)
    found = decided(found, rules)
    return replace(
        verdict,
        status=found.status,
        reason=found.reason,
        change=found.ratio - 1 if found.ratio else None,
        threshold=threshold,
        smallest_change=rules.smallest_certain_change,
    )


def rerun_reason(verdicts: Sequence[Verdict]) -> str:
    """Why timing a cell with these verdicts once more could make them clear; empty where it could not.

    A cell that fails by a metric that does not depend on the clock fails anyway.
    """
    if any(verdict.fails and not _is_wall(verdict) for verdict in verdicts):
        return ""
    for verdict in verdicts:
        candidate = verdict.status is Status.WORSE or (verdict.status is Status.UNCLEAR and _head_can_settle(verdict))
        if candidate and verdict.gated and _is_wall(verdict):
            return f"{verdict.metric} {verdict.status}: {verdict.reason}"
    return ""


def _is_wall(verdict: Verdict) -> bool:
    return verdict.metric in METRICS and METRICS[verdict.metric].kind is Kind.WALL


def _head_can_settle(verdict: Verdict) -> bool:
    """Whether more rounds of this run could help: not where it is the baseline that has too few."""
    return not verdict.reason.startswith("the baseline ")


def percent(change: float | None) -> str:
    """A signed percentage, never 0 for a change that is not; `from zero` where the baseline was 0."""
    if change is None:
        return "from zero"
    return f"{change:+.2%}" if abs(change) >= 5e-5 or not change else f"{change * 100:+.1g}%"


JudgeCell: TypeAlias = Callable[
    [CellRecord | None, CellRecord, Mapping[str, Any], Mapping[str, Any], Overrides], list[Verdict]
]
"""Arguments and result as `compare_cell`."""


def compare(
    base: RunFile | None,
    head: RunFile,
    *,
    baseline: str,
    overrides: Overrides = NONE,
    judge_cell: JudgeCell = compare_cell,
) -> Comparison:
    """Compare a run with its baseline.

    Args:
        base: the baseline, or None if there is none.
        head: the run; a cell of the baseline that it was asked for is `missing` unless measured, and so is any cell
            that it did not come to, or whose shard was not merged.
        baseline: where the baseline is, for messages.
        overrides: thresholds in place of the metric table's.
        judge_cell: the verdicts of one cell.
    """
    base_cells, head_cells = base.cells if base else {}, head.cells
    verdicts = unmeasured(head)
    attributions: list[Attribution] = []
    for cell, record in head_cells.items():
        known = base_cells.get(cell)
        there = base.environment_of(known) if base and known else {}
        here = head.environment_of(record)
        found = judge_cell(known, record, there, here, overrides)
        verdicts += found
        why = attribute(known, record, found, there, here)
        attributions += [why] if why else []
    verdicts += broken(head)
    outcomes, tests = head.outcomes(), head.tests
    not_run = [cell for cell, outcome in outcomes.items() if outcome.outcome == "not run"]
    for cell in dict.fromkeys((*base_cells, *not_run)):
        outcome = outcomes.get(cell)
        if cell in head_cells or (outcome and outcome.outcome == "failed"):
            continue
        if outcome and outcome.outcome == "not asked for":
            continue
        if outcome is None and base_cells[cell].test and base_cells[cell].test not in tests:
            continue  # a user's own benchmark that was not asked for
        if outcome is None:
            reason = "the baseline holds it, and this run does not list it: it left the matrix, or the run is a part"
        else:
            held = "the baseline holds it, but it" if cell in base_cells else "it"
            reason = f"{held} was {outcome.outcome}: {outcome.reason or 'the run ended before'}"
        verdicts.append(Verdict(cell, "", Status.MISSING, reason))
    return Comparison(
        verdicts=tuple(verdicts),
        changed=tuple(changes(base, head)) if base else (),
        baseline=baseline,
        problem=nothing_compared(base, verdicts, baseline),
        attributions=tuple(attributions),
    )


def nothing_compared(base: RunFile | None, verdicts: list[Verdict], baseline: str) -> str:
    """Why a comparison has nothing to stand on; empty where a gated metric that was measured was really compared.

    Most exact metrics are compared between any machines, so they alone are not enough.
    """
    compared = [v for v in verdicts if v.status in COMPARED and v.metric and v.gated]
    if any(METRICS[verdict.metric].kind is not Kind.EXACT for verdict in compared):
        return ""
    if base is None:
        return f"there is no baseline {baseline}: nothing was compared"
    reasons = Counter(v.reason for v in verdicts if v.status in (Status.INCOMPARABLE, Status.NEW))
    common = reasons.most_common(1)[0][0] if reasons else "no cell of this run was measured"
    return f"nothing could be compared with {baseline}: {common}"


def changes(base: RunFile, head: RunFile) -> list[str]:
    """What software, driver and weights differ between the cells of two runs, `name old -> new`, each once."""
    found: dict[str, None] = {
        f"{field} {getattr(base.suite, field)} -> {getattr(head.suite, field)}": None
        for field in ("level", "lane", "hardware")
        if getattr(base.suite, field) != getattr(head.suite, field)
    }
    base_cells, head_cells = base.cells, head.cells
    # An environment may name any number of packages, and thousands of cells share one.
    unlike = {
        (known.environment, record.environment, known.checkpoint_name, known.checkpoint.digest,
         record.checkpoint_name, record.checkpoint.digest): (known, record)
        for cell, record in head_cells.items()
        if (known := base_cells.get(cell))
    }  # fmt: skip
    for known, record in unlike.values():
        there, here = base.environment_of(known), head.environment_of(record)
        found |= dict.fromkeys(changed_versions(known, record, there, here))
    return list(found)
