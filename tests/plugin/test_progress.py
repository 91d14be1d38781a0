from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.plugin.progress import LOG_EVERY_S, RunProgress, duration

THREE = {"a": 10.0, "b": 20.0, "c": 40.0}


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def written() -> Iterator[list[str]]:
    yield []


def going_on(phase: str, done: int = 0, expected: int = 0, remaining_s: float | None = None) -> Any:
    return SimpleNamespace(phase=phase, rounds_done=done, rounds_expected=expected, remaining_s=remaining_s)


@pytest.mark.parametrize(("seconds", "said"), [(3.2, "3 s"), (89, "89 s"), (720, "12 min"), (3_900, "1 h 05 min")])
def test_seconds_are_said_as_people_do(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_log_has_a_line_every_thirty_seconds_at_most(clock: Clock, written: list[str]) -> None:
    progress = RunProgress(written.append, expected=THREE, clock=clock)
    progress.start("a")
    progress.update(going_on("load"))
    clock.now = LOG_EVERY_S - 1
    progress.update(going_on("rounds", 2, 10))
    progress.finish()
    progress.start("b")
    clock.now = LOG_EVERY_S
    progress.update(going_on("rounds", 3, 10))
    assert written == ["\n[1/3] a ", "\n[2/3] b: rounds 3/10, about 3 min left "]


def test_time_left_is_what_the_cells_to_come_are_expected_to_take(clock: Clock) -> None:
    progress = RunProgress(lambda text: None, expected=THREE, known=True, clock=clock)
    assert progress.left_s() == 70.0
    progress.start("a")
    clock.now = 5.0
    assert progress.left_s() == 65.0
    progress.update(going_on("rounds", 1, 10, remaining_s=9.0))
    assert progress.left_s() == 69.0
    clock.now = 20.0
    progress.finish()
    assert progress.left_s() == 120.0, "cells take twice as long as was expected"


def test_without_a_baseline_nothing_is_said_before_the_first_cell_has_ended(clock: Clock) -> None:
    progress = RunProgress(lambda text: None, expected=dict.fromkeys(THREE, 1.0), clock=clock)
    progress.start("a")
    assert progress.time_left() == ""
    progress.update(going_on("rounds", remaining_s=12.0))
    assert progress.time_left() == "12 s left of this cell"
    clock.now = 30.0
    progress.finish()
    assert progress.time_left() == "about 60 s left"


def test_further_work_on_a_cell_counts_as_time_and_not_as_a_cell(clock: Clock) -> None:
    progress = RunProgress(lambda text: None, expected=dict.fromkeys(THREE, 1.0), clock=clock)
    progress.start("a")
    clock.now = 10.0
    progress.finish()
    progress.start("a", "again, step_latency unclear")
    assert progress.describe() == "[1/3] a: again, step_latency unclear"
    clock.now = 15.0
    progress.finish()
    assert progress.left_s() == 30.0


def test_several_workers_share_what_is_left(clock: Clock, written: list[str]) -> None:
    progress = RunProgress(written.append, expected=THREE, known=True, workers=2, clock=clock)
    progress.start("a")
    clock.now = 4.0
    progress.start("c")
    clock.now = 8.0
    assert progress.describe() == "[2/3] a for 8 s, c for 4 s"
    assert progress.left_s() == (2.0 + 36.0 + 20.0) / 2
    progress.finish("a")
    progress.finish("unknown")
    progress.stop()
    assert progress.describe() == "[1/3] "


def test_a_terminal_gets_a_bar_that_is_gone_when_others_write(clock: Clock, written: list[str]) -> None:
    progress = RunProgress(written.append, live=True, width=80, expected=THREE, known=True, clock=clock)
    progress.start("a")
    progress.update(going_on("rounds", 3, 10))
    shown = "".join(written)
    assert shown.startswith("\n")
    assert "[1/3] a: rounds 3/10" in shown
    assert "about 70 s left" in shown
    written.clear()
    with progress.hidden():
        gone = "".join(written)
        assert gone.endswith("\x1b[1A\x1b[2K"), "the line is erased, and the cursor where the bar began"
        written.clear()
        progress.write("F")
    assert written[:2] == ["F", "\n"]
    assert "[1/3] a: rounds 3/10" in "".join(written)
    progress.finish()
    written.clear()
    progress.stop()
    assert written == []


def test_what_a_run_waits_for_is_said_now_and_then(clock: Clock, written: list[str]) -> None:
    progress = RunProgress(written.append, clock=clock)
    for clock.now in (0.0, 1.0, LOG_EVERY_S):
        progress.wait("shared with train.py", 1_800.0 - clock.now)
    assert written == [
        "\nwaiting for the GPU, up to 30 min more: shared with train.py ",
        "\nwaiting for the GPU, up to 30 min more: shared with train.py ",
    ]
