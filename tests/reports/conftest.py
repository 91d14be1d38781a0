"""What several tests of histories and of bisections need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reports.bisect import lanes, selection
from reports.bisect.bisection import question
from reports.bisect.state import Question
from reports.records import cache, condense
from tests.bisecting import BAD, GOOD, Select


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every folder is worth a cache, and it lies here."""
    monkeypatch.setenv("BARK_BENCHMARKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "WORTH_KEEPING_BYTES", 0)
    return tmp_path / "cache" / "history"


@pytest.fixture
def read_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that were really read, not taken from the cache."""
    names: list[str] = []
    original = condense.line_of

    def line_of(path: Path) -> str:
        names.append(path.name)
        return original(path)

    monkeypatch.setattr(condense, "line_of", line_of)
    return names


@pytest.fixture
def asked(tmp_path: Path) -> Question:
    for name, lane in (("good", GOOD), ("bad", BAD)):
        (tmp_path / f"{name}.txt").write_text("# a lane\n" + lanes.text(lane))
    return question(tmp_path / "good.txt", tmp_path / "bad.txt", "step_latency", ["-k", "sdpa"])


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Says how many cells are selected, which pytest takes seconds to list (tests/suite/test_bisect.py)."""

    def select(number: int | None) -> None:
        monkeypatch.setattr(selection, "selected", lambda arguments: number)

    select(1)
    return select


@pytest.fixture
def planned(asked: Question, cells: Select, tmp_path: Path) -> list[str]:
    lane_files = ["--good", str(tmp_path / "good.txt"), "--bad", str(tmp_path / "bad.txt")]
    return ["bisect", *lane_files, "-k", "sdpa", "--work", str(tmp_path / "work"), "--dry-run"]
