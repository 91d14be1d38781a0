"""A pytest plugin that plants a regression: one more layer in each stage of the tiny checkpoint."""

from __future__ import annotations

from dataclasses import replace

from fixtures.models.bark.checkpoints import CHECKPOINTS


def pytest_configure() -> None:
    """Grow the architecture before anything is loaded."""
    tiny = CHECKPOINTS["tiny"]
    tiny.architecture = replace(tiny.architecture, layers=tiny.architecture.layers + 1)
