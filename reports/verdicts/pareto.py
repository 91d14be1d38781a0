"""The Pareto front of two costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def front(items: Iterable[T], costs: Callable[[T], tuple[float, float]]) -> list[T]:
    """Those that no other beats, by the first cost: none is cheaper in one cost and no dearer in the other.

    Items with both costs equal stand or fall together.
    """
    found: list[T] = []
    for item in sorted(items, key=costs):
        if not found or costs(item)[1] < costs(found[-1])[1] or costs(item) == costs(found[-1]):
            found.append(item)
    return found
