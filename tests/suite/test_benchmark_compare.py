"""--benchmark-compare: what passes, what fails, what is refused, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lanes import LANE, SMOKE_CELLS
from tests.suite.conftest import OTHER, SMALLEST, Suite

ONE_CELL = ("-k", "dynamic and sdpa and batch1 and fp32")
TWO_CELLS = ("-k", "dynamic and batch1 and fp32 and not bettertransformer")
MORE = {SMALLEST: {"peak_allocated": 60_000_000 + 64 * 2**20}}


def test_unchanged_code_passes_and_says_against_what(with_baseline: Suite) -> None:
    ended = with_baseline("--benchmark-compare")
    assert ended.code == 0
    assert "passed: no regression against" in ended.output
    assert f"cpu/{LANE}/smoke/0001_baseline.json" in ended.output
    assert f"{SMOKE_CELLS} cells" in ended.output


def test_64_mib_more_fails_the_cells_own_test_with_both_values(with_baseline: Suite) -> None:
    ended = with_baseline("--benchmark-compare", cells=MORE)
    assert ended.code == 1
    assert (
        f"{SMALLEST}: peak_allocated worse: 60.0 MB -> 127.1 MB, +111.85% against a threshold of 0.5%" in ended.output
    )
    assert f"1 failed, {SMOKE_CELLS - 1} passed" in ended.output


@pytest.mark.parametrize("option", ["-x", "-q"])
def test_a_regression_exits_1_whatever_is_shown(with_baseline: Suite, option: str) -> None:
    assert with_baseline("--benchmark-compare", option, *TWO_CELLS, cells=MORE).code == 1


def test_cells_that_can_no_longer_run_fail_the_session(with_baseline: Suite) -> None:
    assert with_baseline("--benchmark-compare", "-q", "--benchmark-skip", *TWO_CELLS).code == 1


def test_a_missing_cell_is_named_with_the_reason_it_did_not_run(with_baseline: Suite, tmp_path: Path) -> None:
    (path,) = tmp_path.rglob("0001_baseline.json")
    gone = OTHER.replace("resident", "cpu_offload")
    path.write_text(path.read_text().replace(OTHER, gone))
    ended = with_baseline("--benchmark-compare", *TWO_CELLS)
    assert ended.code == 1
    assert f"{gone}: missing: the baseline holds it, but it was skipped: cpu_offload needs a GPU" in ended.output


def test_without_a_baseline_the_run_fails_and_says_how_to_make_one(suite: Suite) -> None:
    ended = suite("--benchmark-compare", *ONE_CELL)
    assert ended.code == 1
    assert "there is no baseline in" in ended.output
    assert "python -m reports accept" in ended.output


def test_a_part_of_the_matrix_is_judged_alone(with_baseline: Suite) -> None:
    ended = with_baseline("--benchmark-compare", *ONE_CELL, cells={OTHER: {"weights": 1}})
    assert ended.code == 0
    assert "missing" not in ended.output


def test_a_selection_that_matches_nothing_never_passes(with_baseline: Suite) -> None:
    ended = with_baseline("--benchmark-compare", "-k", "huge and sdpa")
    assert ended.code == 1
    assert "nothing was judged" in ended.output
    assert "checkpoint: tiny, small, large" in ended.output


def test_other_work_is_refused_and_never_passes(with_baseline: Suite) -> None:
    ended = with_baseline("--benchmark-compare", "--tokens=8", *ONE_CELL)
    assert ended.code == 1
    assert "semantic_tokens is 8 here and 16 in the baseline" in ended.output


def test_disabled_benchmarks_never_pass_a_comparison(with_baseline: Suite) -> None:
    ended = with_baseline("--benchmark-compare", "--benchmark-disable", *ONE_CELL)
    assert ended.code == 1
    assert "nothing" in ended.output


def test_a_run_inside_of_another_sessions_worker_judges_as_any_other(with_baseline: Suite) -> None:
    # pytest-benchmark takes the variable for a worker's and disables itself: nothing is measured, which must show.
    ended = with_baseline("--benchmark-compare", "-k", "dynamic and sdpa", environment={"PYTEST_XDIST_WORKER": "gw0"})
    assert ended.code == 1
    assert "nothing could be compared" in ended.output


def test_versions_that_changed_are_named_and_do_not_block(with_baseline: Suite) -> None:
    ended = with_baseline("--benchmark-compare", *TWO_CELLS, software={"torch": "2.14.0"})
    assert ended.code == 0
    assert "changed since the baseline: torch 2.13.0 -> 2.14.0" in ended.output


def test_a_run_judged_against_a_regression_never_becomes_the_baseline(with_baseline: Suite) -> None:
    for _ in range(2):
        assert with_baseline("--benchmark-compare", *TWO_CELLS, cells=MORE).code == 1


@pytest.mark.parametrize("option", ["--benchmark-save=x", "--benchmark-autosave"])
def test_saving_among_the_baselines_is_refused(with_baseline: Suite, option: str) -> None:
    ended = with_baseline("--benchmark-compare", option)
    assert ended.code == 4
    assert "--update-baselines" in ended.output


def test_without_the_option_nothing_is_judged(with_baseline: Suite) -> None:
    ended = with_baseline(*TWO_CELLS, cells=MORE)
    assert ended.code == 0
    assert "worse" not in ended.output


def test_without_a_terminal_a_regression_is_said_on_standard_error(with_baseline: Suite) -> None:
    ended = with_baseline("--benchmark-compare", "-pno:terminal", *TWO_CELLS, cells=MORE)
    assert ended.code == 1
    assert f"{SMALLEST}: peak_allocated worse" in ended.output
    assert set(ended.run.cells) == {OTHER, SMALLEST}


def test_pytest_benchmarks_own_threshold_does_not_swallow_the_report(with_baseline: Suite) -> None:
    arguments = ("--benchmark-compare", "--benchmark-compare-fail=min:1%", *TWO_CELLS)
    ended = with_baseline(*arguments, cells={SMALLEST: {"latency": 0.2}})
    assert ended.code == 1
    assert "Absolute performance" in ended.output
    assert "passed: no regression" in ended.output


@pytest.mark.parametrize("value", ["a/b/c", "benchmarks/"])
def test_a_run_that_cannot_be_named_never_passes(with_baseline: Suite, value: str) -> None:
    ended = with_baseline(f"--benchmark-compare={value}", *TWO_CELLS)
    assert ended.code in (1, 4)
    assert "INTERNALERROR" not in ended.output


def test_a_run_that_was_saved_by_pytest_benchmark_can_be_named(suite: Suite, tmp_path: Path) -> None:
    storage = f"--benchmark-storage=file://{tmp_path / 'own'}"
    assert suite(*TWO_CELLS, storage, "--benchmark-save=first", "--benchmark-save-data").code == 0
    ended = suite(*TWO_CELLS, storage, "--benchmark-compare=0001")
    assert ended.code == 0
    assert "passed: no regression against " in ended.output
    ended = suite(*TWO_CELLS, storage, "--benchmark-compare=0001", cells=MORE, software={"torch": "3"})
    assert ended.code == 1
    assert "INTERNALERROR" not in ended.output
    ended = suite(*TWO_CELLS, storage, "--benchmark-compare=0007")
    assert ended.code == 1
    assert "matching '0007'" in ended.output


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"benchmarks": [', "cut off or damaged"),
        ('{"benchmarks": [], "machine_info": {}}', "not written by this suite"),
        ('{"benchmarks": [], "suite": {"schema_version": 3}}', "update the suite"),
    ],
)
def test_a_baseline_that_cannot_be_read_stops_the_run_before_it_measures(
    with_baseline: Suite, tmp_path: Path, content: str, says: str
) -> None:
    (path,) = tmp_path.rglob("0001_baseline.json")
    path.write_text(content)
    ended = with_baseline("--benchmark-compare")
    assert ended.code == 4
    assert says in ended.output
    assert f"[1/{SMOKE_CELLS}]" not in ended.output
