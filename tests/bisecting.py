"""Bisections whose environments and runs are made up, and pip that was never run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from reports.bisect import lanes, runs
from reports.bisect.bisection import Bisection
from reports.bisect.environments import UninstallableError
from reports.bisect.state import Question
from reports.records.schema import RunFile
from tests.builders import FUSED, PLAIN, cell_document
from tests.reports.test_sides import cell_against, pairs_of, run_against

GOOD = {"torch": "2.11.0", "transformers": "5.17.0", "accelerate": "1.2.1", "numpy": "2.4.6", "rich": "15.0.0"}
BAD = {**GOOD, "torch": "2.13.0", "transformers": "5.23.0", "accelerate": "1.15.0", "numpy": "2.5.0"}


def even(cell: str = FUSED) -> dict[str, Any]:
    return cell_against(cell, pairs=pairs_of([0.001] * 40, [0.001] * 40))


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
            return run_against(cell_against(problem="out of memory"))
        ratio = 1.2 if self.slow(lanes.read(python)) else 1.0
        slower = cell_against(pairs=pairs_of([0.001] * 40, [0.001 * ratio] * 40))
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


class Tools:
    """pip or uv that were never run: each command's outcome by a word in it."""

    def __init__(self, **outcomes: str) -> None:
        self.outcomes = outcomes
        self.commands: list[str] = []

    def __call__(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        self.commands.append(" ".join(command))
        said = next((text for word, text in self.outcomes.items() if word in self.commands[-1]), "")
        return subprocess.CompletedProcess(list(command), int(bool(said)), "", said)


Select = Callable[[int | None], None]
