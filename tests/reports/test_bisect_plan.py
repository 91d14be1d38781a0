"""The plan of a bisection: what it costs, and what is refused or declined before anything is made."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.bisect import runs, selection, words
from reports.bisect.search import Answer
from reports.bisect.state import Question, State, load
from reports.commands.bisect import DECLINED, LAUNCHES
from reports.records.metrics import METRICS, Kind
from reports.verdicts.wall import RULES
from tests.bisecting import Pretended, Select, newer
from tests.reports.test_sides import cell_against, pairs_of, run_against


def test_two_packages_that_are_taken_as_one_have_one_list_of_versions(
    planned: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    together = [*planned, "--together", "transformers,numpy", "--versions", "transformers=5.18.0"]
    assert main(together) == 0
    assert main([*together, "--versions", "numpy=2.4.9"]) == 2
    assert "--versions of transformers and of numpy, which are in one --together: give one" in capsys.readouterr().err


def test_an_answer_of_no_is_told_from_a_package_that_was_found(
    planned: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert main(planned[:-1]) == DECLINED == 3
    assert not (tmp_path / "work").exists()


def test_the_plan_names_what_differs_and_what_it_costs(
    tmp_path: Path, asked: Question, cells: Select, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["bisect", "--good", str(tmp_path / "good.txt"), "--bad", str(tmp_path / "bad.txt"), "-k", "sdpa"]
    command += ["--work", str(tmp_path / "work")]
    assert main([*command, "--versions", "torch=2.12.1", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "4 packages differ:\n  torch 2.11.0 -> 2.13.0" in said
    assert "torch, if it is the one: 2.11.0, 2.12.1, 2.13.0" in said
    assert "plan for one culprit: at most 6 runs against the good side, in 7 environments" in said
    assert "about 70 min (one cell, by what an H200 takes)" in said
    assert not (tmp_path / "work").exists()
    assert main(command) == 2
    assert "give --yes to begin without being asked" in capsys.readouterr().err
    assert main([*command, "--metric", "speed"]) == 2
    assert main([*command[:4], str(tmp_path / "good.txt"), *command[5:]]) == 2
    assert "pin the same versions" in capsys.readouterr().err


@pytest.mark.parametrize("metric", [one.name for one in METRICS.values() if one.kind is Kind.WALL])
def test_of_the_wall_metrics_only_the_one_that_pairs_judge_is_bisected(
    metric: str, planned: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ended = main([*planned, "--metric", metric])
    said = capsys.readouterr().err
    if metric == "step_latency":
        assert (ended, said) == (0, "")
    else:
        assert ended == 2
        assert f"--metric {metric} cannot be bisected: of the wall metrics only step_latency" in said
        assert "choose from step_latency, " in said
        assert "peak_allocated" in said
        assert len(said.splitlines()) == 1


def test_a_metric_that_needs_no_clock_is_bisected(planned: list[str]) -> None:
    assert main([*planned, "--metric", "peak_allocated"]) == 0


def test_launches_that_cannot_answer_are_refused_before_anything_is_made(
    planned: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    fewest, most = LAUNCHES
    assert (5 * fewest, 5 * most) == (RULES.fewest_pairs, RULES.looks[-1].pairs)
    for launches in (fewest, most):
        assert main([*planned, "--launches", str(launches)]) == 0
    for launches in (0, fewest - 1, most + 1):
        with pytest.raises(SystemExit, match="2"):
            main([*planned, "--launches", str(launches)])
        assert f"argument --launches: '{launches}' is not a whole number from 4 to 8" in capsys.readouterr().err
    even = pairs_of([0.001] * 5 * fewest, [0.001] * 5 * fewest)
    assert runs.answer(run_against(cell_against(pairs=even)), "step_latency").answer is Answer.GOOD
    fewer = pairs_of([0.001] * 5 * (fewest - 1), [0.001] * 5 * (fewest - 1))
    assert runs.answer(run_against(cell_against(pairs=fewer)), "step_latency").answer is Answer.SKIP


def test_a_selection_of_several_cells_costs_as_much_more(
    planned: list[str], cells: Select, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(planned) == 0
    assert "about 59 min (one cell, by what an H200 takes)" in capsys.readouterr().out
    cells(12)
    assert main(planned) == 0
    said = capsys.readouterr().out
    assert "in 6 environments (about 6 GB each with torch for CUDA, so about 36 GB)" in said
    assert "12 cells are measured first, and then only those of them that got worse" in said
    assert "about 7 h 24 min (12 cells a run, by what an H200 takes)" in said
    cells(None)
    assert main(planned) == 0
    said = capsys.readouterr().out
    assert "about 59 min (if it is one cell: how many run cannot be told in this environment" in said


def test_launches_that_cannot_judge_so_many_cells_are_refused_with_the_suites_reason(
    planned: list[str], cells: Select, capsys: pytest.CaptureFixture[str]
) -> None:
    cells(selection.ALONE)
    assert main([*planned, "--launches=4"]) == 0
    cells(selection.ALONE + 1)
    assert main([*planned, "--launches=8"]) == 0
    assert main([*planned, "--launches=4", "--metric", "peak_allocated"]) == 0
    assert main([*planned, "--launches=4"]) == 2
    said = capsys.readouterr().err
    assert "--launches 4: 5 cells are judged by 40 pairs or more, 5 a launch, so that nothing would ever be" in said
    assert "give 8 or more, or select at most 4 cells" in said


def test_what_is_known_already_is_not_planned_again(asked: Question, tmp_path: Path) -> None:
    pretended = Pretended(newer("torch"))
    pretended.stop_after = 2
    bisection = pretended.bisection(asked, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        bisection.run()
    lines = words.plan(bisection.units, {}, load(tmp_path, asked))
    assert lines[-1] == "about 18 min (by what it took so far); 2 are known already"
    assert words.plan(bisection.units, {}, State(question=asked))[-1].startswith("about 59 min")
