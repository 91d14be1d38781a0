from __future__ import annotations

from pathlib import Path

import pytest

from reports.errors import ReportError
from reports.verdicts.thresholds import overrides


def written(folder: Path, body: str) -> Path:
    path = folder / "pyproject.toml"
    path.write_text(f"[tool.bark-benchmarks.thresholds]\n{body}\n")
    return path


def test_a_metric_can_get_its_own_threshold(tmp_path: Path) -> None:
    assert overrides(written(tmp_path, "peak_allocated = 0.01")) == {"peak_allocated": 0.01}


def test_no_file_and_no_section_override_nothing(tmp_path: Path) -> None:
    assert overrides(tmp_path / "absent.toml") == {}
    (tmp_path / "empty.toml").write_text("")
    assert overrides(tmp_path / "empty.toml") == {}


def test_a_section_that_is_no_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("tool.bark-benchmarks = 3")
    with pytest.raises(ReportError, match="is not a table"):
        overrides(path)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("speed = 0.1", "unknown metric 'speed'; choose from latency"),
        ("latency = -0.1", "is not a relative change"),
        ('latency = "5%"', "is not a relative change"),
        ("latency = nan", "is not a relative change"),
        ("latency = true", "is not a relative change"),
        ("latency = ", "cannot read thresholds"),
    ],
)
def test_a_threshold_that_cannot_be_meant_is_refused(tmp_path: Path, body: str, says: str) -> None:
    with pytest.raises(ReportError, match=says):
        overrides(written(tmp_path, body))
