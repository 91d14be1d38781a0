"""What the other side is called: in verdicts, in comments on pull requests, and by commands to type."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.plugin.against import ROOT, Against


@pytest.mark.parametrize(
    ("python", "tree", "name"),
    [
        ("head/.venv-blog/bin/python", ROOT, ".venv-blog/bin/python"),
        ("base/.venv/bin/python", "base", "../base/.venv/bin/python in ../base"),
        ("head/.venv/bin/python", "head/my base", ".venv/bin/python in 'my base'"),
        ("head/.venv/bin/python", "head", ".venv/bin/python in ."),
    ],
)
def test_no_path_of_the_runner_is_in_the_name(
    python: str, tree: str | Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "head").mkdir()
    monkeypatch.chdir(tmp_path / "head")
    assert Against(tmp_path / python, tmp_path / tree).name == name
