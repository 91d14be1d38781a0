"""The process that counts: what it is asked, what it answers, and what happens where it cannot."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks.harness import counting as counting_module
from benchmarks.harness.against import ROOT
from benchmarks.harness.counting import Counting, counting_for
from benchmarks.harness.settings import Settings
from benchmarks.harness.suite import BarkSuite
from benchmarks.harness.traces import Traces
from fixtures import pairs
from fixtures.checkpoints.source import Checkpoint
from fixtures.errors import SuiteError
from fixtures.machine.gpus import Machine
from fixtures.matrix.levels import LEVELS
from fixtures.meters.trace import PARTS
from fixtures.pair_protocol import Order
from fixtures.pairs import BrokenWorkerError, Side, Worker
from fixtures.rounds import Progress, quietly
from tests.fake_worker import PART

CELL = "tiny-sdpa-fp32-resident-dynamic-batch1"
ORDER = Order(CELL, 16, "synthetic", None, "cpu", 5, drill="memory=+64MiB")
DIGEST = "c0ffee"


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Workers are stand-ins (tests/fake_worker.py), and do as they are told."""
    monkeypatch.setattr(pairs, "MODULE", "tests.fake_worker")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return lambda **wanted: monkeypatch.setenv("FAKE_SIDES", json.dumps({"head": wanted}))


@pytest.fixture
def started() -> list[Worker]:
    return []


@pytest.fixture
def counting(pretend: Callable[..., None], started: list[Worker]) -> Iterator[Counting]:
    def start(side: Side, timeout_s: float) -> Worker:
        started.append(Worker(side, 20))
        return started[-1]

    one = Counting(start)
    yield one
    one.close()


def test_only_a_gpu_needs_it_that_lets_two_processes_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    assert counting_for("cpu", said.append) is None
    monkeypatch.setattr(counting_module, "one_process_only", lambda: False)
    assert isinstance(counting_for("cuda:0", said.append), Counting)
    assert said == []
    monkeypatch.setattr(counting_module, "one_process_only", lambda: True)
    assert counting_for("cuda:0", said.append) is None
    assert "the GPU lets one process at a time compute" in said[0]


def test_one_process_counts_all_cells(counting: Counting, started: list[Worker]) -> None:
    phases: list[str] = []
    for _ in range(2):
        reading = counting.count(ORDER, DIGEST, lambda seen: phases.append(seen.phase))
        assert reading.parts.keys() == set(PARTS)
        assert reading.total.exact() == PART
    assert len(started) == 1
    assert phases == ["counters: made up"] * 2
    counting.close()
    assert not started[0].alive
    counting.count(ORDER, DIGEST, quietly)
    assert len(started) == 2


def test_it_runs_this_interpreter_and_checkout_and_gets_the_drill(
    counting: Counting, pretend: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    pretend(at={"count": "log"})
    counting.count(ORDER, DIGEST, quietly)
    role, process, asked = (tmp_path / "log").read_text().split(maxsplit=2)
    assert (role, asked) == ("head", "countmemory=+64MiB\n")
    assert int(process) != os.getpid()
    assert (counting.side.python, counting.side.tree) == (sys.executable, ROOT)


def test_its_trace_is_kept(counting: Counting, tmp_path: Path) -> None:
    warnings: list[str] = []
    traces = Traces(tmp_path / "traces", warnings.append)
    counting.count(ORDER, DIGEST, quietly, lambda trace: traces.keep(CELL, trace))
    assert warnings == []
    assert [path.name for path in traces.folder.iterdir()] == [f"{CELL}.json.gz"]


def test_a_trace_that_it_could_not_write_is_a_warning(
    counting: Counting, pretend: Callable[..., None], tmp_path: Path
) -> None:
    pretend(no_trace=True)
    warnings: list[str] = []
    traces = Traces(tmp_path / "traces", warnings.append)
    assert counting.count(ORDER, DIGEST, quietly, lambda trace: traces.keep(CELL, trace)).total.aten_calls
    (said,) = warnings
    assert said.startswith(f"{CELL} is measured but has no trace")


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("die", f"the counting process ended when asked to count {CELL} (exit code 3)"),
        ("crash", f"the counting process failed when asked to count {CELL}: RuntimeError: the driver fell over"),
        ("garbage", "sent what is no message"),
        ("memory", "the counting process: the cell ran out of memory: Tried to allocate 20.00 GiB"),
        ("lacks", "the counting process: unknown attention 'sdpa'"),
    ],
)
def test_one_that_failed_is_ended_and_the_next_cell_has_another(
    counting: Counting, pretend: Callable[..., None], started: list[Worker], how: str, says: str
) -> None:
    pretend(at={"count": how})
    with pytest.raises(SuiteError) as failed:
        counting.count(ORDER, DIGEST, quietly)
    assert says in str(failed.value)
    assert "--against" not in str(failed.value)
    assert not started[0].alive
    pretend()
    assert counting.count(ORDER, DIGEST, quietly).total.exact() == PART
    assert len(started) == 2


def test_one_that_is_left_while_it_works_is_ended_at_once(
    counting: Counting, pretend: Callable[..., None], started: list[Worker]
) -> None:
    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    pretend(at={"count": "hang"})
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        counting.count(ORDER, DIGEST, interrupt)
    assert time.monotonic() - begun < pairs.STOP_S  # not asked to end by itself, and waited for
    assert not started[0].alive


def test_one_that_hangs_is_stopped_without_advice_that_does_not_apply(
    pretend: Callable[..., None],
) -> None:
    pretend(at={"count": "hang"})
    counting = Counting(lambda side, timeout_s: Worker(side, 1))
    with pytest.raises(BrokenWorkerError) as broken:
        counting.count(ORDER, DIGEST, quietly)
    assert "gave no sign of life for 1 s" in str(broken.value)
    assert "--against" not in str(broken.value)


def test_counters_of_other_weights_are_refused(counting: Counting, pretend: Callable[..., None]) -> None:
    pretend(checkpoint="decaf")
    with pytest.raises(SuiteError, match=r"loaded another checkpoint \(decaf\) than was measured \(c0ffee\)"):
        counting.count(ORDER, DIGEST, quietly)


def test_an_answer_without_counters_is_refused() -> None:
    class Silent:
        def ask(self, *arguments: Any, **more: Any) -> dict[str, Any]:
            return {"checkpoint": DIGEST}

        def kill(self) -> None:
            pass

    counting = Counting(lambda side, timeout_s: cast(Worker, Silent()))
    with pytest.raises(SuiteError, match="counters of another process cannot be read"):
        counting.count(ORDER, DIGEST, quietly)


def test_it_loads_what_was_measured_to_the_commit() -> None:
    asked: list[tuple[Order, str]] = []
    noting = SimpleNamespace(count=lambda order, digest, report, keep: asked.append((order, digest)))
    settings = SimpleNamespace(
        level=LEVELS["smoke"],
        checkpoint_source="auto",
        checkpoint_revision="main",
        machine=Machine(None, {}),
    )
    suite: Any = BarkSuite(cast(Settings, settings), cast(Any, SimpleNamespace(limits=None, drill="")), cast(Any, None))
    suite.counting = noting
    suite._counted(CELL, Checkpoint("tiny", "hub", "suno/bark", "70a8a7d", DIGEST), None)
    ((order, digest),) = asked
    assert (order.checkpoint_source, order.checkpoint_revision, digest) == ("hub", "70a8a7d", DIGEST)
