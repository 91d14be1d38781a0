"""A pytest plugin that plants a regression: one more elementwise operator after each layer of the coarse stage."""

from __future__ import annotations

from typing import Any

from tests.planting import in_every_model


def _one_more(module: Any, inputs: Any, output: Any) -> None:
    first = output[0] if isinstance(output, tuple) else output
    first.neg()


def plant(model: Any) -> None:
    """Hook the layers of the coarse stage."""
    for layer in model.coarse_acoustics.layers:
        layer.register_forward_hook(_one_more)


def pytest_configure() -> None:
    """Plant it in every model that is loaded."""
    in_every_model(plant)
