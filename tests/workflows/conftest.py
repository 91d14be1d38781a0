from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workflows import gh
from tests.workflows.gh import Repository
from tests.workflows.runner import repository

EXPECTED = Path(__file__).parent / "expected"
CURL = """#!/bin/sh
cat >> "$SENT"
printf '%s\\n' "$*" >> "$SENT"
exit "${CURL_FAILS:-0}"
"""


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository that jobs check out; made once."""
    return repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture
def github(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The repository on GitHub that `gh` asks."""
    if shutil.which("jq") is None:
        pytest.skip("needs jq, which GitHub's runners have")
    return Repository(tmp_path_factory.mktemp("github") / "state.json")


@pytest.fixture
def machine(github: Repository, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a machine of GitHub's: `gh` is there; `curl` notes in $SENT what it was given."""
    folder = tmp_path_factory.mktemp("bin")
    for name, script in (("gh", f'#!/bin/sh\nexec "{sys.executable}" "{gh.__file__}" "$@"\n'), ("curl", CURL)):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, gh.STATE: str(github.path), "SENT": str(folder / "sent.txt")}


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
