"""Every cell of the optimization matrix: measured, recorded, and judged when `--benchmark-compare` is given."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.plugin.pairs import measure_base
from benchmarks.plugin.recorder import replay
from benchmarks.plugin.session import end_if_broken
from benchmarks.plugin.suite import Suite
from fixtures.cells import Cell
from fixtures.errors import SuiteError
from fixtures.rounds import RoundPolicy


def test_generate(cell: Cell, benchmark: Any, bark_suite: Suite, request: pytest.FixtureRequest) -> None:
    """One generation a round; fails where the cell is not what it is named for, or got worse than its baseline."""
    if hasattr(request.config, "workerinput") and bark_suite.worker is None:
        pytest.fail("this worker has no GPU and no cores of its own: name benchmarks/ with -n", pytrace=False)
    problem = ""
    try:
        measurement = bark_suite.measure(cell, RoundPolicy(1, 1, 0.0) if benchmark.disabled else None)
        measurement = measurement if benchmark.disabled else bark_suite.confirm(measurement)
    except SuiteError as error:
        problem = str(error)
    except Exception:
        end_if_broken(bark_suite, request.session, cell.id)
        raise
    if problem:  # outside the handler: the error's frames hold the model
        pytest.fail(problem, pytrace=False)
    if benchmark.disabled:
        return
    marker = request.node.get_closest_marker("benchmark")
    replay(benchmark, marker.kwargs["timer"], measurement.samples_s)
    record = bark_suite.record(measurement)
    benchmark.extra_info.update(record)
    bark_suite.recorder.measured(cell.id, record)
    save_run = request.getfixturevalue("save_run")
    save_run()
    if bark_suite.base_side:
        benchmark.extra_info["against"] = {}  # filled as it is measured, so that an interrupted cell keeps what it has
        measure_base(bark_suite, cell.id, benchmark.extra_info["against"], save_run)
        save_run()
    # Not added: where a plugin runs a failed test again, the last run stands.
    request.node.user_properties[:] = bark_suite.properties(benchmark.extra_info)
    regression = measurement.problem or bark_suite.regression(benchmark.extra_info)
    if regression:
        pytest.fail(regression, pytrace=False)
