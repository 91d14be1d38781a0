"""A bisection whose runs are those of the suite itself, with made-up measurements (tests/fake_worker.py)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from reports.bisect import child, lanes, selection
from reports.bisect.bisection import Bisection
from reports.bisect.runs import UnrunnableError, measure, only
from reports.bisect.search import Ending
from reports.bisect.state import Question
from reports.errors import ReportError
from reports.verdicts import wall
from tests.suite.conftest import OTHER, SMALLEST, forks

GOOD = {"accelerate": "1.14.0", "torch": "2.12.1"}
BAD = {"accelerate": "1.15.0", "torch": "2.13.0"}
SUITE = ["-k", SMALLEST, "--rounds=5", "--device=cpu", "-p", "tests.fake_measure"]


def environment(folder: Path, constraints: str) -> Path:
    """An interpreter in whose processes a step takes 20 % longer with the newer torch."""
    slow = f"torch=={BAD['torch']}" in constraints
    side = {"step": 0.00125 * (1.2 if slow else 1.0), "environment": {"torch": BAD["torch"] if slow else GOOD["torch"]}}
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "python"
    sides = json.dumps({"head": side, "base": side})
    python.with_suffix(".json").write_text(sides)
    python.write_text(f"#!/bin/sh\nexport FAKE_SIDES='{sides}'\nexec '{sys.executable}' \"$@\"\n")
    python.chmod(0o755)
    return python


def in_fork(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What the command's interpreter would do, in a fork that has its made-up sides."""
    sides = Path(command[0]).with_suffix(".json")
    made_up = {"FAKE_SIDES": sides.read_text()} if sides.exists() else {}
    code, output = forks().run(command[command.index("pytest") + 1 :], dict(variables) | made_up)
    return subprocess.CompletedProcess(command, code, output, "")


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs and listings of the suite are forks."""
    monkeypatch.setattr(child, "ended", in_fork)
    run = SimpleNamespace(run=lambda command, *, cwd, env, **_: in_fork(command, cwd, env))
    monkeypatch.setattr(selection, "subprocess", run)


@pytest.mark.usefixtures("forked")
def test_the_slower_package_is_found_by_runs_in_pairs(tmp_path: Path) -> None:
    units = lanes.units(lanes.differences(GOOD, BAD), ())
    said: list[str] = []
    question = Question(good=GOOD, bad=BAD, metric="step_latency", arguments=SUITE)
    verdict = Bisection(question, tmp_path, units, create=environment, say=said.append).run()
    assert (verdict.found.ending, verdict.found.culprits, verdict.found.others) == (Ending.FOUND, ("torch",), False)
    assert said[0].startswith(f"bad: accelerate 1.15.0, torch 2.13.0: {SMALLEST}: step_latency worse, paired")
    assert "+20.0%" in said[0]
    assert said[1].startswith("good: accelerate 1.15.0: ")


def test_a_run_that_does_not_get_through_says_what_to_type(tmp_path: Path) -> None:
    python = environment(tmp_path / "env", "")
    with pytest.raises(ReportError, match=r"exit code 4: .*to see it all: .* --rounds=0"):
        measure(python, python, tmp_path / "run", [*SUITE, "--rounds=0"])


@pytest.mark.usefixtures("forked")
def test_only_the_cells_that_got_worse_are_measured_further(tmp_path: Path) -> None:
    python = environment(tmp_path / "env", "")
    both = ["-k", f"{SMALLEST} or {OTHER}", *SUITE[2:], "--against-launches=0"]
    assert set(measure(python, python, tmp_path / "run", [*both, *only([OTHER])]).cells) == {OTHER}


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize(
    ("cells", "says"), [("tiny and cpu_offload", "cpu_offload needs a GPU"), ("absent", "deselected")]
)
def test_a_mix_in_which_no_cell_can_run_is_told_from_a_run_that_does_not_get_through(
    cells: str, says: str, tmp_path: Path
) -> None:
    python = environment(tmp_path / "env", "")
    with pytest.raises(UnrunnableError, match=f"no cell of the selection can run in this mix: .*{says}"):
        measure(python, python, tmp_path / "run", ["-k", cells, *SUITE[2:]])


@pytest.mark.usefixtures("forked")
def test_a_run_file_that_cannot_be_written_is_no_answer(tmp_path: Path) -> None:
    python = environment(tmp_path / "env", "")
    (tmp_path / "run").symlink_to(tmp_path / "absent" / "folder")
    with pytest.raises(ReportError, match="the suite did not get through"):
        measure(python, python, tmp_path / "run", [*SUITE, "--against-launches=0"])


@pytest.mark.usefixtures("forked")
def test_the_cells_of_a_selection_are_counted_without_those_that_are_skipped() -> None:
    assert (selection.ALONE, selection.PAIRS) == (wall.ALONE, wall.PAIRS_A_LAUNCH)
    here = ["--level=smoke", "--device=cpu"]
    assert selection.selected(["-k", "tiny and sdpa and fp32 and dynamic", *here]) == 2
    assert selection.selected(["-k", "tiny and cpu_offload", *here]) is None
    with pytest.raises(ReportError, match="no cell matches the selection"):
        selection.selected(["-k", "absent", *here])
    with pytest.raises(ReportError, match=r"the suite refuses these arguments: .*unknown level 'absent'"):
        selection.selected(["-k", "tiny", "--level=absent"])
