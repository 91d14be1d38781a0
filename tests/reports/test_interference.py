from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.commands.shared import PASSED, USAGE
from reports.errors import ReportError
from reports.records import runfile
from reports.records.schema import RunFile
from reports.render.interference import as_markdown, explanation
from reports.verdicts.interference import Side, interference
from tests.builders import FUSED, H200, HOST, PLAIN, SOFTWARE, cell_document, run_of

NAMELESS = {name: value for name, value in H200.items() if name != "card"}
FOUR = {**HOST, "workers": 4, "cpu_count": 4}


def measured(cell: str, latency: float, gpu_busy: float, **options: Any) -> dict[str, Any]:
    return cell_document(cell, {"latency": latency, "gpu_busy": gpu_busy}, **options)


def alone(**options: Any) -> RunFile:
    return run_of(measured(PLAIN, 2.0, 0.1), measured(FUSED, 1.0, 0.05), **options)


def busy(**options: Any) -> RunFile:
    return run_of(measured(PLAIN, 2.2, 0.1), measured(FUSED, 1.3, 0.051), **{"host": FOUR} | options)


def test_each_cells_change_and_that_of_all_are_told_with_the_share_of_cores() -> None:
    found = interference(alone(), busy())
    assert (found.alone, found.busy) == (Side(1, 16), Side(4, 4))
    assert [row.cell for row in found.rows] == [PLAIN, FUSED]
    assert found.rows[0].metrics["latency"].change == pytest.approx(0.1)
    latency, gpu = found.effects()["latency"], found.effects()["gpu_busy"]
    assert [latency.median, latency.largest, gpu.median, gpu.largest] == pytest.approx([0.2, 0.3, 0.01, 0.02])
    assert latency.cell == FUSED
    assert "step_latency" not in found.effects()


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"commit": "fff"}, "commit, abc123 alone and fff busy"),
        ({"host": {**FOUR, "cpu_model": "EPYC"}}, "host CPU"),
        ({"gpu": None}, "GPU model"),
        ({"software": {"torch": "2.14.0"}}, "software"),
        ({"level": "nightly"}, "level"),
        ({"overrides": {"rounds": 3.0, "budget": 2.5}}, "options, none alone and --budget=2.5 --rounds=3 busy"),
    ],
)
def test_runs_that_differ_in_more_than_their_workers_are_refused(other: dict[str, Any], field: str) -> None:
    with pytest.raises(ReportError, match=f"the runs differ in {field}"):
        interference(alone(), busy(**other))


def test_a_run_that_had_no_more_workers_is_refused() -> None:
    with pytest.raises(ReportError, match="the busy run had 1 workers at once and the one alone 4"):
        interference(busy(), alone())


def test_runs_without_a_cell_of_the_same_work_are_refused() -> None:
    with pytest.raises(ReportError, match="no cell in common"):
        interference(run_of(PLAIN), run_of(FUSED, host=FOUR))


def test_a_cell_that_did_other_work_is_left_out_and_named() -> None:
    found = interference(alone(), run_of(PLAIN, measured(FUSED, 1.0, 0.05, tokens=8), host=FOUR))
    assert [row.cell for row in found.rows] == [PLAIN]
    assert "semantic_tokens is 8" in found.left_out[FUSED]


def test_cells_of_several_sessions_are_refused() -> None:
    mixed = run_of(
        PLAIN,
        cell_document(FUSED, environment="env-b"),
        host=FOUR,
        environments={"env-b": {"gpu": None, "host": dict(HOST), "software": {}}},
    )
    with pytest.raises(ReportError, match="1 workers with 16 cores each and 4 workers with 4 cores each"):
        interference(alone(), mixed)


