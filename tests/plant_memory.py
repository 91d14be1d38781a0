"""A pytest plugin that plants a regression: 64 MiB held while Bark generates."""

from __future__ import annotations

from typing import Any


def pytest_configure() -> None:
    """Wrap `BarkModel.generate`."""
    import torch
    from transformers import BarkModel

    stock = BarkModel.generate

    def generate(self: Any, *args: Any, **kwargs: Any) -> Any:
        held = torch.ones(64 * 2**20, dtype=torch.uint8, device=self.device)
        audio = stock(self, *args, **kwargs)
        del held
        return audio

    BarkModel.generate = generate
