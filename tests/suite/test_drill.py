"""--drill: the alarm rings, the run says what it was, and nothing is ever compared with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.suite.conftest import ROOT, SMALLEST, Suite

PART = ("-k", "dynamic and sdpa and batch1 and fp32")
REAL = (*PART, "--rounds=2", "--checkpoint-source=synthetic")


def reports(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reports", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--drill=speed=+5%"], "possible are latency=+5%"),
        (["--drill="], "possible are latency=+5%"),
        (["--drill=memory=+64"], "possible is memory=+64MiB"),
        (["--drill=launches=+0"], "is out of range: possible is launches=+100"),
        (["--drill=gpu=+1%"], "--drill=gpu=+1% needs a CUDA GPU and none is used"),
        (["--drill=tokens=-1", "--update-baselines"], "a drill is never a baseline"),
        (["--drill=tokens=-1", "--update-baselines=new"], "a drill is never a baseline"),
        (["--drill=tokens=-1", "--benchmark-save=x"], "stores planted work where later runs are compared with it"),
        (["--drill=tokens=-1", "--benchmark-autosave"], "stores planted work where later runs are compared with it"),
    ],
)
def test_a_drill_that_cannot_be_held_is_a_usage_error(suite: Suite, arguments: list[str], says: str) -> None:
    ended = suite(*arguments)
    assert ended.code == 4
    assert says in ended.output
    assert "Traceback" not in ended.output


def test_the_options_help_names_every_kind(suite: Suite) -> None:
    output = " ".join(suite("--help").output.split())
    assert "latency=+5%, memory=+64MiB, launches=+100, tokens=-1, gpu=+1%" in output


def test_a_drill_is_marked_where_it_begins_where_it_ends_and_in_its_files(with_baseline: Suite) -> None:
    ended = with_baseline("--drill=latency=+5%", "--benchmark-compare", *PART)
    assert "no GPU, DRILL latency=+5%, against" in ended.output
    assert "this was a drill: latency=+5% was planted in every cell, so the run can never be accepted" in ended.output
    assert ended.run.suite.drill == "latency=+5%"
    assert "**DRILL latency=+5%**" in (ended.folder / "latest" / "report.md").read_text()


def test_a_drill_that_is_compared_with_nothing_says_how_to_hear_the_alarm(suite: Suite) -> None:
    ended = suite("--drill=latency=+5%", *PART)
    assert ended.code == 0
    assert "add --benchmark-compare to hear the alarm" in ended.output


def test_an_alarm_in_a_drill_is_never_followed_by_advice_to_accept(with_baseline: Suite) -> None:
    worse = {SMALLEST: {"weights": 99e6}}
    ended = with_baseline("--drill=memory=+64MiB", "--benchmark-compare", *PART, cells=worse)
    assert ended.code == 1
    assert f"{SMALLEST}: weights worse" in ended.output
    path = ended.folder / "latest" / "run.json"
    again = reports("compare", next(ended.folder.rglob("0001_baseline.json")), path)
    assert again.returncode == 1
    for said in (ended.output, again.stdout, (ended.folder / "latest" / "report.md").read_text()):
        assert "reports accept" not in said


def test_the_run_file_of_a_drill_is_refused_by_whatever_keeps_or_compares(suite: Suite) -> None:
    run = suite("--drill=memory=+64MiB", *PART).folder / "latest" / "run.json"
    for arguments in (
        ("accept", run, "--baseline-dir", run.parent),
        ("compare", run, run),
        ("calibrate", run),
        ("trend", run),
    ):
        ended = reports(*arguments)
        assert ended.returncode == 2, arguments
        assert "is a drill: memory=+64MiB was planted" in ended.stderr
    assert not list(run.parent.rglob("0001_baseline.json"))


def test_a_drill_that_was_saved_by_hand_is_no_baseline_of_a_run(suite: Suite, tmp_path: Path) -> None:
    saved = suite("--drill=memory=+64MiB", *PART).folder / "latest" / "run.json"
    storage = tmp_path / "own"
    storage.mkdir()
    saved.rename(storage / "0001_drill.json")
    ended = suite(*PART, "--benchmark-compare", f"--benchmark-storage=file://{storage}")
    assert ended.code == 4
    assert "0001_drill.json is a drill" in ended.output


def test_alarms_ring_in_a_real_run_and_are_silent_without_a_drill(suite: Suite) -> None:
    assert suite(*REAL, "--update-baselines", plugins=()).code == 0
    assert suite(*REAL, "--benchmark-compare", plugins=()).code == 0

    memory = suite(*REAL, "--benchmark-compare", "--drill=memory=+64MiB", plugins=())
    assert memory.code == 1
    assert f"{SMALLEST}: peak_allocated worse: 59.7 MB -> 126.8 MB" in memory.output
    assert "aten_calls worse" not in memory.output

    launches = suite(*REAL, "--benchmark-compare", "--drill=launches=+100", plugins=())
    assert launches.code == 1
    assert f"{SMALLEST}: aten_calls worse" in launches.output
    assert "peak_allocated worse" not in launches.output

    tokens = suite(*REAL, "--drill=tokens=-1", plugins=())
    assert tokens.code == 1
    assert f"{SMALLEST}: a sample came to Tokens(semantic=15" in tokens.output
    outcome = tokens.run.outcomes()[SMALLEST]
    assert (outcome.outcome, tokens.run.suite.drill) == ("failed", "tokens=-1")
