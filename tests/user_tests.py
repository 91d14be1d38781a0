"""A user's own tests in a session with the suite's; run by tests/suite/test_options.py."""

from __future__ import annotations

import pytest


@pytest.fixture
def cell() -> str:
    """Of a spreadsheet."""
    return "B7"


def test_own_fixture(cell: str) -> None:
    assert cell == "B7"


@pytest.mark.parametrize("cell", [1, 2])
def test_own_parameters(cell: int) -> None:
    assert cell in (1, 2)
