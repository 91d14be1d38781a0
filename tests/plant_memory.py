"""A pytest plugin that plants a regression: 64 MiB held while Bark generates."""

from __future__ import annotations

from typing import Any

from fixtures.models.bark.loading import LoadedBark


def pytest_configure() -> None:
    """Wrap the generation that every meter calls."""
    stock = LoadedBark.generate

    def generate(self: LoadedBark, *args: Any, **kwargs: Any) -> Any:
        import torch

        held = torch.ones(64 * 2**20, dtype=torch.uint8, device=self.device)
        audio = stock(self, *args, **kwargs)
        del held
        return audio

    LoadedBark.generate = generate  # type: ignore[method-assign]
