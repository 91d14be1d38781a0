"""A pytest plugin that plants a regression in Python alone: calls of functions in each semantic decoding step.

A wait that calls nothing is `--drill latency=+5%`.
"""

from __future__ import annotations

from typing import Any

from tests.planting import in_every_model

CALLS = 50
"""Functions called in a step, at least: torch's own call of the hook comes on top."""


def _nothing() -> None:
    pass


def _busy(module: Any, inputs: Any) -> None:
    for _ in range(CALLS):
        _nothing()


def plant(model: Any) -> None:
    """Work before each step."""
    model.semantic.register_forward_pre_hook(_busy)


def pytest_configure() -> None:
    """Plant it in every model that is loaded."""
    in_every_model(plant)
