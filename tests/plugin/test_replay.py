from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.plugin.recorder import ReplayTimer, replay

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
