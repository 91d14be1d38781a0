"""--trace-dir: a file for each cell, refused before anything is measured where there can be none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.suite.conftest import OTHER, SMALLEST, Suite

PART = ("-k", "dynamic and batch1 and fp32 and not bettertransformer")


def test_the_end_names_the_traces_and_one_that_cannot_be_written_leaves_its_cell_measured(
    suite: Suite, tmp_path: Path
) -> None:
    folder = tmp_path / "traces"
    (folder / f"{OTHER}.json.gz" / "in the way").mkdir(parents=True)
    ended = suite(*PART, "--trace-dir", str(folder))
    assert ended.code == 0
    assert set(ended.run.cells) == {SMALLEST, OTHER}
    assert f"warning: {OTHER} is measured but has no trace: cannot write {folder / OTHER}.json.gz" in ended.output
    assert any(f"{OTHER} is measured" in line for line in ended.run.suite.warnings)
    assert f"{folder / SMALLEST}.json.gz (" in ended.output
    assert {path.name for path in folder.iterdir()} == {f"{OTHER}.json.gz", f"{SMALLEST}.json.gz"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--trace-dir="], "--trace-dir= names no folder"),
        (["--trace-dir=/dev/null/traces"], "--trace-dir=/dev/null/traces: nothing can be written to /dev/null"),
        (["--trace"], "--trace is pytest's own option"),
    ],
)
def test_a_trace_that_cannot_be_had_is_a_usage_error(suite: Suite, arguments: list[str], says: str) -> None:
    ended = suite(*arguments)
    assert ended.code == 4
    assert says in ended.output
    assert "Traceback" not in ended.output
    assert not (ended.folder / "latest").exists()
