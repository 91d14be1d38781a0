"""Bisection of two lanes: answers, resuming, what is said. Search, environments and plan have files of their own."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from reports.bisect import lanes, runs, words
from reports.bisect.checkout import commit
from reports.bisect.search import Answer, Ending, Found
from reports.bisect.state import FILE, Question, State, load
from reports.errors import ReportError
from tests.bisecting import BAD, GOOD, Pretended, even, newer
from tests.builders import FUSED, PLAIN, cell_document
from tests.reports.test_sides import cell_against, pairs_of, run_against
from tests.workflows.runner import git


def test_the_package_and_its_version_are_found(asked: Question, tmp_path: Path) -> None:
    slow = Pretended(lambda lane: lane["torch"] in ("2.12.1", "2.13.0"))
    listed = lanes.version_lists(["torch=2.11.1,2.12.0,2.12.1"], lanes.differences(asked.good, asked.bad))
    verdict = slow.bisection(asked, tmp_path, versions=listed).run()
    assert (verdict.found.culprits, verdict.found.others) == (("torch",), False)
    assert (verdict.package, verdict.last_good, verdict.first_bad) == ("torch", "2.12.0", "2.12.1")
    assert words.outcome(verdict) == [
        "found: torch 2.11.0 -> 2.13.0 carries the regression by itself",
        "torch: 2.12.0 is not worse, 2.12.1 is",
        "without it the bad side is not worse",
    ]


def test_two_packages_that_need_each_other_are_named_together(asked: Question, tmp_path: Path) -> None:
    slow = Pretended(lambda lane: newer("torch")(lane) and newer("numpy")(lane))
    verdict = slow.bisection(asked, tmp_path).run()
    assert set(verdict.found.culprits) == {"torch", "numpy"}
    assert "torch 2.11.0 -> 2.13.0 and numpy 2.4.6 -> 2.5.0, together" in words.outcome(verdict)[0]


def test_packages_that_only_go_together_are_taken_as_one(asked: Question, tmp_path: Path) -> None:
    slow = Pretended(newer("numpy"))
    slow.refused = lambda lane: newer("torch")(lane) is not newer("numpy")(lane)
    differing = lanes.differences(asked.good, asked.bad)
    verdict = slow.bisection(asked, tmp_path, units=lanes.units(differing, ["torch, NumPy"])).run()
    assert verdict.found.culprits == ("torch + numpy",)
    assert "torch 2.11.0 -> 2.13.0, numpy 2.4.6 -> 2.5.0 carries the regression" in words.outcome(verdict)[0]
    alone = Pretended(newer("numpy"))
    alone.refused = slow.refused
    narrowed = alone.bisection(asked, tmp_path / "alone").run()
    assert narrowed.found.ending is Ending.NARROWED
    assert {"torch", "numpy"} <= {*narrowed.found.culprits, *narrowed.found.suspects}
    assert "narrowed down, not found" in words.outcome(narrowed)[0]


def test_the_version_of_a_package_that_others_move_with_is_found_while_these_are_not_pinned(
    asked: Question, tmp_path: Path
) -> None:
    slow = Pretended(lambda lane: lane["transformers"] in ("5.20.0", "5.23.0"))
    slow.refused = lambda lane: (
        (lane["transformers"], lane.get("numpy"))
        not in (
            (GOOD["transformers"], GOOD["numpy"]),
            (BAD["transformers"], BAD["numpy"]),
            ("5.18.0", None),
            ("5.20.0", None),
        )
    )
    differing = lanes.differences(asked.good, asked.bad)
    units = lanes.units(differing, ["transformers,numpy"])
    listed = lanes.version_lists(["transformers=5.18.0,5.20.0"], differing)
    verdict = slow.bisection(asked, tmp_path, units=units, versions=listed).run()
    assert (verdict.package, verdict.last_good, verdict.first_bad) == ("transformers", "5.18.0", "5.20.0")
    assert "between the two ends of its list numpy had no pin: pip chose the version" in words.outcome(verdict)
    planned = "  transformers, if it is the one: 5.17.0, 5.18.0, 5.20.0, 5.23.0, the others of transformers + numpy as"
    assert f"{planned} pip chooses them" in words.plan(units, listed, State(question=asked))


def test_a_bisection_that_was_interrupted_goes_on_where_it_was(asked: Question, tmp_path: Path) -> None:
    whole = Pretended(newer("accelerate"))
    expected = whole.bisection(asked, tmp_path / "whole").run()
    total = 0
    for stop_after in (1, 1, 99):
        part = Pretended(newer("accelerate"))
        part.stop_after = stop_after
        bisection = part.bisection(asked, tmp_path / "parts")
        with contextlib.suppress(KeyboardInterrupt):
            found = bisection.run()
        total += part.runs
    assert found == expected
    assert total == whole.runs
    state = load(tmp_path / "parts", asked)
    assert {(one.environment_s, one.run_s) for one in state.tried} == {(60.0, 300.0)}


def test_what_a_run_could_not_judge_is_measured_again_and_what_does_not_install_is_not(
    asked: Question, tmp_path: Path
) -> None:
    noisy = Pretended(newer("torch"))
    noisy.unclear = lambda lane: True
    first = noisy.bisection(asked, tmp_path)
    untold = first.run()
    assert untold.found.ending is Ending.UNTESTABLE
    assert words.again(first.state) == ["1 run could not judge: the same command measures it again"]
    assert load(tmp_path, asked).tried == []
    quiet = Pretended(newer("torch"))
    resumed = quiet.bisection(asked, tmp_path)
    assert resumed.run().found.culprits == ("torch",)
    assert words.again(resumed.state) == []

    refused = Pretended(newer("torch"))
    refused.refused = lambda lane: lane == BAD
    refused.bisection(asked, tmp_path / "refused").run()
    assert [one.answer for one in load(tmp_path / "refused", asked).tried] == [Answer.SKIP]
    resumed = refused.bisection(asked, tmp_path / "refused")
    resumed.run()
    assert refused.runs == 0
    assert "skip, as known" in refused.said
    assert words.again(resumed.state) == []


def test_another_question_does_not_use_the_answers(asked: Question, tmp_path: Path) -> None:
    Pretended(newer("torch")).bisection(asked, tmp_path).run()
    other = asked.model_copy(update={"metric": "latency"})
    with pytest.raises(ReportError, match="of another bisection, with another metric: give --work another folder"):
        load(tmp_path, other)
    (tmp_path / FILE).write_text('{"version": 1}')
    with pytest.raises(ReportError, match="damaged at question: remove it to start anew"):
        load(tmp_path, asked)


def test_answers_of_another_commit_of_the_suite_are_not_mixed_with_new_ones(asked: Question, tmp_path: Path) -> None:
    Pretended(newer("torch")).bisection(asked.model_copy(update={"commit": "abc"}), tmp_path).run()
    after = asked.model_copy(update={"commit": "abc with uncommitted changes"})
    says = r"another commit of this suite \(abc, now abc with uncommitted changes\): give --work another folder"
    with pytest.raises(ReportError, match=says):
        load(tmp_path, after)


def test_the_commit_of_the_suite_is_held_with_what_differs_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BARK_BENCHMARKS_COMMIT", "f00d")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit(tmp_path) == "f00d"
    git("init", "--quiet", cwd=tmp_path)
    (tmp_path / "file").write_text("1")
    git("add", "file", cwd=tmp_path)
    git("commit", "--quiet", "--message", "first", cwd=tmp_path)
    assert commit(tmp_path) == git("rev-parse", "HEAD", cwd=tmp_path)
    (tmp_path / "file").write_text("2")
    changed = commit(tmp_path)
    assert changed.startswith(git("rev-parse", "HEAD", cwd=tmp_path) + " with uncommitted changes ")
    (tmp_path / "file").write_text("3")
    assert commit(tmp_path) != changed, "other changes are other code"


def test_without_a_regression_there_is_nothing_to_find(asked: Question, tmp_path: Path) -> None:
    verdict = Pretended(lambda lane: False).bisection(asked, tmp_path).run()
    assert verdict.found.ending is Ending.NOT_BAD
    assert words.outcome(verdict)[0].startswith("no regression: with all packages of the bad side")


def test_a_good_side_that_cannot_be_installed_ends_it(asked: Question, tmp_path: Path) -> None:
    slow = Pretended(newer("torch"))
    slow.refused = lambda lane: lane == GOOD
    with pytest.raises(ReportError, match="the good side itself cannot be installed"):
        slow.bisection(asked, tmp_path).run()


@pytest.mark.parametrize(
    ("ratio", "metric", "answer"),
    [
        (1.2, "step_latency", Answer.BAD),
        (1.0, "step_latency", Answer.GOOD),
        (0.8, "step_latency", Answer.GOOD),
        (1.0, "kernel_launches", Answer.SKIP),
    ],
)
def test_a_run_answers_by_the_verdicts_on_the_metric(ratio: float, metric: str, answer: Answer) -> None:
    run = run_against(cell_against(pairs=pairs_of([0.001] * 40, [0.001 * ratio] * 40)))
    assert runs.answer(run, metric).answer is answer


def lacking() -> dict[str, Any]:
    """A cell that the base cannot run."""
    document = cell_document(PLAIN)
    document["extra_info"]["against"] = {"problem": "unknown attention"}
    return document


@pytest.mark.parametrize(
    ("there", "says"),
    [
        ([lacking()], f"{PLAIN}: new: not measured on the base"),
        ([], f"{PLAIN}: it got worse with the whole bad side, and was not compared in this mix"),
    ],
)
def test_a_mix_is_good_only_if_each_cell_that_got_worse_was_compared_in_it(
    there: list[dict[str, Any]], says: str
) -> None:
    told = runs.answer(run_against(*there, even()), "step_latency", [PLAIN])
    assert (told.answer, says in told.reason) == (Answer.SKIP, True)
    other = runs.answer(run_against(*there, even()), "step_latency", [FUSED])
    assert other.answer is Answer.GOOD
    slower = cell_against(pairs=pairs_of([0.001] * 40, [0.0012] * 40))
    assert runs.answer(run_against(slower, even()), "step_latency").worse == (PLAIN,)


def test_a_mix_in_which_the_slower_cell_is_not_compared_accuses_nobody_else(asked: Question, tmp_path: Path) -> None:
    slow = Pretended(newer("torch"))
    slow.beside = [even()]
    slow.uncompared = lambda lane: newer("torch")(lane) and not newer("numpy")(lane)
    verdict = slow.bisection(asked, tmp_path).run()
    assert verdict.found.ending is Ending.NARROWED
    assert "torch" in {*verdict.found.culprits, *verdict.found.suspects}


def test_a_mix_in_which_no_cell_can_run_is_skipped_and_the_search_goes_on(asked: Question, tmp_path: Path) -> None:
    slow = Pretended(newer("torch"))
    slow.unrunnable = lambda lane: newer("torch")(lane) and not newer("numpy")(lane)
    assert slow.bisection(asked, tmp_path / "mix").run().found.ending is Ending.NARROWED
    slow.unrunnable = lambda lane: lane == BAD
    untold = slow.bisection(asked, tmp_path / "bad").run()
    assert untold.found.ending is Ending.UNTESTABLE
    assert "no cell of the selection can run in this mix" in slow.said


def test_what_was_not_compared_on_the_bad_side_is_no_all_clear(asked: Question, tmp_path: Path) -> None:
    slow = Pretended(newer("torch"))
    slow.beside = [even()]
    slow.uncompared = lambda lane: True
    assert slow.bisection(asked, tmp_path).run().found.ending is Ending.UNTESTABLE


def test_a_run_that_is_unclear_or_broken_does_not_answer() -> None:
    unclear = run_against(cell_against(problem="out of memory"))
    assert runs.answer(unclear, "step_latency").answer is Answer.SKIP
    broken = run_against(cell_against(pairs=pairs_of([0.001] * 40, [0.001] * 40), broken=True, problem="it died"))
    told = runs.answer(broken, "step_latency")
    assert (told.answer, "its pairs could not be timed: it died" in told.reason) == (Answer.SKIP, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("torch>=2\n", "line 1: 'torch>=2' is not package==version"),
        ("a==1\nA_b==1\na-B==2\n", "line 3: a-b is pinned twice"),
    ],
)
def test_a_lane_that_is_not_exact_is_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "lane.txt").write_text(text)
    with pytest.raises(ReportError, match=says):
        lanes.read(tmp_path / "lane.txt")


def test_the_lanes_of_this_repository_can_be_mixed() -> None:
    good, bad = (lanes.read(lanes.lane_path(name)) for name in ("blog", "current"))
    found = lanes.differences(good, bad)
    assert "transformers" in {one.package for one in found}
    assert lanes.mixed(good, {one.package: one.bad for one in found}) == bad
    with pytest.raises(ReportError, match="there is no constraints file absent: name a file, or a lane: blog, current"):
        lanes.lane_path("absent")


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("torch", "give them as in --versions torch="),
        ("torch=2.11;rm", "give them as in"),
        ("rich=1,2", "rich does not differ between the two"),
    ],
)
def test_a_list_of_versions_that_cannot_be_used_is_refused(option: str, says: str, asked: Question) -> None:
    with pytest.raises(ReportError, match=says):
        lanes.version_lists([option], lanes.differences(asked.good, asked.bad))


def test_a_package_that_one_side_does_not_pin_loses_its_pin() -> None:
    (one,) = lanes.differences({"a": "1", "b": "1"}, {"a": "1"})
    assert str(one) == "b 1 -> not pinned"
    assert lanes.mixed({"a": "1", "b": "1"}, {"b": None}) == {"a": "1"}


def test_after_the_first_bad_answer_the_plan_counts_the_cells_that_got_worse(asked: Question, tmp_path: Path) -> None:
    pretended = Pretended(newer("torch"))
    pretended.beside = [even()]
    pretended.stop_after = 1
    bisection = pretended.bisection(asked, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        bisection.run()
    known = load(tmp_path, asked)
    assert (known.cells, known.tried[0].cells) == ([PLAIN], 2)
    # Of two cells in 5 minutes one is left: 4 runs of 2.5 minutes and a minute of setting up.
    assert words.plan(bisection.units, {}, known, 2)[-1] == "about 14 min (by what it took so far); 1 are known already"


def test_what_could_not_be_judged_is_said() -> None:
    verdict = Found(Ending.FOUND, ("a",), others=None)
    from reports.bisect.bisection import Verdict

    units = {"a": [lanes.Difference("a", "1", "3")]}
    said = words.outcome(Verdict(verdict, units, "a", "1", "3", ("2",)))
    assert "between them could not be judged: 2" in said
    assert any("is not known" in line for line in said)
    untestable = Verdict(Found(Ending.UNTESTABLE), units)
    assert words.outcome(untestable)[0].startswith("not known:")


def test_an_accusation_that_is_not_proven_is_worded_so() -> None:
    from reports.bisect.bisection import Verdict

    units = {name: [lanes.Difference(name, "1", "2")] for name in "abcx"}

    def said(culprits: str, suspects: str, need: bool) -> str:
        return words.outcome(
            Verdict(Found(Ending.NARROWED, tuple(culprits), tuple(suspects), need_suspects=need), units)
        )[0]

    assert said("x", "ab", need=False) == (
        "narrowed down, not found: x 1 -> 2 makes the difference, by itself or together with one or more of a 1 -> 2, "
        "b 1 -> 2: x alone could not be judged"
    )
    assert "b 1 -> 2 and x 1 -> 2 make the difference, by themselves or" in said("bx", "a", need=False)
    assert said("x", "ab", need=True).startswith(
        "narrowed down, not found: together with x 1 -> 2, one or more of a 1 -> 2, b 1 -> 2; the mixes that would"
    )
