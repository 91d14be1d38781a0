"""The process that counts: what it is asked, what it answers, and what happens where it cannot."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.harness.against import ROOT
from benchmarks.harness.counting import Counting, apart
from benchmarks.harness.traces import Traces
from fixtures import pairs
from fixtures.errors import OutOfMemoryError, SuiteError
from fixtures.meters.trace import PARTS
from fixtures.pair_protocol import Order
from fixtures.pairs import BrokenWorkerError, Side, Worker
from fixtures.rounds import Progress
from tests.fake_worker import PART

CELL = "tiny-sdpa-fp32-resident-dynamic-batch1"
ORDER = Order(CELL, 16, "synthetic", None, "cpu", 5, drill="memory=+64MiB")
DIGEST = "c0ffee"


def quietly(progress: Progress) -> None:
    pass


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


def test_only_a_gpu_needs_it() -> None:
    assert (apart("cuda:0"), apart("cpu")) == (True, False)


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
    ],
)
def test_a_broken_one_is_replaced_for_the_next_cell(
    counting: Counting, pretend: Callable[..., None], started: list[Worker], how: str, says: str
) -> None:
    pretend(at={"count": how})
    with pytest.raises(BrokenWorkerError) as broken:
        counting.count(ORDER, DIGEST, quietly)
    assert says in str(broken.value)
    assert "--against" not in str(broken.value)
    pretend()
    assert counting.count(ORDER, DIGEST, quietly).total.exact() == PART
    assert len(started) == 2


def test_one_that_hangs_is_stopped_without_advice_that_does_not_apply(
    pretend: Callable[..., None],
) -> None:
    pretend(at={"count": "hang"})
    counting = Counting(lambda side, timeout_s: Worker(side, 1))
    with pytest.raises(BrokenWorkerError) as broken:
        counting.count(ORDER, DIGEST, quietly)
    assert "gave no sign of life for 1 s" in str(broken.value)
    assert "--against" not in str(broken.value)


def test_one_that_ran_out_of_memory_lives_on(
    counting: Counting, pretend: Callable[..., None], started: list[Worker]
) -> None:
    pretend(at={"count 1": "memory"})
    with pytest.raises(OutOfMemoryError, match=r"the counting process: .* 20\.00 GiB"):
        counting.count(ORDER, DIGEST, quietly)
    assert counting.count(ORDER, DIGEST, quietly).total.exact() == PART
    assert len(started) == 1


def test_counters_of_other_weights_are_refused(counting: Counting, pretend: Callable[..., None]) -> None:
    pretend(checkpoint="decaf")
    with pytest.raises(SuiteError, match=r"loaded another checkpoint \(decaf\) than was measured \(c0ffee\)"):
        counting.count(ORDER, DIGEST, quietly)


def test_an_answer_without_counters_is_refused() -> None:
    class Silent:
        def ask(self, *arguments: Any, **more: Any) -> dict[str, Any]:
            return {"checkpoint": DIGEST}

    counting = Counting(lambda side, timeout_s: Silent())  # type: ignore[arg-type,return-value]
    with pytest.raises(SuiteError, match="counters of another process cannot be read"):
        counting.count(ORDER, DIGEST, quietly)
