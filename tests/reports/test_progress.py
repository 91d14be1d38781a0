from __future__ import annotations

import io
from itertools import chain, repeat
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.commands import progress as shown
from reports.records import runfile
from tests.builders import PLAIN, cell_document, run_of


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture(autouse=True)
def outside_of_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def written(seconds: list[float], *, terminal: bool) -> str:
    """What a work of as many steps writes, the first of them when it starts."""
    stream = Stream(terminal)
    clock = chain(seconds, repeat(seconds[-1]))
    with shown.progress("reading", stream, lambda: next(clock)) as track:
        for done in range(len(seconds) - 1):
            track(done, len(seconds) - 1, f"file{done}")
    return stream.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_quick_work_shows_nothing(terminal: bool) -> None:
    assert written([0.0, 0.5, 1.0, 1.9], terminal=terminal) == ""


def test_a_log_gets_a_line_now_and_then() -> None:
    lines = written([0.0, 1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.5], terminal=False).splitlines()
    assert lines == ["reading 1/7 (14%), about 18 s left: file1", "reading 6/7 (86%), about 2 s left: file6"]


def test_a_terminal_gets_one_line_that_is_gone_in_the_end() -> None:
    text = written([0.0, 3.0, 3.05, 3.2], terminal=True)
    assert text.split("\r\x1b[K") == ["", "reading 0/3 (0%): file0", "reading 2/3 (67%), about 2 s left: file2", ""]


def test_a_ci_service_that_offers_a_terminal_gets_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, live in (("true", False), ("1", False), ("false", True), ("", True)):
        monkeypatch.setenv("CI", value)
        assert shown.is_live(isatty=True) is live
    monkeypatch.setenv("TERM", "dumb")
    assert not shown.is_live(isatty=True)


def test_a_name_that_is_shown_can_move_no_cursor() -> None:
    stream = Stream(terminal=False)
    clock = iter([0.0, 5.0])
    with shown.progress("reading", stream, lambda: next(clock)) as track:
        track(0, 1, "a\x1b[2J\nb")
    assert stream.getvalue() == "reading 0/1 (0%): a\\x1b[2J\\nb\n"


@pytest.mark.parametrize("command", ["trend", "calibrate"])
def test_a_command_over_many_files_says_which_one_it_reads(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in range(2):
        run = run_of(cell_document(PLAIN, {"latency": 2.0 + place}), datetime=f"2026-01-0{place + 1}T00:00:00+00:00")
        runfile.write(tmp_path / f"{place}.json", run)
    monkeypatch.setattr(shown, "QUIET_S", 0.0)
    assert main([command, str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert f"reading run files 0/2 (0%): {tmp_path / '0.json'}"[:79] in printed.err
    assert "reading" not in printed.out
