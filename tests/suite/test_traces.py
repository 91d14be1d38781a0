"""--trace-dir: a file for each cell; what is refused is in test_options.py."""

from __future__ import annotations

from pathlib import Path

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
