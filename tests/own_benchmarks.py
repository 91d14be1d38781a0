"""Benchmarks as a user would write them beside the suite's own; run by tests/suite/test_second_model.py."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.cells import Cell
from fixtures.loading import ProvenModel


def test_one_call(model: ProvenModel, benchmark: Any) -> None:
    benchmark.pedantic(model.generate, rounds=2)


@pytest.mark.parametrize("short", [True])
def test_with_a_parameter(cell: Cell, model: ProvenModel, short: bool, benchmark: Any) -> None:
    assert model.job.cell == cell
    benchmark.pedantic(lambda: model.loaded.generate(short=short), rounds=2)


def test_that_measures_nothing(model: ProvenModel) -> None:
    assert model.generate().shape[0] == model.job.workload.batch
