from __future__ import annotations

import errno
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks.plugin.ending import INTERRUPTED, USAGE, drilled, finish
from benchmarks.plugin.options import Settings
from benchmarks.plugin.output import is_terminal, uncaptured
from benchmarks.plugin.plan import Planned
from benchmarks.plugin.recorder import Recorder
from benchmarks.plugin.session import add_commit, interrupt_on_signals, outcome_of, report_reason
from benchmarks.plugin.suite import Suite
from fixtures.levels import LEVELS


@pytest.mark.parametrize(
    ("when", "outcome", "reason", "noted"),
    [
        ("setup", "skipped", "Skipped: needs a GPU", ("skipped", "needs a GPU")),
        ("call", "failed", "SuiteError: no memory\nmore", ("failed", "SuiteError: no memory")),
        ("setup", "failed", "", ("failed", "no reason given")),
        ("teardown", "failed", "x", None),
        ("call", "passed", "", None),
    ],
)
def test_a_test_report_says_what_became_of_its_cell(when: str, outcome: str, reason: str, noted: Any) -> None:
    assert outcome_of(when, outcome, reason) == noted


def test_the_reason_comes_from_a_skip_a_crash_or_plain_text() -> None:
    crash = SimpleNamespace(reprcrash=SimpleNamespace(message="boom"))
    assert report_reason(SimpleNamespace(longrepr=("f.py", 1, "Skipped: x"))) == "Skipped: x"
    assert report_reason(SimpleNamespace(longrepr=crash)) == "boom"
    assert report_reason(SimpleNamespace(longrepr="worse")) == "worse"
    assert report_reason(SimpleNamespace(longrepr=None)) == ""


def test_a_commit_that_git_knows_is_never_overridden() -> None:
    known: dict[str, Any] = {"id": "abc", "dirty": True}
    add_commit(known, {"BARK_BENCHMARKS_COMMIT": "def"})
    assert known == {"id": "abc", "dirty": True}
    unknown: dict[str, Any] = {"id": "unknown", "error": "no git"}
    add_commit(unknown, {"BARK_BENCHMARKS_COMMIT": "def"})
    assert unknown == {"id": "def", "dirty": False}


@pytest.mark.parametrize(("reporter", "live"), [(None, False), (SimpleNamespace(isatty=False), False)])
def test_without_a_terminal_no_line_is_overwritten(reporter: Any, live: bool) -> None:
    plugins = SimpleNamespace(getplugin=lambda name: reporter)
    assert is_terminal(SimpleNamespace(pluginmanager=plugins)) is live


def test_a_terminal_that_cannot_overwrite_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = SimpleNamespace(getplugin=lambda name: SimpleNamespace(isatty=True))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("CI", "")
    assert is_terminal(SimpleNamespace(pluginmanager=plugins))
    monkeypatch.setenv("CI", "true")  # a log, even where the service offers a terminal
    assert not is_terminal(SimpleNamespace(pluginmanager=plugins))
    monkeypatch.setenv("CI", "false")
    monkeypatch.setenv("TERM", "dumb")
    assert not is_terminal(SimpleNamespace(pluginmanager=plugins))


@pytest.fixture
def signalled() -> Iterator[tuple[Any, Callable[[], None]]]:
    """A session that signals interrupt, and its end."""
    cleanups: list[Callable[[], object]] = []
    suite: Any = SimpleNamespace(ending=False)
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored
    interrupt_on_signals(suite, SimpleNamespace(add_cleanup=cleanups.append))

    def end() -> None:
        while cleanups:
            cleanups.pop()()

    yield suite, end
    end()
    signal.signal(signal.SIGHUP, before)


Signalled = tuple[Any, Callable[[], None]]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_ends_a_process_interrupts_the_session_once(name: str, signalled: Signalled) -> None:
    number = signal.Signals[name]
    with pytest.raises(KeyboardInterrupt, match=name):
        signal.raise_signal(number)
    signal.raise_signal(number)  # `timeout` sends it to the process and to its group
    signalled[1]()
    assert signal.getsignal(number) is signal.SIG_DFL


def test_no_signal_cuts_the_report_short(signalled: Signalled) -> None:
    signalled[0].ending = True
    signal.raise_signal(signal.SIGTERM)


def test_a_signal_that_others_handle_is_left_to_them() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    try:
        interrupt_on_signals(cast(Any, SimpleNamespace(ending=False)), SimpleNamespace(add_cleanup=lambda call: call()))
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_session_in_another_thread_leaves_signals_alone() -> None:
    def never(call: object) -> None:
        pytest.fail("a handler was installed")

    with ThreadPoolExecutor(1) as pool:
        pool.submit(interrupt_on_signals, cast(Any, None), SimpleNamespace(add_cleanup=never)).result()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_terminal_that_is_gone_costs_no_cell() -> None:
    def gone(text: str, *, flush: bool) -> None:
        raise OSError(errno.EIO, "Input/output error")

    plugins = SimpleNamespace(hasplugin=lambda name: True, getplugin=lambda name: None)
    writer = SimpleNamespace(write=gone)
    uncaptured(SimpleNamespace(pluginmanager=plugins, get_terminal_writer=lambda: writer))("[1/2] a cell")


