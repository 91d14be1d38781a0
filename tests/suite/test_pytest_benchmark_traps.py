"""Where pytest-benchmark's own gate would pass, stay silent or crash, and this suite's does not.

Of its traps, others are held by test_benchmark_compare.py: no stored run, nothing that matches, a cell that is missing,
a judged run that is saved, a storage outside the working directory. It disables itself under pytest-xdist
(test_workers.py).
"""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.suite.conftest import OTHER, SMALLEST, Suite, runner

ONE = ("-k", "dynamic and sdpa and batch1 and fp32")
TWO = ("-k", "dynamic and batch1 and fp32 and not bettertransformer")
H200, A100 = {"FAKE_GPU": "NVIDIA H200"}, {"FAKE_GPU": "NVIDIA A100"}


@pytest.fixture(scope="module")
def gpu_baselines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Baselines of one cell on a GPU; made once."""
    folder = tmp_path_factory.mktemp("accepted")
    assert runner(folder)("--update-baselines", *ONE, environment=H200).code == 0
    return folder / "baselines"


@pytest.fixture
def judged(tmp_path: Path, gpu_baselines: Path) -> Suite:
    """A run that is compared with the GPU's baseline."""
    shutil.copytree(gpu_baselines, tmp_path / "baselines")
    return partial(runner(tmp_path), "--benchmark-compare")


def test_its_machine_id_knows_no_gpu_and_another_card_is_not_compared(judged: Suite) -> None:
    ended = judged(*ONE, environment=A100)
    assert ended.code == 1
    assert "GPU model is NVIDIA A100 here and NVIDIA H200 in the baseline" in ended.output
    assert "nothing could be compared" in ended.output
    assert "INTERNALERROR" not in ended.output


def test_its_thresholds_are_whole_percents_of_time_and_ours_see_half_a_percent_of_memory(with_baseline: Suite) -> None:
    within = with_baseline("--benchmark-compare", *ONE, cells={SMALLEST: {"peak_allocated": 60_290_000}})
    assert within.code == 0
    beyond = with_baseline("--benchmark-compare", *ONE, cells={SMALLEST: {"peak_allocated": 60_310_000}})
    assert beyond.code == 1
    assert f"{SMALLEST}: peak_allocated worse: 60.0 MB -> 60.3 MB, +0.52% against" in beyond.output


def test_a_single_byte_of_weights_is_seen_and_shown(with_baseline: Suite) -> None:
    ended = with_baseline("--benchmark-compare", *ONE, cells={SMALLEST: {"weights": 38_000_001}})
    assert ended.code == 1
    assert f"{SMALLEST}: weights worse: 38,000,000 B -> 38,000,001 B, +3e-06% against" in ended.output


def test_it_ignores_new_benchmarks_and_ours_are_named_and_can_be_accepted(judged: Suite) -> None:
    ended = judged(*TWO, environment=H200)
    assert ended.code == 0
    assert "1 new: the baseline does not hold this cell" in ended.output
    assert "python -m reports accept" in ended.output


def test_it_passes_where_nothing_matches_and_new_cells_alone_fail_ours(judged: Suite) -> None:
    ended = judged("-k", OTHER, environment=H200)
    assert ended.code == 1
    assert "nothing could be compared with" in ended.output
    assert "the baseline does not hold this cell" in ended.output


def test_a_threshold_of_its_own_without_a_comparison_never_passes(with_baseline: Suite) -> None:
    ended = with_baseline("--benchmark-compare-fail=min:5%", *ONE)
    assert ended.code == 4
    assert "--benchmark-compare-fail judges what --benchmark-compare compares with" in ended.output


def test_a_threshold_of_its_own_passes_no_regression_that_it_cannot_see(with_baseline: Suite) -> None:
    arguments = ("--benchmark-compare", "--benchmark-compare-fail=mean:500%", *ONE)
    assert with_baseline(*arguments, cells={SMALLEST: {"peak_allocated": 70_000_000}}).code == 1


def test_a_judged_run_is_not_saved_in_a_storage_of_ones_own_either(suite: Suite, tmp_path: Path) -> None:
    storage = tmp_path / "own"
    ended = suite("--benchmark-compare", "--benchmark-autosave", f"--benchmark-storage=file://{storage}", *ONE)
    assert ended.code == 4
    assert "stores the judged run" in ended.output
    assert not list(storage.rglob("*.json"))


def test_its_calibration_takes_no_round_away_and_adds_none(suite: Suite) -> None:
    calibration = ("--benchmark-min-rounds=1", "--benchmark-max-time=0.000001", "--benchmark-warmup=on")
    ended = suite("--rounds=7", *calibration, *ONE, cells={SMALLEST: {"latency": 0.25}})
    assert ended.code == 0
    (benchmark,) = ended.run.benchmarks
    assert benchmark.stats.data == [0.25] * 7
    assert benchmark.stats.model_dump()["iterations"] == 1
