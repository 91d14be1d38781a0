"""`--shard K/N`: one plan over several hosts, and their run files joined."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.records import runfile
from tests.lanes import SMOKE_CELLS
from tests.suite.conftest import SMALLEST, Suite, runner


def test_the_shards_together_are_the_run_of_one_host(accepted: Path, tmp_path: Path) -> None:
    runs, files = [], []
    for number in (1, 2):
        suite = runner(tmp_path / str(number))
        ended = suite(f"--shard={number}/2", "--benchmark-compare", "--baseline-dir", str(accepted))
        assert ended.code == 0, ended.output
        assert f"shard {number}/2" in ended.output
        assert re.search(
            rf"shard {number}/2: \d+ of {SMOKE_CELLS} cells, [345]\d% of the time by the dur", ended.output
        )
        runs.append(ended.run)
        files.append(str(ended.folder / "latest" / "run.json"))
    one, two = runs
    assert not set(one.cells) & set(two.cells)
    assert len(one.cells) + len(two.cells) == SMOKE_CELLS
    (record,) = one.suite.shards
    assert (record.number, record.of, record.split) == (1, 2, two.suite.shards[0].split)
    for cell in two.cells:
        known = one.outcomes()[cell]
        assert (known.outcome, known.reason, known.shard) == ("not asked for", "shard 2/2 measures it", 2)
    assert main(["merge", *files, "--output", str(tmp_path / "run.json")]) == 0
    merged = runfile.read(tmp_path / "run.json")
    assert set(merged.cells) == {*one.cells, *two.cells}
    assert merged.suite.finished
    left = {outcome.reason for outcome in merged.suite.cells if outcome.outcome == "not asked for"}
    assert all(reason.startswith("level smoke measures tiny only") for reason in left)


def test_what_an_interrupted_run_left_is_measured_by_another_and_joined(
    accepted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = runner(tmp_path / "cut")(cells={SMALLEST: {"raise": "interrupt"}})
    assert cut.code == 2
    outcomes = cut.run.outcomes()
    left = [cell for cell, one in outcomes.items() if one.outcome == "not run"]
    assert SMALLEST in left
    assert len(left) + len(cut.run.cells) == SMOKE_CELLS, "what cannot run here was not left undone"
    assert {one.reason for one in outcomes.values() if "fp16" in one.cell and one.outcome == "skipped"}
    rest = runner(tmp_path / "rest")("-k", " or ".join(left))
    assert rest.code == 0, rest.output
    files = [str(ended.folder / "latest" / "run.json") for ended in (cut, rest)]
    assert main(["merge", *files, "--output", str(tmp_path / "run.json")]) == 0
    (baseline,) = accepted.rglob("*_baseline.json")
    assert main(["compare", str(baseline), str(tmp_path / "run.json")]) == 0
    assert "missing" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--shard=3/2"], "--shard=3/2: give K/N with K from 1 to N"),
        (["--shard=1/2", "--update-baselines"], "--shard with --update-baselines would change the baseline"),
        (["--shard=2/2", "-k", SMALLEST, "--benchmark-compare"], "nothing to measure: the selection leaves 1 cells"),
    ],
)
def test_a_shard_that_cannot_be_measured_is_one_usage_error(arguments: list[str], says: str, suite: Suite) -> None:
    ended = suite(*arguments)
    assert ended.code == 4
    assert ended.output.count("ERROR: ") == 1
    assert says in ended.output
    assert "FAILED" not in ended.output
    assert "Traceback" not in ended.output
    assert not (ended.folder / "latest" / "run.json").exists()


def test_a_selection_is_split_after_it_was_made_and_a_listing_says_how(suite: Suite) -> None:
    ended = suite(
        "--collect-only",
        "-q",
        "--shard=2/2",
        "-k",
        "tiny and resident and dynamic and fp32 and batch8 and sdpa or " + SMALLEST,
    )
    assert ended.code == 0
    assert "shard 2/2: 1 of 2 cells, 50% of the time with no baseline to know durations from; split " in ended.output
    assert ended.output.count("::test_generate[") == 1
