"""Hands samples that were measured elsewhere to pytest-benchmark, exactly, through its documented interface."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


class ReplayTimer:
    """A timer for pytest-benchmark's `timer` marker: each round starts at 0 and ends at the next sample.

    A round then lasts the sample to the last bit, since 0 is subtracted from it.
    """

    __name__ = "ReplayTimer"

    def __init__(self) -> None:
        self._readings: Iterator[float] = iter(())

    def load(self, samples_s: Sequence[float]) -> None:
        """Set the seconds of the rounds to come."""
        self._readings = iter([reading for sample in samples_s for reading in (0.0, sample)])

    def __call__(self) -> float:
        """The next reading in seconds."""
        return next(self._readings)


def replay(benchmark: Any, timer: ReplayTimer, samples_s: Sequence[float]) -> None:
    """Make `samples_s` the rounds of a pytest-benchmark fixture whose marker carries `timer`."""
    timer.load(samples_s)
    benchmark.pedantic(lambda: None, rounds=len(samples_s))
