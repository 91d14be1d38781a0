"""A live worker of another environment: real processes over real pipes, whose measurements are made up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.plugin.against import ROOT, Against
from benchmarks.plugin.other_side import OtherSide
from fixtures.errors import OutOfMemoryError, SuiteError
from fixtures.machine.quiet_core import QuietCores
from fixtures.meters.cupti import SWITCH
from fixtures.pairs import process as pairs
from fixtures.pairs.process import BrokenWorkerError, Side, WorkerProcess
from fixtures.pairs.protocol import GarbledError, Lines, Order, decoded, encoded
from fixtures.pairs.rounds import Launch, Samples, base_first, loaded
from fixtures.pairs.worker import MeasuringSide
from fixtures.rounds import Progress
from reports.records.schema import AgainstRecord
from reports.verdicts.rules import Status
from reports.verdicts.sides import judged

CELL = "tiny-sdpa-fp32-resident-dynamic-batch1"
ORDER = Order(CELL, 16, "synthetic", None, "cpu", 5)
OTHER = Side("the other side (python)", sys.executable, ROOT, clean=True)

ASKED = f"when asked to measure {CELL}"
Pretend = Callable[..., None]


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Workers are stand-ins (tests/fake_worker.py) from here on, and do as they are told."""
    monkeypatch.setattr(pairs, "MODULE", "tests.fake_worker")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def tell(**sides: Any) -> None:
        monkeypatch.setenv("FAKE_SIDES", json.dumps(sides))

    tell()
    return tell


@pytest.fixture
def worker(pretend: Pretend) -> Iterator[Callable[..., WorkerProcess]]:
    started: list[WorkerProcess] = []

    def start(side: Side = OTHER, timeout_s: float = 20.0) -> WorkerProcess:
        started.append(WorkerProcess(side, timeout_s))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@given(st.integers(0, 7), st.integers(0, 39))
def test_the_order_flips_from_pair_to_pair_and_from_launch_to_launch(launch: int, pair: int) -> None:
    assert base_first(launch, pair) is not base_first(launch, pair + 1)
    assert base_first(launch, pair) is not base_first(launch + 1, pair)


@given(st.dictionaries(st.text(), st.none() | st.text() | st.integers() | st.lists(st.text()), max_size=3))
def test_a_message_arrives_as_it_was_sent_and_is_one_line(message: dict[str, Any]) -> None:
    line = encoded(message)
    assert line.count(b"\n") == 1
    assert decoded(line) == message


@pytest.mark.parametrize("line", [b"Segmentation fault", b"[1]", b"\xff", b"[" * 100_000])
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(GarbledError):
        decoded(line)


def test_an_order_survives_its_message_and_an_unknown_field_does_not() -> None:
    assert Order.of(json.loads(json.dumps(ORDER.message()))) == ORDER
    for message in (ORDER.message() | {"new": 1}, {"cell": CELL}):
        with pytest.raises(GarbledError):
            Order.of(message)


