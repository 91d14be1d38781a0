"""Wall verdicts are confirmed by timing the cell again within the run, and within a budget."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.suite.conftest import SMALLEST, Suite, runner

GPU = {"FAKE_GPU": "NVIDIA H200"}
ONE_CELL = ("-k", "dynamic and sdpa and fp32 and batch1", "--rounds=12")
SLOW = 0.00125 * 1.4
NORMAL = 0.00125


@pytest.fixture(scope="module")
def gpu_baselines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Baselines of the cell on a GPU; made once."""
    folder = tmp_path_factory.mktemp("accepted")
    assert runner(folder)(*ONE_CELL, "--update-baselines", environment=GPU).code == 0
    return folder / "baselines"


@pytest.fixture
def judged(tmp_path: Path, gpu_baselines: Path) -> Suite:
    """A judged run of the cell on the GPU."""
    shutil.copytree(gpu_baselines, tmp_path / "baselines")
    return partial(runner(tmp_path), *ONE_CELL, "--benchmark-compare", environment=GPU)


def test_a_slowdown_that_a_rerun_confirms_fails_the_cell(judged: Suite) -> None:
    ended = judged(cells={SMALLEST: {"step": SLOW, "again": SLOW}})
    assert ended.code == 1
    said = f"{SMALLEST}: step_latency worse: 1.2 ms -> 1.7 ms, +40.0% at the fastest rounds against a threshold of 8%, "
    assert f"{said}confirmed by a rerun" in ended.output
    (benchmark,) = ended.run.benchmarks
    assert benchmark.extra_info.rounds.launches == [12, 12]
    assert len(benchmark.stats.data) == 24


def test_a_slowdown_that_the_rerun_does_not_see_passes_as_unclear(judged: Suite) -> None:
    ended = judged(cells={SMALLEST: {"step": SLOW, "again": NORMAL}})
    assert ended.code == 0
    assert "unclear: 1 step_latency" in ended.output
    assert "not confirmed" in ended.output


def test_without_a_budget_nothing_is_timed_again_and_the_run_says_so(judged: Suite) -> None:
    ended = judged("--rerun-budget=0", cells={SMALLEST: {"step": SLOW}})
    assert ended.code == 0
    assert "was not timed again, --rerun-budget=0 s is spent" in ended.output
    assert any("was not timed again" in warning for warning in ended.run.suite.warnings)
    assert ended.run.benchmarks[0].extra_info.rounds.launches == [12]


def test_a_cpu_s_wall_time_is_not_gated_and_never_timed_again(with_baseline: Suite) -> None:
    ended = with_baseline(*ONE_CELL, "--benchmark-compare", cells={SMALLEST: {"step": SLOW}})
    assert ended.code == 0
    assert ended.run.benchmarks[0].extra_info.rounds.launches == [12]
