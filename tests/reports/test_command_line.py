from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.commands.shared import PASSED, REGRESSED, USAGE
from reports.records import runfile
from reports.records.schema import RunFile
from tests.builders import FUSED, PLAIN, cell_document, run_of

STUDY_CELL = "large-sdpa-fp32-resident-dynamic-batch8"
ROOT = Path(__file__).resolve().parents[2]


def saved(path: Path, run: RunFile) -> str:
    runfile.write(path, run)
    return str(path)


@pytest.fixture
def base(tmp_path: Path) -> str:
    return saved(tmp_path / "base.json", run_of())


@pytest.fixture
def worse(tmp_path: Path) -> str:
    return saved(tmp_path / "head.json", run_of(PLAIN, cell_document(FUSED, {"peak_allocated": 2e9})))


def test_compare_passes_on_the_same_run(base: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", base, base]) == PASSED
    assert "passed: no regression" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["terminal", "markdown", "json"])
def test_compare_fails_on_a_regression_in_every_format(
    base: str, worse: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", base, worse, "--format", kind]) == REGRESSED
    assert "peak" in capsys.readouterr().out


def test_compare_as_json_can_be_read_by_programs(base: str, worse: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["compare", base, worse, "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert found["failed"] is True
    assert [v["metric"] for v in found["verdicts"] if v["status"] == "worse"] == ["peak_allocated"]


def test_a_file_that_cannot_be_read_is_one_line_on_standard_error(
    base: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(tmp_path / "absent.json"), base]) == USAGE
    assert capsys.readouterr().err.count("\n") == 1


def test_accept_prints_what_changed(base: str, worse: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accept", base, "--baseline-dir", str(tmp_path / "b")]) == PASSED
    capsys.readouterr()
    assert main(["accept", worse, "--baseline-dir", str(tmp_path / "b"), "-k", "fp16"]) == PASSED
    printed = capsys.readouterr().out
    assert f"replaced {FUSED} (2 timed rounds): worse peak_allocated 1,000.0 MB -> 2,000.0 MB (+100.00%)" in printed
    assert PLAIN not in printed


@pytest.mark.parametrize(("pattern", "cells"), [("*-fp16-*-batch1", {FUSED}), ("sdpa", {FUSED}), ("", {PLAIN, FUSED})])
def test_accept_takes_cells_by_a_pattern_or_a_part_of_their_name(
    base: str, tmp_path: Path, pattern: str, cells: set[str]
) -> None:
    assert main(["accept", base, "--baseline-dir", str(tmp_path), "-k", pattern, "--reason", "first light"]) == PASSED
    (path,) = tmp_path.rglob("0001_baseline.json")
    stored = runfile.read(path)
    assert set(stored.cells) == cells
    assert [(entry.reason, entry.cells) for entry in stored.suite.accepted] == [("first light", len(cells))]


def test_merge_writes_one_run_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = [saved(tmp_path / f"{i}.json", run_of(cell)) for i, cell in enumerate((PLAIN, FUSED))]
    assert main(["merge", *parts, "--output", str(tmp_path / "all.json")]) == PASSED
    assert set(runfile.read(tmp_path / "all.json").cells) == {PLAIN, FUSED}
    assert "2 measured of 2 cells" in capsys.readouterr().out


def test_render_writes_the_report(base: str, worse: str, tmp_path: Path) -> None:
    assert main(["render", worse, "--output", str(tmp_path / "out"), "--baseline", base]) == PASSED
    assert "peak\\_allocated worse" in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.parametrize("options", [[], ["--format", "terminal"], ["--format", "markdown"]])
def test_study_prints_the_tables_the_bounds_and_the_missing_cells_in_every_format(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = saved(tmp_path / "run.json", run_of(STUDY_CELL))
    assert main(["study", run, *options]) == PASSED
    printed = capsys.readouterr().out
    assert printed.count("large, batch 8: ") == 2
    assert "Peak memory within 7 % of the published: none; outside: batch 8 sdpa (-88.0 %)" in printed
    assert printed.splitlines()[-1].endswith("large-sdpa-fp16-cpu_offload-dynamic-batch8'")


def test_study_fills_the_block_of_a_file_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, page = saved(tmp_path / "run.json", run_of(STUDY_CELL)), tmp_path / "page.md"
    page.write_text("before\n<!-- study:begin -->\nno run accepted yet\n<!-- study:end -->\nafter\n")
    assert main(["study", run, "--into", str(page)]) == PASSED
    assert f"wrote the table into {page}" in capsys.readouterr().out
    written = page.read_text()
    assert "| 8 | sdpa | 2.000 s | 19.26 s | 0 % | 0 % | 1,000.0 MB | 8,329.2 MB | -88.0 % |" in written
    assert written.count("| --- |") == 1
    assert "no run accepted yet" not in written
    assert main(["study", run, "--into", str(page)]) == PASSED
    assert f"{page} holds this table already" in capsys.readouterr().out
    assert page.read_text() == written


def test_study_without_any_of_its_rows_or_without_markers_is_one_line_on_standard_error(
    base: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = saved(tmp_path / "tiny.json", run_of("tiny-eager-fp32-resident-dynamic-batch1"))
    page = tmp_path / "page.md"
    page.write_text("no markers\n")
    run = saved(tmp_path / "run.json", run_of(STUDY_CELL))
    for arguments in ([tiny], [base, "--into", str(page)], [run, "--into", str(page)]):
        assert main(["study", *arguments]) == USAGE
        ended = capsys.readouterr()
        assert (ended.out, ended.err.count("\n")) == ("", 1)
    assert page.read_text() == "no markers\n"


def test_the_command_line_needs_neither_torch_nor_transformers(base: str, worse: str) -> None:
    code = (
        "import sys; from reports.__main__ import main; status = main(sys.argv[1:]);"
        "heavy = {'torch', 'transformers', 'numpy', 'pytest'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "compare", base, worse], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == REGRESSED, ended.stderr
