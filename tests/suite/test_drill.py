"""--drill: the alarm rings, the run says what it was, and nothing is ever compared with it.

That a drill is seen by the meter it is for, exactly, is in tests/fixtures/test_planting.py; that no command keeps or
compares its run file is with each command's own tests.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.__main__ import main
from tests.suite.conftest import SMALLEST, Suite

ONE_CELL = ("-k", "dynamic and sdpa and batch1 and fp32")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--drill=speed=+5%"], "possible are latency=+5%"),
        (["--drill=gpu=+1%"], "--drill=gpu=+1% needs a CUDA GPU and none is used"),
        (["--drill=tokens=-1", "--update-baselines=new"], "a drill is never a baseline"),
        (["--drill=tokens=-1", "--benchmark-save=x"], "stores planted work where later runs are compared with it"),
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


def test_a_drill_is_marked_wherever_it_is_shown_and_its_alarm_never_advises_to_accept(
    with_baseline: Suite, capsys: pytest.CaptureFixture[str]
) -> None:
    worse = {SMALLEST: {"weights": 99e6}}
    ended = with_baseline("--drill=memory=+64MiB", "--benchmark-compare", *ONE_CELL, cells=worse)
    assert ended.code == 1
    assert "no GPU, DRILL memory=+64MiB, against" in ended.output
    assert f"{SMALLEST}: weights worse" in ended.output
    assert "this was a drill: memory=+64MiB was planted in every cell, so the run can never be accepted" in ended.output
    assert ended.run.suite.drill == "memory=+64MiB"
    report = (ended.folder / "latest" / "report.md").read_text()
    assert "**DRILL memory=+64MiB**" in report
    (baseline,) = ended.folder.rglob("0001_baseline.json")
    assert main(["compare", str(baseline), str(ended.folder / "latest" / "run.json")]) == 1
    for said in (ended.output, capsys.readouterr().out, report):
        assert "reports accept" not in said


def test_a_drill_that_was_saved_by_hand_is_no_baseline_of_a_run(suite: Suite, tmp_path: Path) -> None:
    saved = suite("--drill=memory=+64MiB", *ONE_CELL).folder / "latest" / "run.json"
    storage = tmp_path / "own"
    storage.mkdir()
    saved.rename(storage / "0001_drill.json")
    ended = suite(*ONE_CELL, "--benchmark-compare", f"--benchmark-storage=file://{storage}")
    assert ended.code == 4
    assert "0001_drill.json is a drill" in ended.output
