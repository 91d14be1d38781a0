"""Compare a run with the base that it was measured against (`--against`).

What is exact or steady is compared between the two sides' own records, each measured while the other was idle. Wall
time is judged by pairs of rounds (`paired.py`): the step p10, with whole rounds as a guard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from statistics import median
from typing import Any

from reports.errors import ReportError
from reports.records.metrics import METRICS, Kind
from reports.records.schema import UNMEASURED, AgainstRecord, CellRecord, PairsRecord, RunFile
from reports.records.sides import require_base
from reports.verdicts.compare import compare, compare_cell, percent
from reports.verdicts.paired import Paired, judge_pairs
from reports.verdicts.rules import Status, judge
from reports.verdicts.thresholds import NONE, Overrides
from reports.verdicts.verdict import Comparison, Verdict
from reports.verdicts.wall import RULES

STEP, ROUND = "step_latency", "latency"
"""The metrics that pairs of rounds judge; both are gated."""


def compare_sides(run: RunFile, overrides: Overrides = NONE) -> Comparison:
    """Compare a run with its base.

    Raises:
        ReportError: it has none.
    """
    base = require_base(run, "this run")
    assert run.suite.against is not None
    name = f"{run.suite.against.name} (paired)"
    found = compare(base, run, baseline=name, overrides=overrides, judge_cell=compare_cell_sides)
    before, after = (str(side.commit_info.get("id", "unknown"))[:12] for side in (base, run))
    commits = (f"commit {before} -> {after}",) if before != after else ()
    return replace(
        found,
        verdicts=(*found.verdicts, *_cells_lost(run)),
        changed=(*commits, *found.changed),
        against=run.suite.against.name,
        other_tree=run.suite.against.other_tree,
    )


def _cells_lost(run: RunFile) -> list[Verdict]:
    """The selected cells that the base can run and the head skips, and those that left the head's matrix.

    Where the base's packages make the difference, the cell is `new`, as is one that only the head can run: comparing
    packages is what such a run is for. Else the head's code has lost the cell. A cell that left the matrix cannot be
    selected, so each of those is missing, as with a baseline.
    """
    differs = run.suite.against.only_there if run.suite.against else {}
    outcomes, found = run.outcomes(), []
    for cell, why in differs.items():
        outcome = outcomes.get(cell)
        if outcome is None:
            found.append(Verdict(cell, "", Status.MISSING, "the base can run it, but it left the head's matrix"))
        elif outcome.outcome == "skipped" and why == "packages":
            found.append(Verdict(cell, "", Status.NEW, f"only the base can run it: {outcome.reason}"))
        elif outcome.outcome == "skipped":
            reason = f"the base can run it, but the head skipped it: {outcome.reason}"
            found.append(Verdict(cell, "", Status.MISSING, reason))
    return found


def compare_cell_sides(
    base: CellRecord | None,
    head: CellRecord,
    base_environment: Mapping[str, Any],
    head_environment: Mapping[str, Any],
    overrides: Overrides = NONE,
) -> list[Verdict]:
    """The verdicts of one cell; arguments as `compare.compare_cell`, `base` being the base's own record."""
    against = head.against or AgainstRecord.model_validate(UNMEASURED)
    if base is None:
        status = Status.FAILED if against.broken else Status.NEW
        reason = f"not measured on the base: {against.problem}"
        return [Verdict(head.cell, "", status, reason, judged_by="paired")]
    other_steps = base.rounds.device_paced != head.rounds.device_paced
    verdicts = [
        _in_pairs(verdict, against, overrides)
        if verdict.metric == ROUND or (verdict.metric == STEP and not other_steps)
        else _one_after_the_other(verdict)
        for verdict in compare_cell(base, head, base_environment, head_environment, overrides)
    ]
    if against.broken:
        reason = f"its pairs could not be timed: {against.problem}"
        verdicts.append(Verdict(head.cell, "", Status.FAILED, reason, judged_by="paired"))
    return verdicts


