"""Bisection of two lanes: what differs, environments, resuming, and what is said. The search is in its own file."""

from __future__ import annotations

import contextlib
import io
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.bisect import environments, lanes, runs, selection, words
from reports.bisect.bisection import Bisection, question
from reports.bisect.checkout import commit
from reports.bisect.environments import UninstallableError
from reports.bisect.search import Answer, Ending, Found
from reports.bisect.state import FILE, Question, State, load
from reports.commands.bisect import DECLINED, LAUNCHES
from reports.errors import ReportError
from reports.records.metrics import METRICS, Kind
from reports.records.schema import RunFile
from reports.verdicts.wall import RULES
from tests.builders import FUSED, PLAIN, cell_document
from tests.reports.test_sides import opposed, pairs_of, run_against
from tests.workflows.runner import git

GOOD = {"torch": "2.11.0", "transformers": "5.17.0", "accelerate": "1.2.1", "numpy": "2.4.6", "rich": "15.0.0"}
BAD = {**GOOD, "torch": "2.13.0", "transformers": "5.23.0", "accelerate": "1.15.0", "numpy": "2.5.0"}


@pytest.fixture
def asked(tmp_path: Path) -> Question:
    for name, lane in (("good", GOOD), ("bad", BAD)):
        (tmp_path / f"{name}.txt").write_text("# a lane\n" + lanes.text(lane))
    return question(tmp_path / "good.txt", tmp_path / "bad.txt", "step_latency", ["-k", "sdpa"])


def even(cell: str = FUSED) -> dict[str, Any]:
    return opposed(cell, pairs=pairs_of([0.001] * 40, [0.001] * 40))


class Pretended:
    """Environments and runs that are made up: a mix is slower where `slow` says so of its versions."""

    def __init__(self, slow: Callable[[dict[str, str]], bool]) -> None:
        self.slow = slow
        self.made: list[dict[str, str]] = []
        self.runs = 0
        self.refused: Callable[[dict[str, str]], bool] = lambda lane: False
        self.unclear: Callable[[dict[str, str]], bool] = lambda lane: False
        self.uncompared: Callable[[dict[str, str]], bool] = lambda lane: False
        self.unrunnable: Callable[[dict[str, str]], bool] = lambda lane: False
        self.beside: list[dict[str, Any]] = []
        self.stop_after = 99
        self.now = 0.0

    def create(self, folder: Path, constraints: str) -> Path:
        lane = dict(line.split("==") for line in constraints.splitlines())
        self.now += 60
        if self.refused(lane):
            raise UninstallableError("these versions do not go together: torch wants another numpy")
        self.made.append(lane)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lane").write_text(constraints)
        return folder / "lane"

    def measure(self, python: Path, good: Path, folder: Path, arguments: Sequence[str]) -> RunFile:
        assert lanes.read(good) == GOOD
        asked_first = lanes.read(python) == BAD
        assert list(arguments) == ["-k", "sdpa", *([] if asked_first else runs.only([PLAIN]))]
        if self.runs == self.stop_after:
            raise KeyboardInterrupt
        self.runs += 1
        self.now += 300
        if self.unrunnable(lanes.read(python)):
            raise runs.UnrunnableError("no cell of the selection can run in this mix: sdpa needs another torch")
        if self.unclear(lanes.read(python)):
            return run_against(opposed(problem="out of memory"))
        ratio = 1.2 if self.slow(lanes.read(python)) else 1.0
        slower = opposed(pairs=pairs_of([0.001] * 40, [0.001 * ratio] * 40))
        shown = cell_document(PLAIN) if self.uncompared(lanes.read(python)) else slower
        return run_against(shown, *(self.beside if asked_first else ()))

    def bisection(self, asked: Question, folder: Path, **options: object) -> Bisection:
        units = lanes.units(lanes.differences(asked.good, asked.bad), ())
        made: Bisection = Bisection(
            asked, folder, units, create=self.create, measure=self.measure, clock=lambda: self.now, say=self.say
        )
        for name, value in options.items():
            setattr(made, name, value)
        return made

    def say(self, line: str) -> None:
        self.said = line


def newer(package: str) -> Callable[[dict[str, str]], bool]:
    return lambda lane: lane[package] == BAD[package]


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


