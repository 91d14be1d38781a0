"""A run that is killed while it writes: the run file is that of before or after, and nothing is left that git adds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from benchmarks.plugin.options import ROOT
from benchmarks.plugin.recorder import Recorder
from reports.records import runfile
from tests.builders import cell_document, run_document

FIRST, SECOND = "tiny-eager-fp32-resident-dynamic-batch1", "tiny-sdpa-fp32-resident-dynamic-batch1"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are copies of this one")


def killed_at(step: int, write: Callable[[], None]) -> bool:
    """Run `write` in a copy of this process that is killed before its call of the system so far; whether it was."""
    child = os.fork()
    if not child:
        steps = count()

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            if event.startswith(("open", "os.", "tempfile.", "shutil.")) and next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            write()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def recorder(folder: Path) -> Recorder:
    return Recorder(folder / "run.json", "smoke", "current", "cpu")


def test_a_kill_at_any_step_of_a_write_loses_no_cell_that_was_written_before(tmp_path: Path) -> None:
    one, two = run_document([cell_document(FIRST)]), run_document([cell_document(FIRST), cell_document(SECOND)])
    steps = 0
    for steps in count():
        recorder(tmp_path).save(one)
        killed = killed_at(steps, lambda: recorder(tmp_path).save(two))
        cells = set(runfile.read(tmp_path / "run.json").cells)
        assert cells in ({FIRST}, {FIRST, SECOND})
        if not killed:
            break
    assert cells == {FIRST, SECOND}
    assert steps >= 3, "a temporary file is made, and renamed"


def test_a_kill_while_an_earlier_run_is_cleared_leaves_no_half_of_it(tmp_path: Path) -> None:
    for steps in count():
        recorder(tmp_path).save(run_document([cell_document(FIRST)]))
        (tmp_path / "report.md").touch()
        if not killed_at(steps, recorder(tmp_path).clear):
            break
        if (tmp_path / "run.json").exists():
            assert set(runfile.read(tmp_path / "run.json").cells) == {FIRST}
    assert not (tmp_path / "run.json").exists()


def test_what_a_killed_run_leaves_in_its_own_folder_is_none_of_gits() -> None:
    left = ["reports/latest/.run.json.x1y2", "reports/latest/audio/.a.wav.x1y2", "traces/.cell.json.gz.x1y2"]
    ignored = subprocess.run(["git", "check-ignore", *left], cwd=ROOT, capture_output=True, text=True, check=False)
    if ignored.returncode == 128:
        pytest.skip("not a checkout of git")
    assert ignored.stdout.split() == left