def test_lines_come_one_by_one_however_they_were_cut(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    lines = Lines(reading)
    os.write(writing, b"one\ntw")
    assert lines.next(1) == b"one"
    with pytest.raises(TimeoutError):
        lines.next(0)
    os.write(writing, b"o\n")
    assert lines.next(1) == b"two"
    os.close(writing)
    assert lines.next(1) is None
    os.close(reading)


def test_a_worker_measures_loads_and_times(worker: Callable[..., WorkerProcess], pretend: Pretend) -> None:
    one = worker()
    assert one.ready()["environment"]["software"] == {"torch": "2.13.0"}
    seen: list[Any] = []
    answer = one.ask("measure", ORDER, seen.append)
    assert (answer["record"]["cell"], len(answer["rounds_s"])) == (CELL, 5)
    assert seen == [{"phase": "made up"}]
    one.ask("load", ORDER)
    assert one.ask("round") == {"latency_s": 0.125, "step_p10_s": 0.00125}


def test_a_worker_at_work_is_ended_and_not_waited_for(
    worker: Callable[..., WorkerProcess], pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "STOP_S", 600.0)
    pretend(other={"at": {"measure": "hang"}})
    busy, idle = worker(), worker()
    busy.send("measure", ORDER)
    idle.ready()
    busy.stop()
    idle.stop()
    assert busy._process.returncode == -signal.SIGKILL
    assert idle._process.returncode == 0


PARENT = """
import sys, time
from fixtures.pairs import process as pairs
from fixtures.pairs.protocol import Order
from pathlib import Path
pairs.MODULE = "tests.fake_worker"
worker = pairs.Worker(pairs.Side("it", sys.executable, Path.cwd()))
worker.ready()
worker.send("measure", Order("tiny-sdpa-fp32-resident-dynamic-batch1", 16, "synthetic", None, "cpu", 5))
print(worker.thread, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_a_worker_does_not_outlive_a_run_that_is_killed_though_it_is_at_work(pretend: Pretend) -> None:
    pretend(head={"at": {"measure": "hang"}})
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        assert worker.is_running()
        parent.kill()
    with suppress(psutil.NoSuchProcess):
        worker.wait(5)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE


def test_two_workers_work_at_the_same_time_and_are_answered_in_turn(
    worker: Callable[..., WorkerProcess], pretend: Pretend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    pretend(other={"at": {"load": "log"}}, head={"at": {"load": "log", "round": "memory"}})
    base, head = worker(), worker(Side("this side", sys.executable, ROOT))
    with loaded(Launch(base, head), ORDER, ORDER):
        assert len((tmp_path / "log").read_text().splitlines()) == 2
        base.send("round")
        head.send("round")
        with pytest.raises(OutOfMemoryError):
            head.answer()
        assert base.answer()["latency_s"] == 0.125


def test_a_side_that_cannot_load_leaves_the_other_one_whole(
    worker: Callable[..., WorkerProcess], pretend: Pretend
) -> None:
    pretend(other={"at": {"load": "memory"}})
    base, head = worker(), worker(Side("this side", sys.executable, ROOT))
    with pytest.raises(OutOfMemoryError), loaded(Launch(base, head), ORDER, ORDER):
        pass
    assert head.ask("round")["latency_s"] == 0.125
    assert base.ask("round")["latency_s"] == 0.125


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ({"start": "die"}, "ended while it started (exit code 1); it said last: ModuleNotFoundError"),
        ({"ready": "import"}, "cannot import what it needs: ImportError: No module named 'transformers'; install"),
        ({"ready": "die"}, "ended while it got ready (exit code 3)"),
        ({"measure": "die"}, f"ended {ASKED} (exit code 3); "
                             "it said last: terminate called after throwing"),
        ({"measure": "garbage"}, f"sent what is no message {ASKED}: b'Segmentation fault"),
        ({"measure": "crash"}, f"failed {ASKED}: RuntimeError: the driver fell over"),
    ],
)  # fmt: skip
def test_a_worker_that_breaks_says_how_and_is_gone(
    worker: Callable[..., WorkerProcess], pretend: Pretend, at: dict[str, str], says: str
) -> None:
    pretend(other={"at": at})
    one = worker()
    with pytest.raises(BrokenWorkerError) as caught:
        one.ask("measure", ORDER)
    assert says in str(caught.value)
    assert str(caught.value).startswith("the other side (python) ")
    assert not one.alive
    with pytest.raises(BrokenWorkerError, match="has ended and cannot round"):
        one.ask("round")


def test_a_worker_that_cannot_start_shows_how_to_look_at_it(
    worker: Callable[..., WorkerProcess], pretend: Pretend
) -> None:
    pretend(other={"at": {"start": "die"}})
    with pytest.raises(BrokenWorkerError, match=r"to see it alone: cd .* -m tests.fake_worker --check"):
        worker().ready()


def test_a_worker_that_hangs_is_killed_after_its_time(worker: Callable[..., WorkerProcess], pretend: Pretend) -> None:
    pretend(other={"at": {"round": "hang"}})
    one = worker()
    one.ready()
    one._timeout_s = 0.3
    with pytest.raises(BrokenWorkerError, match="no sign of life for 0 s when asked to round, so it was stopped; --ag"):
        one.ask("round")
    assert one._process.returncode == -9


def test_a_worker_of_another_version_is_refused_before_it_is_asked(
    worker: Callable[..., WorkerProcess], pretend: Pretend
) -> None:
    pretend(protocol=3)
    with pytest.raises(BrokenWorkerError, match=r"speaks version 3 of the protocol .* leave --against-tree out"):
        worker().ready()


def test_an_interpreter_that_is_none_is_refused() -> None:
    with pytest.raises(BrokenWorkerError, match="cannot be started: No such file"):
        WorkerProcess(replace(OTHER, python="/nowhere/python"))


@pytest.mark.parametrize(("how", "kind"), [("memory", OutOfMemoryError), ("lacks", SuiteError)])
def test_a_worker_that_cannot_do_a_cell_does_the_next(
    worker: Callable[..., WorkerProcess], pretend: Pretend, how: str, kind: type[SuiteError]
) -> None:
    pretend(other={"at": {"load 1": how}})
    one = worker()
    with pytest.raises(kind):
        one.ask("load", ORDER)
    assert one.ask("load", ORDER) == {}


def test_the_other_side_inherits_neither_this_sides_packages_nor_what_its_torch_can() -> None:
    variables = {"PYTHONPATH": "/here", "VIRTUAL_ENV": "/here", "PYTHONHOME": "/", "CUDA_VISIBLE_DEVICES": "1"}
    variables[SWITCH] = "1"
    assert OTHER.environment(variables) == {"CUDA_VISIBLE_DEVICES": "1"}
    assert "PYTHONPATH" in replace(OTHER, clean=False).environment(variables)


@pytest.fixture
def opposed(pretend: Pretend) -> Iterator[Callable[..., AgainstRecord]]:
    """Measures a cell against the other side, by the real driver."""
    used: list[OtherSide] = []

    def measure(*, cells: int = 1, launches: int = 8, times: int = 1, drill: str = "", **sides: Any) -> AgainstRecord:
        pretend(**sides)
        used.append(OtherSide(Against(Path(sys.executable), ROOT, launches, 20.0), cells, drill))
        used[-1].check({"id": "abc"}, None)
        for _ in range(times):
            found: dict[str, Any] = {}
            used[-1].measure(ORDER, "env-b", found)
        return AgainstRecord.model_validate(found)

    yield measure
    for one in used:
        one.close()


def test_identical_sides_are_never_worse_and_twenty_pairs_are_enough(opposed: Callable[..., AgainstRecord]) -> None:
    found = opposed(head={"noise": 0.02}, other={"noise": 0.02})
    assert found.pairs is not None
    assert found.pairs.launches == [5, 5, 5, 5]
    assert judged(found.pairs).status is Status.SAME
    assert found.record is not None
    assert (found.record.cell, found.record.environment, found.problem) == (CELL, "env-b", "")


def test_a_slower_side_is_found_after_twenty_pairs(opposed: Callable[..., AgainstRecord]) -> None:
    found = opposed(head={"noise": 0.02, "step": 0.00125 * 1.1}, other={"noise": 0.02})
    assert found.pairs is not None
    assert found.pairs.launches == [5, 5, 5, 5]
    assert judged(found.pairs).status is Status.WORSE


def test_a_cell_of_many_is_screened_first_and_measured_afresh_where_it_stands_out(
    opposed: Callable[..., AgainstRecord],
) -> None:
    same = opposed(cells=20, times=2)
    assert same.pairs is not None
    assert (same.pairs.launches, same.pairs.family) == ([20], True)
    slower = opposed(cells=20, head={"step": 0.00125 * 1.1})
    assert slower.pairs is not None
    assert slower.pairs.launches == [5] * 8
    assert judged(slower.pairs).status is Status.WORSE


def test_pairs_are_timed_in_processes_that_never_counted(
    opposed: Callable[..., AgainstRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    log = {"at": {"measure": "log", "round": "log"}}
    opposed(launches=4, head=log, other=log)
    done: dict[str, set[str]] = {}
    order = []
    for line in (tmp_path / "log").read_text().splitlines():
        role, process, what = line.split()
        done.setdefault(process, set()).add(what)
        order += [role[0]] if what == "round" else []
    assert sorted(map(sorted, done.values())) == [["measure"]] + [["round"]] * 8, "two fresh processes a launch"
    assert "".join(order) == ("ohhoohhooh" + "hoohhoohho") * 2


def test_a_drill_is_planted_in_this_side_alone(
    opposed: Callable[..., AgainstRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    log = {"at": {"load": "log"}}
    opposed(launches=4, drill="latency=+10%", head=log, other=log)
    loads = {line.split()[0]: line.split()[2] for line in (tmp_path / "log").read_text().splitlines()}
    assert loads == {"other": "load", "head": "loadlatency=+10%"}


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("tiny-eager-fp32-cpu_offload-dynamic-batch1", "cannot run there: cpu_offload needs a GPU"),
        ("tiny-unheard_of-fp32-resident-dynamic-batch1", "unknown attention 'unheard_of' in "),
    ],
)
def test_a_cell_that_a_side_cannot_build_says_why(cell: str, says: str) -> None:
    with pytest.raises(SuiteError, match=says):
        MeasuringSide().load(replace(ORDER, cell=cell), lambda progress: None)


@pytest.mark.parametrize(
    ("at", "pairs_kept", "broken", "says"),
    [
        ({"other": {"at": {"round 3": "die"}}}, 2, True, "ended when asked to round (exit code 3)"),
        ({"head": {"at": {"round 2": "memory"}}}, 1, False, "both sides hold the model at once, about twice 60.0 MB"),
        ({"head": {"at": {"load": "lacks"}}}, 0, False, "this side: unknown attention"),
    ],
)
def test_pairs_that_break_off_keep_what_was_measured(
    opposed: Callable[..., AgainstRecord], at: dict[str, Any], pairs_kept: int, broken: bool, says: str
) -> None:
    found = opposed(**at)
    assert found.record is not None
    assert sum(found.pairs.launches if found.pairs else ()) == pairs_kept
    assert (found.broken, says in found.problem) == (broken, True), found.problem


@pytest.mark.parametrize(("cells", "kept"), [(1, [5, 2]), (20, [7])])
def test_pairs_that_are_interrupted_keep_what_was_measured(pretend: Pretend, cells: int, kept: list[int]) -> None:
    other = OtherSide(Against(Path(sys.executable), ROOT, 8, 20.0), cells)
    other.check({"id": "abc"}, None)
    found: dict[str, Any] = {}
    written: list[Any] = []

    def interrupt(progress: Progress) -> None:
        if progress.phase == "pairs" and progress.rounds_done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        other.measure(ORDER, "env-b", found, interrupt, lambda: written.append(json.loads(json.dumps(found))))
    other.close()
    read = AgainstRecord.model_validate(found)
    assert read.record is not None
    assert read.pairs is not None
    assert (read.pairs.launches, read.problem) == (kept, "the run ended before all pairs were timed")
    assert read.broken, "what was timed before is no verdict"
    launches = [one["pairs"]["launches"] if "pairs" in one else [] for one in written]
    assert launches == [[], [5]] if cells == 1 else launches == [[]], "written down after each launch"


def test_the_next_launch_starts_while_one_loads_and_is_up_before_anything_is_timed(
    opposed: Callable[..., AgainstRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    log = {"at": {"ready": "log", "round": "log"}}
    opposed(launches=4, head=log, other=log)
    done = [line.split()[2] for line in (tmp_path / "log").read_text().splitlines()]
    assert [what for what in done if what == "ready"] == ["ready"] * 9
    assert done[:5] == ["ready"] * 5, "the counting worker, and two launches of both sides"
    assert done[5:17] == ["round"] * 10 + ["ready"] * 2, "the third one after the first one's pairs"


def test_a_side_that_died_is_started_again_for_the_next_cell(opposed: Callable[..., AgainstRecord]) -> None:
    found = opposed(cells=20, times=2, other={"at": {"round 21": "die"}})
    assert (found.problem != "", found.broken) == (True, True)
    again = opposed(cells=20, times=3, other={"at": {"round 21": "die"}})
    assert (again.problem, again.broken) == ("", False)


def test_a_shared_side_whose_partner_is_gone_ends_before_the_next_launch(pretend: Pretend) -> None:
    pretend(other={"at": {"release 1": "die"}})
    started: list[WorkerProcess] = []

    def start(side: Side, timeout_s: float) -> WorkerProcess:
        started.append(WorkerProcess(side, timeout_s))
        return started[-1]

    other = OtherSide(Against(Path(sys.executable), ROOT, 8, 20.0), 20, start=start)
    other.check({"id": "abc"}, None)
    for _ in range(2):
        found: dict[str, Any] = {}
        other.measure(ORDER, "env-b", found)
        assert "problem" not in found
    _, *shared = started
    assert [one.side.name == "this side" for one in shared] == [False, True] * 2
    assert [one.alive for one in shared[:2]] == [False, False], "neither holds the device beside the next cell"
    other.close()


@pytest.mark.parametrize(
    ("cells", "launches", "says"),
    [
        (1, 3, "=3: a cell is judged by 20 pairs or more, 5 a launch, so that nothing would ever be found; give 4 or"),
        (4, 1, "=1: 4 cells are judged by 20 pairs"),
        (
            5,
            7,
            "=7: 5 cells are judged by 40 pairs or more, 5 a launch, so that nothing would ever be found; give 8 or",
        ),
    ],
)
def test_launches_that_can_find_nothing_are_refused_before_anything_starts(
    pretend: Pretend, cells: int, launches: int, says: str
) -> None:
    pretend(other={"at": {"start": "die"}})
    with pytest.raises(SuiteError) as caught:
        OtherSide(Against(Path(sys.executable), ROOT, launches), cells).check({"id": "abc"}, None)
    assert says in str(caught.value)


@pytest.mark.parametrize(("cells", "launches"), [(1, 0), (1, 4), (5, 0), (5, 8)])
def test_launches_that_can_find_something_are_taken(
    opposed: Callable[..., AgainstRecord], cells: int, launches: int
) -> None:
    assert opposed(cells=cells, launches=launches).problem == ""


@pytest.mark.parametrize(("ends_at", "kept"), [(7, [20]), (22, [5, 5, 5, 5, 2])])
def test_a_screen_stands_until_fresh_launches_have_as_much_to_say(
    pretend: Pretend, ends_at: int, kept: list[int]
) -> None:
    pretend(head={"step": 0.00125 * 1.5})
    other = OtherSide(Against(Path(sys.executable), ROOT, 8, 20.0), 20)
    other.check({"id": "abc"}, None)
    found: dict[str, Any] = {}

    def interrupt(progress: Progress) -> None:
        if (progress.phase, progress.rounds_done, progress.rounds_expected) == ("pairs", ends_at, 40):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        other.measure(ORDER, "env-b", found, interrupt)
    other.close()
    read = AgainstRecord.model_validate(found).pairs
    assert read is not None
    assert read.launches == kept
    assert judged(read).status is Status.WORSE


movable = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads cannot be moved here")


class Seats(QuietCores):
    """Seats the threads of a pair, and notes which and where each then was."""

    def __init__(self) -> None:
        super().__init__(sorted(os.sched_getaffinity(0)))
        self.seen: list[tuple[tuple[int, ...], set[int]]] = []

    def pin(self, threads: Sequence[int]) -> None:
        super().pin(threads)
        self.seen.append((tuple(threads), {core for one in threads for core in os.sched_getaffinity(one)}))


@movable
def test_both_rounds_of_a_pair_are_paced_from_one_core_and_all_else_is_not(
    pretend: Pretend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    told = {"at": dict.fromkeys(("measure", "load", "round"), "cores")}
    pretend(head=told, other=told)
    every = sorted(os.sched_getaffinity(0))
    seats = Seats()
    asked: list[str] = []

    def cores(device: str) -> QuietCores:
        asked.append(device)
        return seats

    other = OtherSide(Against(Path(sys.executable), ROOT, 4, 20.0), 1, cores=cores)
    other.check({"id": "abc"}, None)
    other.measure(ORDER, "env-b", {})
    other.close()
    assert set(asked) == {"cpu"}
    assert [len(cores) for _, cores in seats.seen] == [1] * 20
    assert len({threads for threads, _ in seats.seen}) == 4, "four launches of two processes"
    said = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    paced = [cores for what, cores in said if what == "round"]
    assert [(len(one), one == two) for one, two in zip(paced[::2], paced[1::2], strict=True)] == [(1, True)] * 20
    assert {what: cores for what, cores in said if what != "round"} == {"measure": every, "load": every}
    assert [what for what, _ in said].count("load") == 8


@movable
def test_where_a_wrapper_starts_the_process_that_measures_neither_side_is_moved(
    pretend: Pretend, tmp_path: Path
) -> None:
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\n"{sys.executable}" "$@"\nexit $?\n')
    wrapper.chmod(0o755)
    seats = Seats()
    other = OtherSide(Against(wrapper, ROOT, 4, 20.0), 1, cores=lambda device: seats)
    other.check({"id": "abc"}, None)
    found: dict[str, Any] = {}
    other.measure(ORDER, "env-b", found)
    other.close()
    assert len(found["pairs"]["base_s"]) == 20
    assert seats.seen == []


@movable
def test_a_process_that_has_ended_is_not_moved(pretend: Pretend) -> None:
    pretend(head={"at": {"round 3": "die"}})
    seats = Seats()
    other = OtherSide(Against(Path(sys.executable), ROOT, 4, 20.0), 1, cores=lambda device: seats)
    other.check({"id": "abc"}, None)
    freed: list[list[int]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fixtures.pairs.rounds.free", lambda threads: freed.append(list(threads)))
        other.measure(ORDER, "env-b", {})
    other.close()
    base, _ = seats.seen[0][0]
    assert freed == [[base]]


@movable
def test_a_shared_launch_is_freed_for_what_it_loads_next(pretend: Pretend) -> None:
    seats = Seats()
    other = OtherSide(Against(Path(sys.executable), ROOT, 8, 20.0), 20, cores=lambda device: seats)
    other.check({"id": "abc"}, None)
    other.measure(ORDER, "env-b", {})
    (threads,) = {threads for threads, _ in seats.seen}
    assert [os.sched_getaffinity(one) for one in threads] == [os.sched_getaffinity(0)] * 2
    other.close()


def test_another_card_is_refused(pretend: Pretend) -> None:
    other = OtherSide(Against(Path(sys.executable), ROOT), 1)
    with pytest.raises(SuiteError, match=r"sees another GPU \(none\) than this one \(NVIDIA H200\)"):
        other.check({"id": "abc"}, {"model": "NVIDIA H200", "card": "c0ffee"})
    other.close()


def test_samples_leave_out_a_launch_without_a_pair() -> None:
    assert Samples(launches=[5, 0]).record()["launches"] == [5]


def test_where_one_side_has_no_steps_whole_rounds_of_both_are_compared() -> None:
    samples = Samples(launches=[0])
    samples.add({"latency_s": 1.0}, {"latency_s": 1.6, "step_p10_s": 0.01})
    samples.add({"latency_s": 1.0, "step_p10_s": 0.02}, {"latency_s": 1.6, "step_p10_s": 0.03})
    assert samples.base_step_p10_s == [1.0, 0.02]
    assert samples.head_step_p10_s == [1.6, 0.03]