def test_two_packages_that_are_taken_as_one_have_one_list_of_versions(
    planned: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    together = [*planned, "--together", "transformers,numpy", "--versions", "transformers=5.18.0"]
    assert main(together) == 0
    assert main([*together, "--versions", "numpy=2.4.9"]) == 2
    assert "--versions of transformers and of numpy, which are in one --together: give one" in capsys.readouterr().err


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
    assert commit(tmp_path) == git("rev-parse", "HEAD", cwd=tmp_path) + " with uncommitted changes"


def test_an_answer_of_no_is_told_from_a_package_that_was_found(
    planned: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert main(planned[:-1]) == DECLINED == 3
    assert not (tmp_path / "work").exists()


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
    run = run_against(opposed(pairs=pairs_of([0.001] * 40, [0.001 * ratio] * 40)))
    assert runs.answer(run, metric).answer is answer


@pytest.mark.parametrize(
    ("there", "says"),
    [
        ([cell_document(PLAIN)], f"{PLAIN}: new: the other side has no measurement of it"),
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
    slower = opposed(pairs=pairs_of([0.001] * 40, [0.0012] * 40))
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
    unclear = run_against(opposed(problem="out of memory"))
    assert runs.answer(unclear, "step_latency").answer is Answer.SKIP
    broken = run_against(opposed(pairs=pairs_of([0.001] * 40, [0.001] * 40), broken=True, problem="it died"))
    told = runs.answer(broken, "step_latency")
    assert (told.answer, "could not be compared in pairs: it died" in told.reason) == (Answer.SKIP, True)


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


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Says how many cells are selected, which pytest takes seconds to list (tests/suite/test_bisect.py)."""

    def select(number: int | None) -> None:
        monkeypatch.setattr(selection, "selected", lambda arguments: number)

    select(1)
    return select


Select = Callable[[int | None], None]


class Tools:
    """pip or uv that were never run: each command's outcome by a word in it."""

    def __init__(self, **outcomes: str) -> None:
        self.outcomes = outcomes
        self.commands: list[str] = []

    def __call__(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        self.commands.append(" ".join(command))
        said = next((text for word, text in self.outcomes.items() if word in self.commands[-1]), "")
        return subprocess.CompletedProcess(list(command), int(bool(said)), "", said)


def test_an_environment_is_made_once_and_used_again(tmp_path: Path) -> None:
    tools = Tools()
    python = environments.create(tmp_path / "env", "torch==2.13.0\n", tools)
    assert python == tmp_path / "env" / "bin" / "python"
    assert (tmp_path / "env.txt").read_text() == "torch==2.13.0\n"
    assert f"--constraint {tmp_path / 'env.txt'}" in tools.commands[1]
    made = len(tools.commands)
    assert environments.create(tmp_path / "env", "torch==2.13.0\n", tools) == python
    assert len(tools.commands) == made


REFUSED = "after connection broken by 'NewConnectionError('...: Failed to establish a new connection: [Errno 111]')'"
NONE_LISTED = "ERROR: Could not find a version that satisfies the requirement rich==15.0.0 (from versions: none)"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("ERROR: ResolutionImpossible: for help visit https://pip.pypa.io", UninstallableError),
        ("  x No solution found when resolving dependencies:", UninstallableError),
        ("ERROR: No matching distribution found for torch==9", UninstallableError),
        ("error: No space left on device", ReportError),
        ("Temporary failure in name resolution", ReportError),
        (f"{REFUSED}\n{NONE_LISTED}\nERROR: No matching distribution found for rich==15.0.0", ReportError),
        (f"{NONE_LISTED}\nERROR: No matching distribution found for rich==15.0.0", ReportError),
        ("WARNING: Retrying (Retry(total=0, read=None))\nERROR: ResolutionImpossible: for help visit", ReportError),
        (f"ERROR: Ignored versions: 15.0.0 Requires-Python >=3.14\n{NONE_LISTED}", UninstallableError),
    ],
)
def test_versions_that_do_not_go_together_are_told_from_bad_luck(
    said: str, kind: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(kind):
        environments.create(tmp_path / "env", "torch==9\n", Tools(install=said))
    assert not (tmp_path / "env" / environments.READY).exists()


def test_a_network_that_is_away_is_no_answer_that_is_kept(asked: Question, tmp_path: Path) -> None:
    def create(folder: Path, constraints: str) -> Path:
        away = Tools(install=f"{REFUSED}\n{NONE_LISTED}") if lanes.text(BAD) == constraints else Tools()
        return environments.create(folder, constraints, away)

    cut_off = Pretended(newer("torch")).bisection(asked, tmp_path, create=create)
    with pytest.raises(ReportError, match=r"package index was not reached: .*then repeat: what was found out is kept"):
        cut_off.run()
    assert load(tmp_path, asked).tried == []
    assert Pretended(newer("torch")).bisection(asked, tmp_path).run().found.culprits == ("torch",)


CLASH = """
The conflict is caused by:
    numpy 2.4.6 depends on accelerate>=1.0
    transformers 5.23.0 depends on accelerate<3.0 and >=1.31.0
    The user requested (constraint) accelerate==1.2.1

To fix this you could try to:
1. loosen the range of package versions you've specified
2. remove package versions to allow pip attempt to solve the dependency conflict
ERROR: ResolutionImpossible: for help visit https://pip.pypa.io
"""


def test_a_conflict_is_told_by_what_clashes_and_not_by_pips_advice(asked: Question, tmp_path: Path) -> None:
    def create(folder: Path, constraints: str) -> Path:
        lane = dict(line.split("==") for line in constraints.splitlines())
        apart = newer("transformers")(lane) is not newer("accelerate")(lane)
        return environments.create(folder, constraints, Tools(install=CLASH) if apart else Tools())

    told: list[str] = []
    pretended = Pretended(newer("transformers"))
    bisection = pretended.bisection(asked, tmp_path, create=create, say=told.append)
    bisection.measure = lambda python, good, folder, arguments: run_against(
        opposed(pairs=pairs_of([0.001] * 40, [0.0012] * 40))
    )
    bisection.run()
    (said, *_) = [line for line in told if line.startswith("skip")]
    assert said.endswith(
        ": these versions do not go together: The user requested (constraint) accelerate==1.2.1; numpy 2.4.6 depends "
        "on accelerate>=1.0; transformers 5.23.0 depends on accelerate<3.0 and >=1.31.0; name them in --together "
        "transformers,accelerate if they only go together at matching versions"
    )


def test_only_packages_of_two_units_clash() -> None:
    found = lanes.differences({"a-b": "1", "c": "1", "d": "1"}, {"a-b": "2", "c": "2", "d": "2"})
    apart, lane = lanes.units(found, []), {"a-b": "2", "c": "1", "d": "1"}
    assert lanes.clashing("A_b 2 depends on c>=2; requested (constraint) c==1", apart, lane) == ["a-b", "c"]
    assert lanes.clashing("a-b 2 depends on c>=2", lanes.units(found, ["a-b,c"]), lane) == []
    assert lanes.clashing("d 1 depends on cc>=2", apart, lane) == []
    assert lanes.clashing("because a-b==2 depends on c>=2 and you require c==1", apart, lane) == ["a-b", "c"]


def test_versions_that_do_not_import_are_skipped(tmp_path: Path) -> None:
    with pytest.raises(UninstallableError, match="do not import: ImportError: cannot import name"):
        environments.create(tmp_path / "env", "", Tools(**{"import torch": "ImportError: cannot import name 'x'"}))


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


@pytest.fixture
def planned(asked: Question, cells: Select, tmp_path: Path) -> list[str]:
    lane_files = ["--good", str(tmp_path / "good.txt"), "--bad", str(tmp_path / "bad.txt")]
    return ["bisect", *lane_files, "-k", "sdpa", "--work", str(tmp_path / "work"), "--dry-run"]


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
    assert runs.answer(run_against(opposed(pairs=even)), "step_latency").answer is Answer.GOOD
    fewer = pairs_of([0.001] * 5 * (fewest - 1), [0.001] * 5 * (fewest - 1))
    assert runs.answer(run_against(opposed(pairs=fewer)), "step_latency").answer is Answer.SKIP


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


def test_what_is_known_already_is_not_planned_again(asked: Question, tmp_path: Path) -> None:
    pretended = Pretended(newer("torch"))
    pretended.stop_after = 2
    bisection = pretended.bisection(asked, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        bisection.run()
    lines = words.plan(bisection.units, {}, load(tmp_path, asked))
    assert lines[-1] == "about 18 min (by what it took so far); 2 are known already"
    assert words.plan(bisection.units, {}, State(question=asked))[-1].startswith("about 59 min")


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
