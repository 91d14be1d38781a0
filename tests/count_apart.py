"""A pytest plugin: cells are counted in a process of their own, as on a GPU, though they are measured on the CPU."""

from __future__ import annotations

from benchmarks.harness import counting


def pytest_configure() -> None:
    """Say so of any device."""
    counting.apart = lambda device: True
