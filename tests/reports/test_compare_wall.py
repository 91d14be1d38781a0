"""Wall verdicts against a stored baseline: candidates, reruns, and when nothing can be said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.records.metrics import METRICS, STEP_THRESHOLD
from reports.records.schema import RunFile
from reports.render import summary
from reports.verdicts.compare import compare, rerun_reason
from reports.verdicts.rules import Status
from reports.verdicts.verdict import Verdict
from reports.verdicts.wall import RULES
from tests.builders import PLAIN, cell_document, run_of

SETTLED = [0.0100, 0.0101, 0.0102, 0.0103, 0.0101, 0.0100, 0.0102, 0.0104, 0.0150, 0.0200]
FEW = SETTLED[:4]


def slower(factor: float, steps: list[float] = SETTLED) -> list[float]:
    return [step * factor for step in steps]


def run_with(*launches: list[float], latency: float = 2.0) -> RunFile:
    return run_of(cell_document(PLAIN, {"latency": latency}, steps=launches))


def judged(base: RunFile, head: RunFile) -> tuple[Verdict, list[Verdict]]:
    verdicts = list(compare(base, head, baseline="base.json").verdicts)
    return next(verdict for verdict in verdicts if verdict.metric == "step_latency"), verdicts


def test_the_threshold_of_the_table_is_the_rule_s() -> None:
    assert 1 + METRICS["step_latency"].threshold == 1 + STEP_THRESHOLD == RULES.threshold


def test_settled_rounds_against_themselves_are_the_same() -> None:
    found, verdicts = judged(run_with(SETTLED), run_with(SETTLED))
    assert found.status is Status.SAME
    assert rerun_reason(verdicts) == ""
    assert found.smallest_change == pytest.approx(0.3125)


@given(st.floats(1.26, 3.0))
def test_a_slowdown_is_unclear_until_a_rerun_confirms_it_and_then_fails(factor: float) -> None:
    base = run_with(SETTLED)
    candidate, verdicts = judged(base, run_with(slower(factor)))
    assert candidate.status is Status.UNCLEAR
    assert not candidate.fails
    assert "a rerun has to confirm it" in rerun_reason(verdicts)
    confirmed, _ = judged(base, run_with(slower(factor), slower(factor * 1.01)))
    assert confirmed.status is Status.WORSE
    assert confirmed.fails
    assert confirmed.reason.endswith("confirmed by a rerun")


def test_a_slowdown_that_a_rerun_does_not_see_is_unclear_and_names_both_numbers() -> None:
    found, _ = judged(run_with(SETTLED), run_with(slower(1.2), SETTLED))
    assert found.status is Status.UNCLEAR
    assert "first worse (+20.0%), then same (+0.0%) in a rerun: not confirmed" in found.reason


def test_too_few_rounds_are_unclear_even_where_the_numbers_are_equal() -> None:
    found, verdicts = judged(run_with(SETTLED), run_with(FEW))
    assert found.status is Status.UNCLEAR
    assert "this run has 4 rounds of at least 10" in rerun_reason(verdicts)
    assert "changes below 31% cannot be seen" in summary.sentence(found)
    again, _ = judged(run_with(SETTLED), run_with(FEW, SETTLED))
    assert again.status is Status.SAME


def test_a_baseline_with_too_few_rounds_is_unclear_and_no_rerun_is_asked_for() -> None:
    found, verdicts = judged(run_with(FEW), run_with(SETTLED))
    assert found.status is Status.UNCLEAR
    assert found.reason.startswith("the baseline has 4 rounds")
    assert rerun_reason(verdicts) == ""


def test_a_cell_that_fails_by_its_memory_needs_no_rerun() -> None:
    base = run_with(SETTLED)
    head = run_of(cell_document(PLAIN, {"peak_allocated": 2e9}, steps=[slower(1.5)]))
    assert rerun_reason(compare(base, head, baseline="base.json").verdicts) == ""


def test_the_guard_on_whole_rounds_asks_for_a_rerun_too() -> None:
    found, verdicts = judged(run_with(SETTLED), run_with(SETTLED, latency=5.0))
    assert found.status is Status.SAME
    assert rerun_reason(verdicts).startswith("latency worse")


def test_an_unclear_comparison_passes_and_says_so() -> None:
    comparison = compare(run_with(SETTLED), run_with(slower(1.2)), baseline="base.json")
    assert not comparison.failed
    assert summary.headline(comparison).endswith("unclear: 1 step_latency")


def test_unclear_alone_is_nothing_compared() -> None:
    base, head = run_with(SETTLED), run_with(FEW)
    for run in (base, head):
        metrics = run.benchmarks[0].extra_info.metrics
        for name in ("latency", "peak_allocated", "throughput", "load"):
            del metrics[name]
    comparison = compare(base, head, baseline="base.json")
    assert comparison.failed
    assert "nothing could be compared" in comparison.problem


def test_python_calls_of_another_python_are_not_compared() -> None:
    base = run_of(cell_document(PLAIN, {"python_calls": 100}))
    head = run_of(
        cell_document(PLAIN, {"python_calls": 90}),
        software={"python": "3.13.0", "torch": "2.11.0", "transformers": "5"},
    )
    found = {v.metric: v for v in compare(base, head, baseline="base.json").verdicts}["python_calls"]
    assert found.status is Status.INCOMPARABLE
    assert found.reason == "python is 3.13 here and 3.12 in the baseline"
    same_minor = run_of(cell_document(PLAIN, {"python_calls": 101}), software={"python": "3.12.9"})
    found = {v.metric: v for v in compare(base, same_minor, baseline="base.json").verdicts}["python_calls"]
    assert found.status is Status.WORSE


def test_operators_of_another_kind_of_processor_are_compared_on_a_gpu_only() -> None:
    def found(gpu: dict[str, str] | None) -> Status:
        runs = [
            run_of(cell_document(PLAIN, {"aten_calls": 100}), gpu=gpu, host={"cpu_capability": capability})
            for capability in ("AVX512", "AVX2")
        ]
        verdicts = compare(*runs, baseline="base.json").verdicts
        return next(verdict.status for verdict in verdicts if verdict.metric == "aten_calls")

    assert found(None) is Status.INCOMPARABLE
    assert found({"model": "NVIDIA H200"}) is Status.SAME


@pytest.mark.parametrize("metric", ["aten_calls", "peak_allocated"])
def test_half_precision_of_a_cpu_with_instructions_of_its_own_is_compared_with_its_like(metric: str) -> None:
    def found(cell: str, *, gpu: dict[str, str] | None = None) -> Verdict:
        before, now = (cell_document(cell, {metric: value}) for value in (100_000_000, 120_000_000))
        runs = run_of(before, gpu=gpu), run_of(now, gpu=gpu, host={"cpu_half_precision": "AMX and AVX512-FP16"})
        return next(one for one in compare(*runs, baseline="base.json").verdicts if one.metric == metric)

    half = PLAIN.replace("fp32", "bf16")
    assert found(half).status is Status.INCOMPARABLE
    assert found(half).reason == "cpu_half_precision is AMX and AVX512-FP16 here and unknown in the baseline"
    assert found(PLAIN).status is Status.WORSE
    assert found(half, gpu={"model": "NVIDIA H200"}).status is Status.WORSE


def on_host(probe: float, *launches: list[float]) -> RunFile:
    return run_of(cell_document(PLAIN, steps=launches, host=[probe] * len(launches)))


def test_a_slowdown_that_the_host_explains_is_unclear_and_says_so() -> None:
    found, _ = judged(on_host(4e-4, SETTLED), on_host(4.6e-4, slower(1.2), slower(1.2)))
    assert found.status is Status.UNCLEAR
    assert found.reason.startswith(
        "+20.0% at the fastest rounds against a threshold of 8%, but the host itself was 15%"
    )


def test_a_slowdown_beyond_what_the_host_explains_is_worse() -> None:
    found, _ = judged(on_host(4e-4, SETTLED), on_host(4.2e-4, slower(1.4), slower(1.4)))
    assert found.status is Status.WORSE


@given(st.floats(0.7, 1.4), st.floats(0.7, 1.4))
def test_swapping_the_runs_turns_better_into_worse_whatever_the_host_does(times: float, host: float) -> None:
    base, head = on_host(4e-4, SETTLED, SETTLED), on_host(4e-4 * host, slower(times), slower(times))
    mirror = {Status.WORSE: Status.BETTER, Status.BETTER: Status.WORSE}
    forth, back = judged(base, head)[0].status, judged(head, base)[0].status
    assert back is mirror.get(forth, forth)


def test_a_fast_host_hides_no_slowdown() -> None:
    found, _ = judged(on_host(4e-4, SETTLED), on_host(3e-4, slower(1.3), slower(1.3)))
    assert found.status is Status.WORSE


@given(st.floats(1.09, 1.24))
def test_a_confirmed_slowdown_that_launches_of_one_code_differ_by_is_unclear_and_never_the_same(factor: float) -> None:
    found, _ = judged(run_with(SETTLED), run_with(slower(factor), slower(factor)))
    assert found.status is Status.UNCLEAR
    assert "confirmed by a rerun, but launches of one code differ by up to 25%" in found.reason


def device_paced(run: RunFile) -> RunFile:
    (benchmark,) = run.benchmarks
    record = benchmark.extra_info
    rounds = record.rounds.model_copy(update={"device_paced": True})
    changed = benchmark.model_copy(update={"extra_info": record.model_copy(update={"rounds": rounds})})
    return run.model_copy(update={"benchmarks": [changed]})


def test_steps_that_the_device_paces_fail_from_the_threshold_on_whatever_the_host_does() -> None:
    base, slow = device_paced(run_with(SETTLED)), run_with(slower(1.12), slower(1.12))
    assert judged(run_with(SETTLED), slow)[0].status is Status.UNCLEAR
    found, _ = judged(base, device_paced(slow))
    assert found.status is Status.WORSE
    assert judged(base, device_paced(run_with(slower(1.05), slower(1.05))))[0].status is Status.SAME


def test_steps_that_are_timed_in_another_way_are_not_compared() -> None:
    found, _ = judged(run_with(SETTLED), device_paced(run_with(slower(3.0), slower(3.0))))
    assert found.status is Status.INCOMPARABLE
    assert found.reason.startswith("the host waits for each step in one of the two only")
