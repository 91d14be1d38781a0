"""Shards of one plan, joined: what has to agree, what is missing, what is kept of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.commands.shared import PASSED, USAGE
from reports.errors import ReportError
from reports.records import audio, baselines, runfile
from reports.records.merge import merge, missing
from reports.records.schema import AudioRecord, RunFile
from reports.render import alerts
from reports.verdicts.compare import compare
from reports.verdicts.rules import Status
from tests.builders import FUSED, PLAIN, cell_document, run_document

THIRD = "small-sdpa-bf16-resident-dynamic-batch1"
HELD = {PLAIN: 1, FUSED: 2, THIRD: 3}


def shard(
    number: int, of: int = 3, split: str = "5p11t", cells: tuple[str, ...] | None = None, **options: Any
) -> RunFile:
    """The run file of one shard of three cells, one each."""
    own = tuple(cell for cell, holder in HELD.items() if holder == number) if cells is None else cells
    document = run_document(own, shards=[{"number": number, "of": of, "split": split}], **options)
    document["suite"]["cells"] += [
        {"cell": cell, "outcome": "not asked for", "reason": f"shard {holder}/{of} measures it", "shard": holder}
        for cell, holder in HELD.items()
        if cell not in own and cell not in options.get("outcomes", {})
    ]
    return runfile.parse(document, f"shard {number}")


def parts(*numbers: int) -> list[tuple[str, RunFile]]:
    return [(f"run-{number}", shard(number)) for number in numbers]


def test_workers_of_one_shard_keep_it_and_what_other_shards_measure() -> None:
    idle = shard(1, outcomes={PLAIN: ("not run", "")}, cells=())
    merged = merge([("gw0", idle), ("gw1", shard(1))], one_run=True)
    assert [part.number for part in merged.suite.shards] == [1]
    assert merged.outcomes()[PLAIN].outcome == "measured"
    assert (merged.outcomes()[FUSED].outcome, merged.outcomes()[FUSED].shard) == ("not asked for", 2)
    assert merged.suite.finished
    assert not any(warning.startswith("shard") for warning in merged.suite.warnings)


def test_all_shards_together_are_the_run_as_if_one_host_had_measured_it() -> None:
    merged = merge(parts(2, 3, 1))
    assert {cell: outcome.outcome for cell, outcome in merged.outcomes().items()} == dict.fromkeys(HELD, "measured")
    assert merged.suite.finished
    assert [part.number for part in merged.suite.shards] == [1, 2, 3]
    assert missing(merged) == []


def test_a_shard_alone_fails_none_of_the_others_cells() -> None:
    base = runfile.parse(run_document(HELD), "base")
    alone = compare(base, shard(1), baseline="base")
    assert not alone.failed
    assert {verdict.cell for verdict in alone.verdicts} == {PLAIN}


def test_a_lost_shard_is_refused_with_its_cells() -> None:
    with pytest.raises(ReportError) as refused:
        merge(parts(1))
    assert str(refused.value) == (
        f"cells are missing: shard 2/3 would hold {FUSED}; shard 3/3 would hold {THIRD}; add the run file, or give "
        "--allow-missing to go on without"
    )


def test_a_lost_shard_that_is_allowed_fails_the_comparison_as_missing() -> None:
    merged = merge(parts(1, 3), allow_missing=True)
    assert not merged.suite.finished
    assert missing(merged) == [f"shard 2/3 would hold {FUSED}"]
    verdicts = compare(runfile.parse(run_document(HELD), "base"), merged, baseline="base").failures
    assert [(verdict.cell, verdict.status) for verdict in verdicts] == [(FUSED, Status.MISSING)]
    assert verdicts[0].reason.endswith("it was not run: shard 2/3 was not merged")


def test_cells_of_a_lost_shard_are_missing_though_the_baseline_never_held_them() -> None:
    merged = merge(parts(1, 3), allow_missing=True)
    comparison = compare(runfile.parse(run_document([PLAIN, THIRD]), "base"), merged, baseline="base")
    assert [(verdict.cell, verdict.status, verdict.reason) for verdict in comparison.failures] == [
        (FUSED, Status.MISSING, "it was not run: shard 2/3 was not merged")
    ]


def test_cells_that_a_shard_did_not_come_to_are_missing_though_the_baseline_never_held_them() -> None:
    cut = shard(1, outcomes={FUSED: ("not run", "")}, finished=False)
    comparison = compare(runfile.parse(run_document([PLAIN]), "base"), cut, baseline="base")
    assert [(verdict.cell, verdict.reason) for verdict in comparison.failures] == [
        (FUSED, "it was not run: the run ended before")
    ]


def test_an_alert_says_which_shards_left_nothing() -> None:
    base = runfile.parse(run_document(HELD), "base")
    merged = merge(parts(2), allow_missing=True)
    alert = alerts.alert(base, merged, compare(base, merged, baseline="base"), reviewed=False)
    assert alert.notes == (
        "Shard 1 of 3 left no run file: 1 cell lost.",
        "Shard 3 of 3 left no run file: 1 cell lost.",
    )
    assert alert.title == "Bark benchmarks: 2 missing in 2 cells (nvidia-h200, current lane, pr)"


def test_a_shard_that_comes_late_is_merged_into_what_there_is() -> None:
    early = merge(parts(1, 3), allow_missing=True)
    merged = merge([("early", early), *parts(2)])
    assert set(merged.cells) == set(HELD)
    assert missing(merged) == []
    assert [part.number for part in merged.suite.shards] == [1, 2, 3]


def test_cells_of_a_lost_shard_that_were_measured_otherwise_are_not_missing() -> None:
    by_hand = runfile.parse(run_document([FUSED, THIRD]), "by hand")
    assert missing(merge([*parts(1), ("by hand", by_hand)])) == []


def test_cells_that_an_interrupted_shard_left_are_named() -> None:
    cut = shard(1, outcomes={PLAIN: ("not run", "")}, finished=False, cells=(FUSED,))
    document = run_document([FUSED, THIRD], outcomes={PLAIN: ("not run", "")}, finished=False)
    assert missing(merge([("cut", runfile.parse(document, "cut"))])) == [f"not run: {PLAIN}"]
    assert missing(merge([("cut", cut)], allow_missing=True))[0] == f"not run: {PLAIN}"


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({"of": 4}, "number of shards: 4 and 3"),
        ({"split": "0ther"}, "split of the plan: 0ther and 5p11t"),
        ({"commit": "def456"}, "commit: def456 and abc123"),
        ({"level": "nightly"}, "level: nightly and pr"),
    ],
)
def test_shards_of_another_split_or_commit_are_refused(other: dict[str, Any], difference: str) -> None:
    with pytest.raises(ReportError, match=f"run-2 and run-1 differ in {difference}; not one run"):
        merge([*parts(1), ("run-2", shard(2, **other)), *parts(3)])


def test_one_shard_measured_twice_is_refused() -> None:
    again = shard(1, cells=None)
    again.benchmarks[0].extra_info.metrics["latency"].value = 9.0
    with pytest.raises(ReportError, match=f"measured in more than one run, with different numbers: {PLAIN}"):
        merge([*parts(1, 2, 3), ("again", again)])


def test_the_warnings_and_environment_of_each_shard_are_kept() -> None:
    one = shard(1, warnings=["the GPU is shared"])
    document = run_document(
        [cell_document(cell, environment="env-b") for cell in (FUSED, THIRD)],
        environment="env-b",
        host={"cpu_model": "Other", "cpu_count": 2},
        shards=[{"number": 2, "of": 3, "split": "5p11t"}],
        warnings=["the GPU is shared"],
    )
    merged = merge([("one", one), ("two", runfile.parse(document, "two"))])
    assert merged.suite.warnings == ["shard 1/3: the GPU is shared", "shard 2/3: the GPU is shared"]
    assert merge([("merged", merged)]).suite.warnings == merged.suite.warnings
    assert merged.environment_of(merged.cells[FUSED])["host"]["cpu_model"] == "Other"


def test_a_baseline_does_not_remember_the_shards_it_came_from(tmp_path: Path) -> None:
    path, _ = baselines.accept(merge(parts(1, 2, 3)), tmp_path)
    accepted = runfile.read(path)
    assert set(accepted.cells) == set(HELD)
    assert accepted.suite.shards == []


@pytest.mark.parametrize("damage", [{"number": 4, "of": 3}, {"number": 0, "of": 3}])
def test_a_shard_that_cannot_be_is_a_damaged_file(damage: dict[str, int]) -> None:
    with pytest.raises(ReportError, match="is damaged"):
        runfile.parse(run_document(shards=[{**damage, "split": "5p11t"}]), "run")


def test_cells_of_other_shards_in_a_run_that_was_not_split_are_damage() -> None:
    document = run_document()
    document["suite"]["cells"].append({"cell": THIRD, "outcome": "not asked for", "shard": 2})
    with pytest.raises(ReportError, match="lists cells of other shards and is none"):
        runfile.parse(document, "run")


def test_the_command_says_what_is_missing_and_carries_the_samples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = []
    for name, part in parts(1, 2):
        for cell, record in part.cells.items():
            written = audio.write(tmp_path / name, cell, b"\x00\x00" * 240, 24_000)
            record.audio = AudioRecord.model_validate(written)
        runfile.write(tmp_path / name / "run.json", part)
        files.append(str(tmp_path / name / "run.json"))
    output = tmp_path / "merged" / "run.json"
    assert main(["merge", *files, "--output", str(output)]) == USAGE
    assert f"shard 3/3 would hold {THIRD}" in capsys.readouterr().err
    assert not output.parent.exists()
    assert main(["merge", *files, "--output", str(output), "--allow-missing"]) == PASSED
    said = capsys.readouterr()
    assert said.out == f"wrote {output}: 2 measured of 3 cells\n"
    assert said.err == f"warning: shard 3/3 would hold {THIRD}\n"
    assert sorted(path.stem for path in audio.files(output.parent)) == sorted([PLAIN, FUSED])
    assert set(runfile.read(output).cells) == {PLAIN, FUSED}