def test_cells_on_another_card_than_alone_are_counted_and_what_two_cards_differ_by_is_told() -> None:
    second = {"gpu": H200 | {"card": "bb"}, "host": FOUR, "software": dict(SOFTWARE)}
    card = {"gpu": H200 | {"card": "aa"}}
    found = interference(
        alone(**card),
        run_of(
            measured(PLAIN, 2.2, 0.1),
            measured(FUSED, 1.3, 0.051, environment="env-b"),
            host=FOUR,
            environments={"env-b": second},
            **card,
        ),
    )
    said = "1 of 2 cells were measured on another card than alone: up to 3 % of their difference in GPU busy time"
    assert [line for line in explanation(found) if line.startswith(said)]
    assert found.rows[1].metrics["gpu_busy"].change == pytest.approx(0.02)
    assert not [line for line in explanation(interference(alone(**card), busy(**card))) if "another card" in line]
    assert interference(alone(gpu=None), busy(gpu=None)).other_card == 0


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    for name, run in (("alone", alone()), ("busy", busy())):
        runfile.write(tmp_path / f"{name}.json", run)
    return [str(tmp_path / "alone.json"), str(tmp_path / "busy.json")]


@pytest.mark.parametrize("kind", ["terminal", "markdown"])
def test_the_command_shows_both_values_and_what_they_stand_for(
    files: list[str], kind: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["interference", *files, "--format", kind]) == PASSED
    shown = capsys.readouterr().out.replace("\\", "")
    assert "1.000 s -> 1.300 s (+30.0 %)" in shown
    assert "alone: 1 worker with 16 cores; busy: 4 workers with 4 cores each" in shown
    assert f"floor of the latency: +20.0 % in the median of 2 cells, +30.0 % at most ({FUSED})" in shown


def test_the_command_gives_programs_the_same(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["interference", *files, "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert found["busy"] == {"workers": 4, "cores": 4}
    assert found["rows"][0]["metrics"]["gpu_busy"] == {"alone": 0.1, "busy": 0.1, "again": None}
    assert found["effects"]["latency"]["cell"] == FUSED


def test_runs_that_cannot_be_compared_are_one_line_of_usage(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["interference", *reversed(files)]) == USAGE
    assert capsys.readouterr().err.count("\n") == 1


def test_what_the_cells_alone_differ_by_is_the_hosts_and_told_beside_what_the_workers_do() -> None:
    again = run_of(measured(PLAIN, 2.4, 0.1), measured(FUSED, 0.9, 0.05))
    found = interference(alone(), busy(), again)
    assert found.rows[0].metrics["latency"].change == pytest.approx(0.0), "against the mean of 2.0 and 2.4 s"
    assert found.rows[0].metrics["latency"].drift == pytest.approx(0.2)
    effects = found.effects()
    assert effects["latency"].drift == pytest.approx(0.2)
    assert effects["gpu_busy"].drift == 0
    assert "; a cell alone, before and after, differed by up to 20.0 %" in as_markdown(found)
    assert "the host may have changed" not in as_markdown(found)
    assert "the host may have changed between the two runs" in as_markdown(interference(alone(), busy()))


def test_a_run_alone_that_is_of_other_code_or_of_several_workers_is_refused() -> None:
    with pytest.raises(ReportError, match="differ in level, pr alone and nightly alone once more"):
        interference(alone(), busy(), alone(level="nightly"))
    with pytest.raises(ReportError, match="before and after the busy one"):
        interference(alone(), busy(), busy())


def test_one_file_for_both_runs_alone_is_refused() -> None:
    with pytest.raises(ReportError, match="both runs alone are one and the same"):
        interference(alone(), busy(), alone())


def test_the_command_takes_a_third_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = {"alone": alone(), "busy": busy(), "again": run_of(measured(PLAIN, 2.0, 0.1), measured(FUSED, 1.1, 0.05))}
    for name, run in runs.items():
        runfile.write(tmp_path / f"{name}.json", run)
    paths = [str(tmp_path / f"{name}.json") for name in runs]
    assert main(["interference", *paths, "--format", "json"]) == PASSED
    assert json.loads(capsys.readouterr().out)["effects"]["latency"]["drift"] == pytest.approx(0.1)


def test_cards_that_a_run_does_not_name_are_not_said_to_be_others() -> None:
    assert interference(alone(gpu=NAMELESS), busy(gpu=NAMELESS)).other_card == 0
    named = [interference(alone(gpu={**H200, "card": "a"}), busy(gpu={**H200, "card": card})) for card in "ab"]
    assert [found.other_card for found in named] == [0, 2]
