"""Runs the suite as a user would, in a process and folders of its own, mostly with made-up measurements."""

from __future__ import annotations

import atexit
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from reports.records import runfile
from reports.records.schema import RunFile
from tests.suite.forks import Forks

ROOT = Path(__file__).resolve().parents[2]
SMALLEST = "tiny-sdpa-fp32-resident-dynamic-batch1"
OTHER = "tiny-eager-fp32-resident-dynamic-batch1"


@dataclass(frozen=True)
class Ended:
    """A run of the suite that ended."""

    code: int
    output: str
    folder: Path

    @property
    def run(self) -> RunFile:
        """The run file it wrote."""
        return runfile.read(self.folder / "latest" / "run.json")

    @property
    def passed(self) -> int:
        """Tests that passed, by pytest's closing line."""
        found = re.search(r"(\d+) passed", self.output)
        return int(found[1]) if found else 0


Suite = Callable[..., Ended]


@cache
def forks() -> Forks:
    """One process a session, whose forks are the runs."""
    server = Forks()
    atexit.register(server.close)
    return server


def runner(folder: Path) -> Suite:
    """Runs `pytest benchmarks/ ARGUMENTS` with run files and baselines under `folder`.

    `cells` says what to make up (see tests/fake_measure.py); with `plugins=()` cells are really measured.
    """

    def run(
        *arguments: str,
        cells: Mapping[str, Any] | None = None,
        software: Mapping[str, str] | None = None,
        target: str = "benchmarks",
        environment: Mapping[str, str] | None = None,
        plugins: Sequence[str] = ("tests.fake_measure",),
    ) -> Ended:
        variables = {
            "PYTHONPATH": str(ROOT),
            "FAKE_CELLS": json.dumps(cells or {}),
            "FAKE_SOFTWARE": json.dumps(software or {"torch": "2.13.0"}),
            "COLUMNS": "200",
            "OMP_NUM_THREADS": "1",  # the tiny model gains nothing from a second thread, and tests share the machine
            **(environment or {}),
        }
        command = [
            *(str(ROOT / target), "-p", "no:cacheprovider"),
            *(part for plugin in plugins for part in ("-p", plugin)),
            *("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)),
            *("--device=cpu", "--report-dir", str(folder / "latest"), "--baseline-dir", str(folder / "baselines")),
            *arguments,
        ]
        return Ended(*forks().run(command, variables), folder)

    return run


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """A suite without a baseline."""
    return runner(tmp_path)


@pytest.fixture(scope="session")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Baselines that a first run of all cells was accepted as; made once."""
    folder = tmp_path_factory.mktemp("accepted")
    assert runner(folder)("--update-baselines").code == 0
    return folder / "baselines"


@pytest.fixture
def with_baseline(tmp_path: Path, accepted: Path) -> Suite:
    """A suite with its own copy of an accepted baseline."""
    shutil.copytree(accepted, tmp_path / "baselines")
    return runner(tmp_path)
