from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.plugin.recorder import Recorder, ReplayTimer, disturbed, replay


def test_a_quiet_run_says_nothing() -> None:
    assert disturbed({"a": {"rounds": {"sm_clock_mhz": [1980]}}, "b": {"rounds": {}}}) == []


def test_one_line_a_kind_says_how_many_of_which_cells_and_what_to_do() -> None:
    records: dict[str, Any] = {f"cell{n}": {"rounds": {"dropped": {"contended": 2}}} for n in range(5)}
    records["cell0"]["rounds"]["marked"] = {"contended": [0, 3, 4]}
    (line,) = disturbed(records)
    assert line.startswith("rounds marked contended: 3 of cell0 count all the same")
    assert "; 10 of cell0, cell1, cell2 and 2 more do not count and were measured again: " in line
    assert "CUDA_VISIBLE_DEVICES" in line


def test_a_round_with_two_marks_gets_both_remedies_each_once() -> None:
    marks = "hw_thermal_slowdown + sw_power_cap + sw_thermal_slowdown"
    (line,) = disturbed({"a": {"rounds": {"marked": {marks: [0]}}}})
    assert line.count("too hot") == line.count("power limit") == 1


def test_the_run_file_and_the_terminal_get_the_line_after_the_other_warnings(tmp_path: Any) -> None:
    recorder = Recorder(tmp_path / "run.json", "pr", "current", "nvidia-h200", warnings=["first"])
    recorder.measured("a", {"model": "bark", "rounds": {"marked": {"contended": [0]}}})
    first, second = recorder.all_warnings
    assert (first, second.partition(":")[0]) == ("first", "rounds marked contended")
    assert recorder.suite()["warnings"] == [first, second]


seconds = st.lists(st.floats(min_value=1e-9, max_value=1e6), min_size=1, max_size=30)


@given(seconds)
def test_the_timer_gives_each_sample_to_the_last_bit(samples: list[float]) -> None:
    timer = ReplayTimer()
    timer.load(samples)
    assert [-timer() + timer() for _ in samples] == samples


@pytest.mark.benchmark(timer=ReplayTimer())
def test_pytest_benchmark_stores_the_samples_exactly(benchmark: Any, request: pytest.FixtureRequest) -> None:
    marker = request.node.get_closest_marker("benchmark")
    assert marker
    samples = [0.1, 1 / 3, 2e-7, 12345.678901234567]
    replay(benchmark, marker.kwargs["timer"], samples)
    if benchmark.stats:  # None where benchmarks are disabled
        assert benchmark.stats.stats.data == samples
