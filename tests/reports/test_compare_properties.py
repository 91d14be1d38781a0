"""What holds of every comparison, whatever was measured: of any cells, any metrics of the table, any noise."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reports.records.metrics import METRICS, Better, Kind
from reports.records.schema import RunFile
from reports.verdicts.compare import compare
from reports.verdicts.rules import Status
from reports.verdicts.verdict import Comparison, Verdict
from tests.builders import cell_document, run_of

CELLS = [
    f"small-{attention}-{precision}-resident-dynamic-batch{batch}"
    for attention, precision, batch in itertools.product(("eager", "sdpa"), ("fp32", "fp16"), (1, 8))
]
MIRROR = {
    Status.BETTER: Status.WORSE,
    Status.WORSE: Status.BETTER,
    Status.NEW: Status.MISSING,
    Status.MISSING: Status.NEW,
}

Measured = dict[str, dict[str, float]]
"""Cell -> metric -> value."""

Rounds = Mapping[str, list[list[float]]]
"""Cell -> the step p10 of the rounds of each launch, in seconds."""


def values_of(name: str) -> st.SearchStrategy[float]:
    """Values that the metric could have: counts are whole, and a share is at most 1."""
    metric = METRICS[name]
    if metric.better is Better.HIGHER and not metric.unit:
        return st.floats(0.1, 1.0)
    if metric.kind is Kind.EXACT:
        return st.integers(1, 10**12).map(float)
    return st.floats(1e-3, 1e12)


cells = st.dictionaries(
    st.sampled_from(CELLS),
    st.fixed_dictionaries({}, optional={name: values_of(name) for name in METRICS if name != "step_latency"}),
    min_size=1,
    max_size=3,
)
a_launch = st.lists(st.floats(0.01, 0.02), min_size=1, max_size=14)
one_launch = st.fixed_dictionaries({cell: st.lists(a_launch, max_size=1) for cell in CELLS})
launches = st.fixed_dictionaries({cell: st.lists(a_launch, max_size=2) for cell in CELLS})


def run(measured: Measured, rounds: Rounds | None = None, **options: Any) -> RunFile:
    """A run of these cells; `VALUES` of tests/builders.py stand where a metric was not drawn."""
    return run_of(
        *(cell_document(cell, values, steps=(rounds or {}).get(cell, ())) for cell, values in measured.items()),
        **options,
    )


def judged(base: RunFile, head: RunFile) -> dict[tuple[str, str], Verdict]:
    """The verdicts against the baseline, by cell and metric. Invariants hold or break within one run, so not here."""
    found = [v for v in comparison(base, head).verdicts if not v.reason.startswith("invariant broken")]
    verdicts = {(verdict.cell, verdict.metric): verdict for verdict in found}
    assert len(verdicts) == len(found)
    return verdicts


def comparison(base: RunFile, head: RunFile) -> Comparison:
    return compare(base, head, baseline="base.json")


def repeatable(verdicts: Mapping[tuple[str, str], Verdict]) -> dict[tuple[str, str], Verdict]:
    """Of these, the verdicts on exact and steady metrics."""
    return {key: v for key, v in verdicts.items() if key[1] and METRICS[key[1]].kind is not Kind.WALL}


def by_the_clock(verdicts: Mapping[tuple[str, str], Verdict]) -> dict[tuple[str, str], Verdict]:
    """Of these, the verdicts on wall metrics: noise is part of them, so they may be unclear."""
    return {key: v for key, v in verdicts.items() if key[1] and METRICS[key[1]].kind is Kind.WALL}


@given(cells, launches)
@settings(max_examples=50)
def test_a_run_against_itself_is_the_same_everywhere(measured: Measured, rounds: Rounds) -> None:
    one = run(measured, rounds)
    verdicts = judged(one, one)
    assert {cell for cell, _ in verdicts} == set(measured)
    assert {v.status for v in repeatable(verdicts).values()} == {Status.SAME}
    assert {v.status for v in by_the_clock(verdicts).values()} <= {Status.SAME, Status.UNCLEAR}
    assert comparison(one, one).changed == ()


@given(cells, cells, one_launch, one_launch)
@settings(max_examples=50)
def test_swapping_the_runs_turns_better_into_worse_and_back(
    a: Measured, b: Measured, rounds: Rounds, others: Rounds
) -> None:
    one, other = run(a, rounds), run(b, others)
    forth, back = judged(one, other), judged(other, one)
    assert {key: v.status for key, v in back.items()} == {
        key: MIRROR.get(v.status, v.status) for key, v in forth.items()
    }


@given(cells, cells, launches, st.randoms())
@settings(max_examples=50)
def test_the_order_of_cells_and_of_metrics_changes_nothing(
    a: Measured, b: Measured, rounds: Rounds, order: random.Random
) -> None:
    def shuffled(entries: Mapping[str, Any]) -> dict[str, Any]:
        return dict(order.sample(list(entries.items()), len(entries)))

    base, head = run(a, rounds), run(b, rounds)
    again = run(shuffled({cell: shuffled(values) for cell, values in b.items()}), rounds)
    straight, mixed = comparison(base, head), comparison(run(shuffled(a), rounds), again)
    assert set(mixed.verdicts) == set(straight.verdicts)
    assert len(mixed.verdicts) == len(straight.verdicts)
    assert mixed.failed == straight.failed


@given(cells, st.data())
@settings(max_examples=50)
def test_a_removed_cell_is_missing_and_nothing_else_changes(measured: Measured, data: st.DataObject) -> None:
    assume(len(measured) > 1)
    gone = data.draw(st.sampled_from(sorted(measured)))
    outcome = data.draw(st.sampled_from(["", "skipped", "not run", "not asked for"]))
    rest = {cell: values for cell, values in measured.items() if cell != gone}
    base, head = run(measured), run(rest, outcomes={gone: (outcome, "a reason")} if outcome else {})
    expected = {key: v for key, v in judged(base, run(measured)).items() if key[0] != gone}
    found = judged(base, head)
    missing = found.pop((gone, ""), None)
    assert found == expected
    if outcome == "not asked for":
        assert missing is None
    else:
        assert missing is not None
        assert missing.status is Status.MISSING
        assert missing.fails
        assert comparison(base, head).failed


@given(cells, cells, launches, launches, st.floats(0.2, 5.0))
@settings(max_examples=50)
def test_noise_of_wall_metrics_never_changes_another_verdict(
    a: Measured, b: Measured, rounds: Rounds, noise: Rounds, factor: float
) -> None:
    noisy = {
        cell: {name: value * factor if METRICS[name].kind is Kind.WALL else value for name, value in values.items()}
        for cell, values in b.items()
    }
    base = run(a, rounds)
    quiet, loud = (repeatable(judged(base, head)) for head in (run(b, rounds), run(noisy, noise)))
    assert loud == quiet
    assert Status.UNCLEAR not in {v.status for v in loud.values()}


@given(cells, launches, st.data())
@settings(max_examples=50)
def test_a_planted_change_of_a_repeatable_metric_fails_that_metric_alone(
    measured: Measured, noise: Rounds, data: st.DataObject
) -> None:
    planted = sorted(
        (cell, name)
        for cell, values in measured.items()
        for name in values
        if METRICS[name].gated and METRICS[name].kind is not Kind.WALL
    )
    assume(planted)
    cell, name = data.draw(st.sampled_from(planted))
    value = measured[cell][name]
    worse = value * 3 + 1 if METRICS[name].better is Better.LOWER else value / 3
    head = run(measured | {cell: measured[cell] | {name: worse}}, noise)
    failing = [key for key, v in repeatable(judged(run(measured), head)).items() if v.fails]
    assert failing == [(cell, name)]
