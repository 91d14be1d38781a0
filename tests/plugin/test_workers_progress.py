from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.plugin.workers_progress import WorkersProgress


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def shown() -> tuple[WorkersProgress, list[str], Clock]:
    """Progress of two workers over four cells, what it writes, and its clock; it tells nothing by itself."""
    written: list[str] = []
    clock = Clock()
    progress = WorkersProgress(written.append, 2, clock, total=4)
    nobody: Any = SimpleNamespace(join=lambda: None)
    progress._thread = nobody
    return progress, written, clock


def test_cells_are_counted_as_they_start_and_the_time_left_is_that_of_all_workers(
    shown: tuple[WorkersProgress, list[str], Clock],
) -> None:
    progress, written, clock = shown
    progress.start("a")
    progress.start("b")
    clock.now = 60
    progress.finish("a")
    progress.start("c")
    assert written == ["\n[1/4] a ", "\n[2/4] b ", "\n[3/4] c, about 60 s left "]  # c and d, a minute each; b is late
    clock.now = 70
    assert progress.still_running() == "\n[1/4 done] b for 70 s, c for 10 s, about 55 s left "


def test_a_cell_that_starts_again_keeps_its_number(shown: tuple[WorkersProgress, list[str], Clock]) -> None:
    progress, written, _ = shown
    progress.start("a")
    progress.finish("a", counts=False)
    assert progress.still_running() == ""
    progress.start("a")
    assert written == ["\n[1/4] a ", "\n[1/4] a "]


def test_what_is_not_a_cell_is_not_counted(shown: tuple[WorkersProgress, list[str], Clock]) -> None:
    progress, _, _ = shown
    progress.finish("")
    assert progress.done == 0


def test_a_run_that_has_ended_tells_nothing_more() -> None:
    written: list[str] = []
    progress = WorkersProgress(written.append, 1, total=1)
    progress.start("a")
    thread = progress._thread
    progress.stop()
    assert thread
    assert not thread.is_alive()
    assert written == ["\n[1/1] a "]
