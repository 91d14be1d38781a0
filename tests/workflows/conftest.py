from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fake_github import FakeGitHub, serving
from tests.workflows.runner import repository

EXPECTED = Path(__file__).parent / "expected"


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository that jobs check out; made once."""
    return repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture
def server() -> Iterator[FakeGitHub]:
    with serving(FakeGitHub()) as running:
        yield running


@pytest.fixture
def as_expected() -> Callable[[str, str], None]:
    """Compares a text with the stored one; `UPDATE_EXPECTED=1 pytest tests/workflows` stores what is written now."""

    def compare(name: str, text: str) -> None:
        if os.environ.get("UPDATE_EXPECTED"):
            (EXPECTED / name).write_text(text, encoding="utf-8")
        assert text == (EXPECTED / name).read_text(encoding="utf-8"), (
            "see UPDATE_EXPECTED in tests/workflows/conftest.py"
        )

    return compare