def planned(**skips: str) -> list[Planned]:
    """Cells of these names, each with why it is skipped."""
    return [Planned(cast(Any, SimpleNamespace(id=name, model="bark")), skip) for name, skip in skips.items()]


def entry(fullname: str, cell: str | None, number: int = 0) -> dict[str, Any]:
    info = {} if cell is None else {"schema_version": 1, "cell": cell}
    return {"fullname": fullname, "extra_info": info, "number": number}


def test_a_cell_stands_once_however_often_its_test_ran_and_whatever_it_was_called(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.json", "smoke", "current", "cpu")
    recorder.expect(planned(a="", b=""), {"a", "b"})
    recorder.measured("a", {"model": "bark", "cell": "a"})
    recorder.measured("b", {"model": "bark", "cell": "b"})
    repeated = [entry("t[a-1-2]", "a", 1), entry("t[b]", "b", 2), entry("own", None, 3), entry("t[a-2-2]", "a", 4)]
    again = [entry("own", None, 5), entry("t[b]", "b", 6)]
    kept = recorder.entries([*repeated, *again])
    assert [(one["fullname"], one["number"]) for one in kept] == [("t[a-2-2]", 4), ("t[b]", 6), ("own", 5)]


def test_a_cell_that_a_signal_cut_off_before_it_was_noted_has_no_entry(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.json", "smoke", "current", "cpu")
    recorder.expect(planned(a="", b=""), {"a", "b"})
    recorder.measured("a", {"model": "bark", "cell": "a"})
    assert [one["fullname"] for one in recorder.entries([entry("t[a]", "a"), entry("t[b]", "b")])] == ["t[a]"]


def test_a_cell_of_which_something_could_not_be_measured_has_failed_and_keeps_the_rest(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.json", "smoke", "current", "cpu")
    recorder.expect(planned(cell=""), {"cell"})
    recorder.measured("cell", {"model": "bark", "cell": "cell", "problem": "no room"})
    assert [(o.outcome, o.reason) for o in recorder.asked_for] == [("failed", "no room")]
    assert recorder.entries([entry("t[cell]", "cell")])


def test_what_was_measured_stands_whatever_comes_after(tmp_path: Any) -> None:
    recorder = Recorder(tmp_path / "run.json", "smoke", "current", "cpu")
    recorder.expect(planned(cell="", other=""), {"cell"})
    assert [(o.cell, o.outcome) for o in recorder.asked_for] == [("cell", "not run")]
    recorder.measured("cell", {"model": "bark", "cell": "cell"})
    recorder.not_measured("cell", "failed", "its verdict was worse")
    assert [o.outcome for o in recorder.outcomes.values()] == ["measured", "not asked for"]


def test_a_cell_that_cannot_run_here_is_skipped_whatever_ends_the_run(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.json", "smoke", "current", "cpu")
    recorder.expect(planned(cell="", gpu="fp16 needs a GPU", other="fp16 needs a GPU"), {"cell", "gpu"})
    assert [(o.cell, o.outcome, o.reason) for o in recorder.outcomes.values()] == [
        ("cell", "not run", ""),
        ("gpu", "skipped", "fp16 needs a GPU"),
        ("other", "not asked for", ""),
    ]


@pytest.mark.parametrize("exit_code", [INTERRUPTED, USAGE])
def test_a_run_that_ended_while_it_waited_leaves_the_files_of_the_run_it_waited_for(
    exit_code: int, tmp_path: Path
) -> None:
    (tmp_path / "run.json").write_text("of the other run")
    recorder = Recorder(tmp_path / "run.json", "smoke", "current", "cpu")
    recorder.expect(planned(cell=""), {"cell"})
    waiting: Any = SimpleNamespace(recorder=recorder, began=False, base_side=None)
    assert finish(waiting, SimpleNamespace(getoption=lambda name: False), exit_code).exit_code == exit_code
    assert (tmp_path / "run.json").read_text() == "of the other run"


@pytest.mark.parametrize(
    ("compare", "against", "advises"), [(False, None, True), (True, None, False), (False, "python", False)]
)
def test_a_drill_advises_a_comparison_only_where_there_is_none(
    compare: bool, against: str | None, advises: bool
) -> None:
    settings = SimpleNamespace(drill="latency=+10%", compare=compare, against=against)
    assert ("add --benchmark-compare" in drilled(cast(Settings, settings))) is advises


def test_a_session_stops_rounds_that_have_settled_and_those_that_cannot_any_more() -> None:
    level = LEVELS["pr"]
    suite = Suite(cast(Settings, SimpleNamespace(level=level)), cast(Any, None), cast(Any, None))
    settled, drifted, ten = [1.0] * 8 + [1.2] * 2, [1.0] + [1.2] * 9, [2.8] * 10
    assert suite.policy.enough(ten, settled)
    assert suite.policy.enough(ten, drifted), "one more round fits, and seven are needed"
    assert not suite.policy.enough([1.0] * 10, drifted)
    assert not level.rounds.enough(ten, settled)
