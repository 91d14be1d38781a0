from __future__ import annotations

from itertools import chain, repeat

import pytest

from benchmarks.plugin.progress import ProgressLine, duration
from fixtures.rounds import Progress


def line(written: list[str], *, live: bool, times: list[float], total: int = 3) -> ProgressLine:
    clock = chain(times, repeat(times[-1]))
    return ProgressLine(written.append, live, 60, total, clock=lambda: next(clock))


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3599, "1 h 00 min"), (7500, "2 h 05 min")]
)
def test_a_duration_is_said_as_people_say_it(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_the_first_cell_knows_no_time_left_and_the_second_does() -> None:
    written: list[str] = []
    progress = line(written, live=False, times=[0, 30, 30])
    progress.start("a")
    progress.finish()
    progress.start("b")
    assert written == ["\n[1/3] a ", "\n[2/3] b, about 60 s left "]


def test_a_wait_is_told_at_once_and_then_now_and_then_in_a_log() -> None:
    written: list[str] = []
    progress = line(written, live=False, times=[0, 1, 30, 31])
    for left_s in (1800.0, 1799.0, 1770.0, 1769.0):
        progress.wait("another run uses it", left_s)
    assert written == [
        "\nwaiting for the GPU, up to 30 min more: another run uses it ",
        "\nwaiting for the GPU, up to 30 min more: another run uses it ",
    ]


def test_a_wait_on_a_live_line_is_shown_at_every_look() -> None:
    written: list[str] = []
    progress = line(written, live=True, times=[0, 1])
    progress.wait("x" * 80, 60.0)
    progress.wait("x" * 80, 59.0)
    assert [text.startswith("\r\x1b[Kwaiting for the GPU, up to ") for text in written] == [True, True]
    assert all(len(text.removeprefix("\r\x1b[K")) < 60 for text in written)


def test_a_live_line_shows_phase_and_rounds_and_never_wraps() -> None:
    written: list[str] = []
    progress = line(written, live=True, times=[0])
    progress.start("a" * 80)
    progress.update(Progress("rounds", 2, 10, 8.0))
    assert written[1].startswith("\r\x1b[K[1/3] aaaa")
    assert len(written[1].removeprefix("\r\x1b[K")) < 60


def test_a_live_line_names_the_time_left_of_the_first_cell() -> None:
    written: list[str] = []
    progress = line(written, live=True, times=[0])
    progress.start("cell")
    progress.update(Progress("rounds", 2, 10, 8.0))
    assert "cell: rounds 2/10, 8 s left of this cell" in written[1]


def test_where_no_line_can_be_overwritten_only_cells_are_named() -> None:
    written: list[str] = []
    progress = line(written, live=False, times=[0])
    progress.start("cell")
    progress.update(Progress("loading"))
    assert len(written) == 1


def test_a_log_gets_another_line_of_a_cell_that_takes_long_and_not_one_a_round() -> None:
    written: list[str] = []
    progress = line(written, live=False, times=[0, 10, 31, 40, 60, 62])
    progress.start("cell")
    for done in range(5):
        progress.update(Progress("rounds", done, 10, 100.0 - done))
    assert written[1:] == [
        "\n[1/3] cell: rounds 1/10, 2 min left of this cell ",
        "\n[1/3] cell: rounds 4/10, 2 min left of this cell ",
    ]


def test_further_work_on_a_cell_that_counts_already_is_shown_as_that_cells() -> None:
    written: list[str] = []
    progress = line(written, live=False, times=[0, 10, 10, 50], total=1)
    progress.start("a")
    progress.finish()
    progress.start("a", "against the other side")
    progress.update(Progress("pairs", 20, 40))
    assert written[1:] == ["\na against the other side ", "\n[1/1] a: pairs 20/40, about 0 s left "]
