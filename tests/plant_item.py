"""A pytest plugin that plants a regression: one `.item()` in each decoding step of the coarse stage.

Of a value that is there already, so that nothing else is asked of the GPU than to wait for it.
"""

from __future__ import annotations

from typing import Any

from tests.planting import in_every_model


def plant(model: Any) -> None:
    """Ask for one number after each step."""
    import torch

    values: dict[Any, Any] = {}

    def ask(module: Any, inputs: Any, output: Any) -> None:
        # Where the weights are now: an offloaded model lies on the host until its first step.
        device = next(module.parameters()).device
        if device not in values:
            values[device] = torch.ones((), device=device)
        values[device].item()

    model.coarse_acoustics.register_forward_hook(ask)


def pytest_configure() -> None:
    """Plant it in every model that is loaded."""
    in_every_model(plant)