def judged(pairs: PairsRecord) -> Paired:
    """What the pairs of a cell say."""
    return judge_pairs(
        pairs.base_step_p10_s,
        pairs.head_step_p10_s,
        base_walls=pairs.base_s,
        head_walls=pairs.head_s,
        family=pairs.family,
    )


def _in_pairs(verdict: Verdict, against: AgainstRecord, overrides: Overrides) -> Verdict:
    """A wall metric's verdict by pairs of rounds in place of the two records, which were measured one after another."""
    pairs = against.pairs
    if verdict.status is Status.MISSING or (verdict.status is Status.NEW and pairs is None):
        return verdict
    if pairs is None:
        reason = f"no pairs were timed: {against.problem or '--against-launches=0'}"
        return replace(
            verdict,
            status=Status.UNCLEAR,
            reason=reason,
            change=None,
            threshold=None,
            smallest_change=None,
            judged_by="paired",
        )
    return _by_steps(verdict, pairs, overrides) if verdict.metric == STEP else _by_rounds(verdict, pairs, overrides)


def _one_after_the_other(verdict: Verdict) -> Verdict:
    """A metric that pairs do not judge: what moves with the clock between two records is no verdict on the code."""
    metric = METRICS.get(verdict.metric)
    by_the_clock = metric is not None and metric.kind is Kind.WALL and metric.unit != "B" and not metric.gated
    if not by_the_clock or verdict.status not in (Status.WORSE, Status.BETTER):
        return verdict
    reason = f"{verdict.reason}, but one side was measured after the other, and the host may have changed between"
    return replace(verdict, status=Status.UNCLEAR, reason=reason, smallest_change=None)


def _by_steps(verdict: Verdict, pairs: PairsRecord, overrides: Overrides) -> Verdict:
    try:
        found = judged(pairs)
    except ReportError as error:
        found = Paired(Status.UNCLEAR, str(error), len(pairs.base_s), 0, 0)
    status, reason = found.status, f"{found.reason} ({_measured(pairs)})"
    change = found.median_ratio - 1 if found.median_ratio else None
    override = overrides.find(verdict.metric, verdict.cell)
    slower = found.whole_rounds if found.whole_rounds is not None else change
    if override and status is Status.WORSE and slower is not None and slower <= override.threshold:
        status, reason = Status.SAME, f"{reason} (override {override.describe()})"
    return replace(
        verdict,
        status=status,
        reason=reason,
        base=median(pairs.base_step_p10_s),
        head=median(pairs.head_step_p10_s),
        change=change,
        threshold=RULES.pair_threshold - 1,
        smallest_change=RULES.target,
        judged_by="paired",
    )


def _by_rounds(verdict: Verdict, pairs: PairsRecord, overrides: Overrides) -> Verdict:
    """Whole rounds at their fastest, by the metric's own generous threshold: the steps' verdict has the finer eye."""
    metric = METRICS[verdict.metric]
    override = overrides.find(verdict.metric, verdict.cell)
    threshold = override.threshold if override else metric.threshold
    base, head = min(pairs.base_s), min(pairs.head_s)
    result = judge(metric, base, head, threshold)
    status, reason = (
        result.status,
        f"{percent(result.change)} at the fastest rounds against a threshold of {threshold:.0%}",
    )
    if len(pairs.base_s) < RULES.fewest_pairs:
        status, reason = Status.UNCLEAR, f"{reason}, but below {RULES.fewest_pairs} pairs nothing is sure"
    return replace(
        verdict,
        status=status,
        reason=f"{reason} ({_measured(pairs)})",
        base=base,
        head=head,
        change=result.change,
        threshold=threshold,
        smallest_change=threshold,
        judged_by="paired",
    )


def _measured(pairs: PairsRecord) -> str:
    launches = len(pairs.launches)
    return f"{len(pairs.base_s)} pairs in {launches} launch{'es' if launches != 1 else ''} of both sides"
