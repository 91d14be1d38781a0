"""Benchmarks as a user would write them beside the suite's own; run by tests/suite/test_second_model.py."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from fixtures.cells import Cell
from fixtures.loading import ProvenModel


def test_short_text(model: ProvenModel, benchmark: BenchmarkFixture) -> None:
    benchmark.pedantic(model.generate, kwargs={"short": True}, rounds=5)


@pytest.mark.parametrize("short", [True])
def test_with_a_parameter(cell: Cell, model: ProvenModel, short: bool, benchmark: BenchmarkFixture) -> None:
    assert model.job.cell == cell
    benchmark.pedantic(lambda: model.generate(short), rounds=2)


def test_that_measures_nothing(model: ProvenModel) -> None:
    assert model.generate().shape[0] == model.job.workload.batch
