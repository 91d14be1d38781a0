"""A pytest plugin that runs each cell twice, as pytest-repeat and pytest-flakefinder do: by a parameter of its own."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def repetition(request: pytest.FixtureRequest) -> Any:
    """Which it is."""
    return request.param


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Number the repetitions of a test that measures a cell."""
    if "cell" in metafunc.fixturenames:
        metafunc.fixturenames.append("repetition")
        metafunc.parametrize("repetition", range(2), indirect=True, ids=["1-2", "2-2"])
