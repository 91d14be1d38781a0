"""How work that takes long tells how far it has come, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Track: TypeAlias = Callable[[int, int, str], None]
"""Called with how much is done, of how much in all, and what comes next."""


def untracked(done: int, total: int, what: str) -> None:
    """Nobody listens."""
