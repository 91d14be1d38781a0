"""The options of a run: what is refused in one line, what is selected and listed, how it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lanes import ALL_CELLS, LANE, SMOKE_CELLS
from tests.suite.conftest import ROOT, SMALLEST, Suite


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--level=huge"], "unknown level 'huge'; choose from smoke, pr, nightly, study"),
        (["--level=pr"], "needs a CUDA GPU and none is visible: use --level=smoke"),
        (["--device=cuda"], "no CUDA GPU is visible"),
        (["--tokens=9999"], "1 to 768"),
        (["--benchmark-compare="], "--benchmark-compare= names no run"),
        (["--baseline-dir="], "--baseline-dir= names no folder"),
        (["--rounds=5001"], "--rounds 5001: 1 to 5,000 timed rounds a cell"),
        (["--rounds=3", "--budget=9"], "--rounds 3 with --budget 9"),
        (["--budget=-1"], "--budget -1"),
        (["--rerun-budget=-1"], "--rerun-budget -1.0: seconds a run, 0 for none"),
        (["--gpu-wait=nan"], "seconds to wait for a busy GPU, 0 to stop at once"),
        (["--checkpoint-source=floppy"], "invalid choice"),
        (["--baseline-reason=x"], "--baseline-reason says why --update-baselines: give both"),
        (["--report-dir=pyproject.toml/x/y"], "--report-dir=pyproject.toml/x/y: nothing can be written to "),
        (["--benchmark-json=nowhere/own.json"], "--benchmark-json=nowhere/own.json: that is a folder, or is in none"),
        (["--benchmark-compare=/nowhere/run.json"], "--benchmark-compare=/nowhere/run.json: there is no such file"),
        (["--update-baselines", "--benchmark-compare-fail=mean:1%"], "give both, or neither"),
        (["--benchmark-group-by=param:nothing"], "param:nothing: not every benchmark has that parameter; one has cell"),
        (["--benchmark-cprofile=tottime"], "--trace-dir=DIR writes a trace of each cell"),
        (["--checkpoint-source=synthetic", "--checkpoint-revision=x"], "--checkpoint-revision is of the real weights"),
        (["--trace-dir="], "--trace-dir= names no folder"),
        (["--trace-dir=/dev/null/traces"], "--trace-dir=/dev/null/traces: nothing can be written to /dev/null"),
        (["--trace"], "--trace is pytest's own option"),
    ],
)
def test_an_option_that_cannot_be_satisfied_is_a_usage_error_that_says_what_to_do(
    suite: Suite, arguments: list[str], says: str
) -> None:
    ended = suite(*arguments, environment={"CUDA_VISIBLE_DEVICES": ""})
    assert ended.code == 4
    assert says in ended.output
    assert "Traceback" not in ended.output
    assert "INTERNALERROR" not in ended.output
    assert not (ended.folder / "latest").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "pyproject.toml/cache (not in the cache): Not a directory; make it writable, or set BARK_"),
        (["--checkpoint-source=hub"], "there is no published tiny checkpoint; use --checkpoint-source=synthetic"),
    ],
)
def test_a_checkpoint_that_cannot_be_had_ends_the_run_once_before_its_first_cell(
    suite: Suite, tmp_path: Path, options: list[str], says: str
) -> None:
    earlier = tmp_path / "latest" / "run.json"
    earlier.parent.mkdir()
    earlier.write_text("an earlier run's")
    cache = str(ROOT / "pyproject.toml" / "cache")
    ended = suite("-k", "sdpa", *options, plugins=(), environment={"BARK_BENCHMARKS_CACHE": cache})
    assert ended.code == 4
    assert ended.output.count(says) == 1
    assert "Traceback" not in ended.output
    assert earlier.read_text() == "an earlier run's"


def test_the_level_s_cells_are_listed_and_what_does_not_run_has_a_reason(suite: Suite) -> None:
    ended = suite("--collect-only", "-q")
    assert ended.code == 0
    deselected = ALL_CELLS // 3 * 2
    assert ended.output.count("::test_generate[") == ALL_CELLS // 3
    assert f"{deselected} deselected" in ended.output
    skipped = ALL_CELLS // 3 - SMOKE_CELLS
    assert f"{ALL_CELLS} cells: {SMOKE_CELLS} run, {skipped} skipped, {deselected} deselected" in ended.output
    for reason in ("needs a GPU", "cuda_graph needs sdpa", "level smoke measures tiny only"):
        assert reason in ended.output
    other_lane = "bettertransformer needs optimum<2 and transformers<4.49: make bench LANE=blog"
    assert (other_lane in ended.output) is (LANE != "blog")


def test_a_gpu_level_can_be_listed_without_a_gpu_and_the_header_says_on_what(suite: Suite) -> None:
    ended = suite("--collect-only", "-q", "-v", "--level=nightly")
    assert ended.code == 0
    assert "level nightly measures small and large only" in ended.output
    assert f"bark: level nightly, lane {LANE}, no GPU" in ended.output


def test_markers_select_axis_values(suite: Suite) -> None:
    ended = suite("-m", "tiny and sdpa and not fp16 and batch8")
    assert ended.code == 0
    assert {cell.split("-")[2] for cell in ended.run.cells} == {"fp32", "bf16"}


def test_progress_names_the_cell_and_the_end_shows_both_tables_of_the_study(suite: Suite) -> None:
    output = suite("-k", "dynamic and fp32 and not bettertransformer").output
    assert "[1/4] tiny-eager-fp32-resident-dynamic-batch1" in output
    for shown in ("Absolute performance", "Relative performance", "tiny, batch 1, against no optimization"):
        assert shown in output
    assert "tiny, batch 8, against sdpa" in output


def test_the_suites_own_tests_need_none_of_it(suite: Suite) -> None:
    ended = suite("--collect-only", "-q", target="tests/reports/test_rules.py")
    assert ended.code == 0
    assert "cells:" not in ended.output


@pytest.mark.parametrize(
    ("options", "variables", "coloured"),
    [
        (["--color=yes"], {"TERM": "dumb"}, True),
        (["--color=no"], {"FORCE_COLOR": "1"}, False),
    ],
)
def test_tables_are_coloured_as_pytest_is(
    options: list[str], variables: dict[str, str], coloured: bool, suite: Suite
) -> None:
    ended = suite("-k", SMALLEST, *options, environment=variables)
    assert ("\x1b[1mAbsolute performance" in ended.output) is coloured
    assert ("\x1b" in ended.output) is coloured
