"""A pytest plugin that plants a regression: one more layer in each stage of the tiny checkpoint."""

from __future__ import annotations

from dataclasses import replace

from fixtures.models.bark.shapes import ARCHITECTURES


def pytest_configure() -> None:
    """Grow the architecture before anything is loaded."""
    ARCHITECTURES["tiny"] = replace(ARCHITECTURES["tiny"], layers=ARCHITECTURES["tiny"].layers + 1)
