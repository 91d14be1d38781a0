"""What differs between the lanes that the tests run in."""

from __future__ import annotations

from fixtures.machine.gpus import this_machine
from fixtures.models import Matrix, models

MATRIX = Matrix(models())

ALL_CELLS = len(list(MATRIX))

LANE = this_machine("cpu").lane
"""The lane of the environment that runs the tests."""

SMOKE_CELLS = {"current": 18, "blog": 24}[LANE]
"""Cells that the smoke level runs without a GPU: two or three kinds of attention, and one with a
static cache as well, in three precisions and two batches."""
