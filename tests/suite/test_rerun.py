"""Wall verdicts are confirmed by timing the cell again within the run, and within a budget."""

from __future__ import annotations

from tests.suite.conftest import SMALLEST, Suite

GPU = {"FAKE_GPU": "NVIDIA H200"}
ONE = ("-k", "dynamic and sdpa and fp32 and batch1", "--rounds=12")
SLOW = 0.00125 * 1.4
NORMAL = 0.00125


def accepted(suite: Suite) -> Suite:
    assert suite(*ONE, "--update-baselines", environment=GPU).code == 0
    return suite


def test_a_slowdown_that_a_rerun_confirms_fails_the_cell(suite: Suite) -> None:
    ended = accepted(suite)(
        *ONE, "--benchmark-compare", cells={SMALLEST: {"step": SLOW, "again": SLOW}}, environment=GPU
    )
    assert ended.code == 1
    said = f"{SMALLEST}: step_latency worse: 1.2 ms -> 1.7 ms, +40.0% at the fastest rounds against a threshold of 8%, "
    assert f"{said}confirmed by a rerun" in ended.output
    (benchmark,) = ended.run.benchmarks
    assert benchmark.extra_info.rounds.launches == [12, 12]
    assert len(benchmark.stats.data) == 24


def test_a_slowdown_that_the_rerun_does_not_see_passes_as_unclear(suite: Suite) -> None:
    ended = accepted(suite)(
        *ONE, "--benchmark-compare", cells={SMALLEST: {"step": SLOW, "again": NORMAL}}, environment=GPU
    )
    assert ended.code == 0
    assert "unclear: 1 step_latency" in ended.output
    assert "not confirmed" in ended.output


def test_without_a_budget_nothing_is_timed_again_and_the_run_says_so(suite: Suite) -> None:
    ended = accepted(suite)(
        *ONE, "--benchmark-compare", "--rerun-budget=0", cells={SMALLEST: {"step": SLOW}}, environment=GPU
    )
    assert ended.code == 0
    assert "was not timed again, --rerun-budget=0 s is spent" in ended.output
    assert any("was not timed again" in warning for warning in ended.run.suite.warnings)
    assert ended.run.benchmarks[0].extra_info.rounds.launches == [12]


def test_a_cpu_s_wall_time_is_not_gated_and_never_timed_again(suite: Suite) -> None:
    assert suite(*ONE, "--update-baselines").code == 0
    ended = suite(*ONE, "--benchmark-compare", cells={SMALLEST: {"step": SLOW}})
    assert ended.code == 0
    assert ended.run.benchmarks[0].extra_info.rounds.launches == [12]


def test_a_budget_that_is_no_number_of_seconds_is_a_usage_error(suite: Suite) -> None:
    ended = suite("--rerun-budget=-1")
    assert ended.code == 4
    assert "--rerun-budget -1.0: seconds a run, 0 for none" in ended.output


def test_the_help_says_that_each_worker_has_the_budget(suite: Suite) -> None:
    assert "a run, or each of its workers beside the others, may spend" in " ".join(suite("--help").output.split())
