"""What several tests of histories need."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.records import cache, condense


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
