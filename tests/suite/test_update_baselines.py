"""--update-baselines: what becomes the baseline, and what never does."""

from __future__ import annotations

import shlex
from pathlib import Path

from reports.__main__ import main
from reports.commands.shared import PASSED
from reports.records import runfile
from reports.records.schema import RunFile
from tests.lanes import SMOKE_CELLS
from tests.suite.conftest import OTHER, SMALLEST, Suite

PART = ("-k", "dynamic and batch1 and fp32 and not bettertransformer")


def baseline(folder: Path) -> RunFile:
    return runfile.read(next(folder.rglob("0001_baseline.json")))


def test_the_first_update_adds_every_measured_cell_and_keeps_its_reason(suite: Suite) -> None:
    ended = suite("--update-baselines", "--baseline-reason=the first run of this machine", *PART)
    assert ended.code == 0
    assert set(baseline(ended.folder).cells) == {OTHER, SMALLEST}
    assert f"added {SMALLEST}" in ended.output
    assert [entry.reason for entry in baseline(ended.folder).suite.accepted] == ["the first run of this machine"]


def test_an_update_prints_what_changed_and_keeps_the_rest(with_baseline: Suite) -> None:
    ended = with_baseline("--update-baselines", *PART, cells={SMALLEST: {"peak_allocated": 70_000_000}})
    assert ended.code == 0
    assert f"replaced {SMALLEST} (5 timed rounds): worse peak_allocated 60.0 MB -> 70.0 MB (+16.67%)" in ended.output
    assert len(baseline(ended.folder).cells) == SMOKE_CELLS
    assert with_baseline("--benchmark-compare", *PART, cells={SMALLEST: {"peak_allocated": 70_000_000}}).code == 0


def test_new_only_adds_and_can_judge_in_the_same_run(suite: Suite) -> None:
    suite("--update-baselines", "-k", "dynamic and batch1 and fp32 and eager")
    ended = suite("--update-baselines=new", "--benchmark-compare", *PART, cells={OTHER: {"latency": 0.130}})
    assert ended.code == 0
    assert f"added {SMALLEST}" in ended.output
    assert baseline(ended.folder).cells[OTHER].metrics["latency"].value == 0.125


def test_accepting_everything_while_judging_is_refused(suite: Suite) -> None:
    ended = suite("--update-baselines", "--benchmark-compare")
    assert ended.code == 4
    assert "--update-baselines=new" in ended.output


def test_other_work_than_the_levels_cannot_become_its_baseline(suite: Suite) -> None:
    ended = suite("--update-baselines", "--tokens=8")
    assert ended.code == 4
    assert "leave --tokens out" in ended.output


def test_a_failed_cell_leaves_its_baseline_as_it_was(with_baseline: Suite) -> None:
    ended = with_baseline("--update-baselines", *PART, cells={SMALLEST: {"raise": "suite"}})
    assert ended.code == 1
    assert SMALLEST in baseline(ended.folder).cells


def test_an_interrupted_run_updates_nothing(suite: Suite) -> None:
    ended = suite("--update-baselines", *PART, cells={SMALLEST: {"raise": "interrupt"}})
    assert ended.code == 2
    assert "no baseline changed" in ended.output
    assert not list(ended.folder.rglob("0001_baseline.json"))


def test_a_run_that_only_gained_passes_and_says_how_to_accept_it(with_baseline: Suite) -> None:
    ended = with_baseline("--benchmark-compare", *PART, cells={SMALLEST: {"peak_allocated": 50_000_000}})
    assert ended.code == 0
    assert f"{SMALLEST}: peak_allocated better" in ended.output
    run = ended.folder / "latest" / "run.json"
    (line,) = [line for line in ended.output.splitlines() if line.startswith("  python -m reports accept ")]
    typed = shlex.split(line.partition("   (make this run the baseline")[0])
    assert typed[3:] == ["accept", str(run), f"--baseline-dir={ended.folder / 'baselines'}"]
    assert main(typed[3:]) == PASSED
    assert baseline(ended.folder).cells[SMALLEST].metrics["peak_allocated"].value == 50_000_000


def test_a_run_whose_cells_break_an_invariant_fails_without_any_baseline_and_updates_none(suite: Suite) -> None:
    half = SMALLEST.replace("fp32", "fp16")
    part = ("-k", "dynamic and sdpa and batch1 and (fp32 or fp16)")
    ended = suite("--update-baselines", *part, cells={half: {"peak_allocated": 60_000_000}})
    assert ended.code == 1
    assert f"FAILED: {half}: peak_allocated failed: 60.0 MB -> 60.0 MB, invariant broken" in ended.output
    assert f"FAILED: the baseline was not updated: {half} cannot become a baseline" in ended.output
    assert not list(ended.folder.rglob("0001_baseline.json"))
