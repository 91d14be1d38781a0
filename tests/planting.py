"""How a pytest plugin plants something in every model that the suite loads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fixtures.models.bark import loading as bark


def in_every_model(plant: Callable[[Any], None]) -> None:
    """From here on, each loaded Bark model is given to `plant`, the unoptimized reference included."""
    stock: Callable[..., Any] = bark.load

    def load(*args: Any, **kwargs: Any) -> Any:
        ready = stock(*args, **kwargs)
        plant(ready.model)
        return ready

    bark.load = load
