"""The process of a bisection's run: interrupted, it closes by itself before the bisection ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.bisect import child

CLOSES = """
import pathlib, signal, sys
def close(number, frame):
    pathlib.Path("closed").touch()
    sys.exit(2)
signal.signal(signal.SIGINT, close)
print("ready", flush=True)
signal.pause()
"""
STAYS = CLOSES.replace("sys.exit(2)", "signal.pause()")


def interrupted(by: Callable[[int], None], started: list[subprocess.Popen[str]]) -> child.Start:
    """Starts processes in which, once they are ready, `by` is done with their ID while they are waited for."""

    class Interrupted(subprocess.Popen[str]):
        def communicate(self, *arguments: Any, **options: Any) -> tuple[str, str]:
            if self not in started:
                started.append(self)
                assert self.stdout
                assert self.stdout.readline() == "ready\n"
                by(self.pid)
            return super().communicate(*arguments, **options)

    return Interrupted


def control_c(process: int) -> None:
    """As a terminal does it: to both."""
    os.kill(process, signal.SIGINT)
    raise KeyboardInterrupt


def test_a_run_that_is_interrupted_has_closed_before_the_bisection_ends(tmp_path: Path) -> None:
    started: list[subprocess.Popen[str]] = []
    with pytest.raises(KeyboardInterrupt):
        child.ended([sys.executable, "-c", CLOSES], tmp_path, os.environ, interrupted(control_c, started))
    assert (tmp_path / "closed").exists()
    assert [one.returncode for one in started] == [2]


def test_a_run_that_does_not_close_is_ended(tmp_path: Path) -> None:
    started: list[subprocess.Popen[str]] = []
    start = interrupted(control_c, started)
    with pytest.raises(KeyboardInterrupt):
        child.ended([sys.executable, "-c", STAYS], tmp_path, os.environ, start, closing_s=0.0)
    assert started[0].returncode in (-signal.SIGTERM, -signal.SIGKILL)


def test_what_would_end_the_bisection_closes_its_run(tmp_path: Path) -> None:
    started: list[subprocess.Popen[str]] = []
    before = signal.getsignal(signal.SIGTERM)

    def terminated(process: int) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit, match="143"):
        child.ended([sys.executable, "-c", CLOSES], tmp_path, os.environ, interrupted(terminated, started))
    assert (tmp_path / "closed").exists()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_run_that_ends_tells_what_it_said(tmp_path: Path) -> None:
    told = child.ended([sys.executable, "-c", "print('out'); exit('err')"], tmp_path, os.environ)
    assert (told.returncode, told.stdout, told.stderr) == (1, "out\n", "err\n")
