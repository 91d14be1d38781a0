"""The base side of a session. Its workers are made up and live in this process; tests/fixtures has real processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from benchmarks.plugin.against import ROOT, Against
from benchmarks.plugin.base_side import BaseSide
from benchmarks.plugin.pairs import cells_lost
from fixtures.errors import OutOfMemoryError, SuiteError
from fixtures.levels import LEVELS
from fixtures.machine.gpus import Machine
from fixtures.pairs.process import BrokenWorkerError, Side, WorkerProcess
from fixtures.pairs.protocol import Order
from fixtures.pairs.worker import runnable
from fixtures.rounds import Progress
from reports.records.schema import AgainstRecord
from reports.verdicts.rules import Status
from reports.verdicts.sides import judged
from tests.fake_worker import FakeSide
from tests.lanes import MATRIX

CELL = "tiny-sdpa-fp32-resident-dynamic-batch1"
ORDER = Order(CELL, 16, "synthetic", None, "cpu", 5)
SLOWER = {"step": 0.00125 * 1.1}


class InProcessSide(FakeSide):
    """Logs what it does; cannot end its process, which is the test's."""

    def __init__(self, role: str, wanted: Mapping[str, Any], log: Callable[[str], None]) -> None:
        super().__init__(role, wanted)
        self.log = log

    def misbehave(self, what: str, detail: str = "") -> None:
        self.log(f"{what} {detail}".strip())
        super().misbehave(what, detail)

    def die(self) -> NoReturn:
        raise ConnectionError("died")


class InProcessWorker(WorkerProcess):
    """A worker without a process: requests are carried out when their answer is read."""

    def __init__(self, side: Side, fake: FakeSide) -> None:
        self.side = side
        self._fake = fake
        self._dismissed = False
        self._description = None
        self._pending: Callable[[], dict[str, Any]] | None = None

    @property
    def thread(self) -> int | None:
        return None

    def ready(self) -> dict[str, Any]:
        if self._description is None:
            self._description = self._fake.describe()
        return self._description

    def send(self, do: str, order: Order | None = None) -> None:
        assert self.alive
        assert self._pending is None, "one request at a time"
        self.ready()
        request = getattr(self._fake, do)
        self._pending = lambda: request(order, lambda progress: None) if order else request()

    def answer(self, report: Callable[[dict[str, Any]], None] = lambda progress: None) -> dict[str, Any]:
        assert self._pending
        request, self._pending = self._pending, None
        try:
            done: dict[str, Any] = request()
        except ConnectionError:
            self.stop()
            raise BrokenWorkerError(f"{self.side.name} died") from None
        except OutOfMemoryError as error:
            raise OutOfMemoryError(f"{self.side.name}: {error}") from None
        except SuiteError as error:
            raise SuiteError(f"{self.side.name}: {error}") from None
        return done

    def dismiss(self) -> None:
        self._dismissed = True

    def stop(self) -> None:
        self.dismiss()


class Pair:
    """A base side whose workers are made up, and all that they did: role, number of the worker, request."""

    def __init__(self) -> None:
        self.log: list[tuple[str, int, str]] = []
        self.started: list[WorkerProcess] = []
        self._sides: Mapping[str, Any] = {}

    def base_side(self, *, cells: int = 1, launches: int = 8, drill: str = "", **sides: Any) -> BaseSide:
        self._sides = sides
        return BaseSide(Against(Path(sys.executable), ROOT, launches), cells, drill, start=self._start)

    def measure(self, *, times: int = 1, **options: Any) -> AgainstRecord:
        base_side = self.base_side(**options)
        base_side.check({"id": "abc"}, None)
        for _ in range(times):
            result: dict[str, Any] = {}
            base_side.measure(ORDER, "env-b", result)
        base_side.close()
        assert not any(worker.alive for worker in self.started)
        return AgainstRecord.model_validate(result)

    def _start(self, side: Side, timeout_s: float) -> WorkerProcess:
        role, number = "base" if side.clean else "head", len(self.started)

        def log(what: str) -> None:
            self.log.append((role, number, what))

        log("start")
        self.started.append(InProcessWorker(side, InProcessSide(role, self._sides.get(role, {}), log)))
        return self.started[-1]


@pytest.fixture
def pair() -> Pair:
    return Pair()


def launches_of(against: AgainstRecord) -> list[int]:
    return against.pairs.launches if against.pairs else []


@pytest.mark.parametrize(
    ("head", "status"), [({"noise": 0.02}, Status.SAME), ({"noise": 0.02, **SLOWER}, Status.WORSE)]
)
def test_twenty_pairs_are_enough_for_a_clear_verdict(pair: Pair, head: dict[str, Any], status: Status) -> None:
    against = pair.measure(head=head, base={"noise": 0.02})
    assert against.pairs is not None
    assert against.pairs.launches == [5, 5, 5, 5]
    assert judged(against.pairs).status is status
    assert against.record is not None
    assert (against.record.cell, against.record.environment, against.problem) == (CELL, "env-b", "")


def test_a_cell_of_many_is_screened_and_measured_afresh_only_where_it_stands_out(pair: Pair) -> None:
    same = pair.measure(cells=20, times=2)
    assert same.pairs is not None
    assert (same.pairs.launches, same.pairs.family) == ([20], True)
    slower = pair.measure(cells=20, head=SLOWER)
    assert slower.pairs is not None
    assert slower.pairs.launches == [5] * 8
    assert judged(slower.pairs).status is Status.WORSE


def test_pairs_are_interleaved_in_processes_that_never_count(pair: Pair) -> None:
    pair.measure(launches=4)
    requests: dict[int, set[str]] = {}
    for _, worker, what in pair.log:
        requests.setdefault(worker, set()).update({what} & {"measure", "round"})
    assert sorted(map(sorted, requests.values())) == [["measure"]] + [["round"]] * 8, "two fresh processes a launch"
    order = "".join(role[0] for role, _, what in pair.log if what == "round")
    assert order == ("bhhbbhhbbh" + "hbbhhbbhhb") * 2


def test_the_next_launch_is_up_before_anything_is_timed(pair: Pair) -> None:
    pair.measure(launches=4)
    done = [what for _, _, what in pair.log if what in ("ready", "round")]
    assert done.count("ready") == 9
    assert done[:5] == ["ready"] * 5, "the counting worker, and two launches of both sides"
    assert done[5:17] == ["round"] * 10 + ["ready"] * 2, "the third launch after the pairs of the first"
    started = [what for _, _, what in pair.log]
    assert started[: started.index("load")].count("start") == 5, "the second launch imports while the first one loads"


def test_a_drill_is_injected_into_the_head_alone(pair: Pair) -> None:
    pair.measure(launches=4, drill="latency=+10%")
    assert {(role, what) for role, _, what in pair.log if what.startswith("load")} == {
        ("base", "load"),
        ("head", "load latency=+10%"),
    }


@pytest.mark.parametrize(
    ("sides", "pairs_kept", "broken", "message"),
    [
        ({"base": {"at": {"round 3": "die"}}}, 2, True, "the base ("),
        ({"head": {"at": {"round 2": "memory"}}}, 1, False, "both sides hold the model at once, about twice 60.0 MB"),
        ({"head": {"at": {"load": "lacks"}}}, 0, False, "the head: unknown attention"),
    ],
)
def test_pairs_that_break_off_keep_what_was_measured(
    pair: Pair, sides: dict[str, Any], pairs_kept: int, broken: bool, message: str
) -> None:
    against = pair.measure(**sides)
    assert against.record is not None
    assert sum(launches_of(against)) == pairs_kept
    assert (against.broken, message in against.problem) == (broken, True), against.problem


def interrupted(base_side: BaseSide, pairs: int, of: int) -> tuple[AgainstRecord, list[list[int]]]:
    """What a run holds that is interrupted after so many pairs, and the launches of each time that it was saved."""
    base_side.check({"id": "abc"}, None)
    result: dict[str, Any] = {}
    saved: list[list[int]] = []

    def interrupt(progress: Progress) -> None:
        if (progress.phase, progress.rounds_done, progress.rounds_expected) == ("pairs", pairs, of):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        base_side.measure(
            ORDER, "env-b", result, interrupt, lambda: saved.append(list(result.get("pairs", {}).get("launches", ())))
        )
    return AgainstRecord.model_validate(result), saved


@pytest.mark.parametrize(
    ("cells", "of", "kept", "saved"), [(1, 40, [5, 2], [[], [5]]), (20, 20, [7], [[]])], ids=["alone", "screened"]
)
def test_pairs_that_are_interrupted_are_kept_and_are_no_verdict(
    pair: Pair, cells: int, of: int, kept: list[int], saved: list[list[int]]
) -> None:
    against, saves = interrupted(pair.base_side(cells=cells), 7, of)
    assert against.record is not None
    assert (launches_of(against), against.problem) == (kept, "the run ended before all pairs were timed")
    assert against.broken
    assert saves == saved, "saved after each launch"


@pytest.mark.parametrize(("pairs", "kept"), [(7, [20]), (22, [5, 5, 5, 5, 2])])
def test_a_screening_stands_until_fresh_launches_have_as_many_pairs(pair: Pair, pairs: int, kept: list[int]) -> None:
    against, _ = interrupted(pair.base_side(cells=20, head={"step": 0.00125 * 1.5}), pairs, 40)
    assert launches_of(against) == kept
    assert against.pairs is not None
    assert judged(against.pairs).status is Status.WORSE


def test_a_side_that_died_is_started_again_for_the_next_cell(pair: Pair) -> None:
    died = {"at": {"round 21": "die"}}
    second = pair.measure(cells=20, times=2, base=died)
    assert (second.problem != "", second.broken) == (True, True)
    third = pair.measure(cells=20, times=3, base=died)
    assert (third.problem, third.broken) == ("", False)


def test_a_screening_worker_whose_partner_died_ends_before_the_next_cell(pair: Pair) -> None:
    base_side = pair.base_side(cells=20, base={"at": {"release 1": "die"}})
    base_side.check({"id": "abc"}, None)
    for _ in range(2):
        result: dict[str, Any] = {}
        base_side.measure(ORDER, "env-b", result)
        assert "problem" not in result
    _, *screening = pair.started
    assert [worker.side.name == "the head" for worker in screening] == [False, True] * 2
    assert [worker.alive for worker in screening[:2]] == [False, False], "neither holds the device beside the next cell"


@pytest.mark.parametrize(
    ("cells", "launches", "message"),
    [
        (
            1,
            3,
            "=3: a cell needs at least 20 pairs (5 a launch) for any verdict; give 4 or more, or 0 to time no pairs",
        ),
        (4, 1, "=1: 4 cells need at least 20 pairs"),
        (5, 7, "=7: 5 cells need at least 40 pairs (5 a launch) for any verdict; give 8 or more"),
    ],
)
def test_too_few_launches_for_a_verdict_are_refused_before_anything_starts(
    pair: Pair, cells: int, launches: int, message: str
) -> None:
    with pytest.raises(SuiteError) as caught:
        pair.base_side(cells=cells, launches=launches).check({"id": "abc"}, None)
    assert message in str(caught.value)
    assert pair.started == []


@pytest.mark.parametrize(("cells", "launches"), [(1, 0), (1, 4), (5, 0), (5, 8)])
def test_enough_launches_for_a_verdict_are_accepted(pair: Pair, cells: int, launches: int) -> None:
    assert pair.measure(cells=cells, launches=launches).problem == ""


def test_an_invalid_record_names_its_field(pair: Pair) -> None:
    against = pair.measure(base={"metrics": {"weights": "many"}})
    assert (against.record, against.pairs, against.broken) == (None, None, True)
    assert against.problem.startswith("the base (")
    assert against.problem.endswith("sent an invalid record (field record.metrics.weights.value)")


def test_another_gpu_is_refused(pair: Pair) -> None:
    with pytest.raises(SuiteError, match=r"sees another GPU \(none\) than this run \(NVIDIA H200\)"):
        pair.base_side().check({"id": "abc"}, {"model": "NVIDIA H200", "card": "c0ffee"})


def test_cores_are_chosen_for_the_cells_device(pair: Pair) -> None:
    base_side = pair.base_side(launches=4)
    devices: list[str] = []
    base_side.cores = devices.append
    base_side.measure(ORDER, "env-b", {})
    assert devices == ["cpu"] * 4


CURRENT = {"transformers": "5.23.0", "optimum": "2.3.0"}
BLOG = {"transformers": "4.48.3", "optimum": "1.24.0"}
FLASH = CURRENT | {"flash-attn": "2.8.3"}
H200 = "NVIDIA H200"


def described(packages: dict[str, str], gpu: str | None = None) -> dict[str, Any]:
    """What a worker of this very tree says of itself."""
    return {"environment": {"software": {"python": "3.12.3", **packages}}, **runnable(MATRIX, Machine(gpu, packages))}


def test_a_cell_that_both_sides_skip_is_not_lost() -> None:
    for gpu in (None, H200):
        assert cells_lost(described(CURRENT, gpu), MATRIX, LEVELS["smoke"], Machine(gpu, CURRENT)) == {}


def test_a_cell_that_only_the_bases_packages_can_run_is_explained_by_them() -> None:
    lost = cells_lost(described(BLOG), MATRIX, LEVELS["smoke"], Machine(None, CURRENT))
    assert set(lost.values()) == {"packages"}
    assert {MATRIX[cell].name("attention") for cell in lost} == {"bettertransformer"}
    assert {MATRIX[cell].checkpoint for cell in lost} == {"tiny"}, "at this level"
    assert cells_lost(described(CURRENT), MATRIX, LEVELS["smoke"], Machine(None, BLOG)) == {}


def test_a_cell_that_only_the_bases_tree_can_run_is_lost_whatever_the_packages() -> None:
    offloaded = "tiny-eager-fp32-cpu_offload-dynamic-batch1"
    for packages in (CURRENT, BLOG):
        base = described(packages)
        base["runs"]["cpu"].append(offloaded)
        assert cells_lost(base, MATRIX, LEVELS["smoke"], Machine(None, CURRENT))[offloaded] == "tree"


def test_a_cell_of_an_axis_value_that_the_head_no_longer_has_is_lost() -> None:
    gone = "tiny-eager-fp8-resident-dynamic-batch1"
    base = described(CURRENT)
    base["runs"]["cpu"] += [gone, gone.replace("tiny", "small")]
    base["levels"]["smoke"].append(gone)
    assert cells_lost(base, MATRIX, LEVELS["smoke"], Machine(None, CURRENT)) == {gone: "tree"}, (
        "of this level's checkpoints"
    )


def test_cells_of_a_checkpoint_that_the_heads_level_no_longer_has_are_lost() -> None:
    base = described(CURRENT)
    small = "small-eager-fp32-resident-dynamic-batch1"
    base["levels"]["smoke"].append(small)
    lost = cells_lost(base, MATRIX, LEVELS["smoke"], Machine(None, CURRENT))
    assert {(MATRIX[cell].checkpoint, why) for cell, why in lost.items()} == {("small", "tree")}


def test_a_gpu_that_the_run_does_not_use_makes_no_difference() -> None:
    assert cells_lost(described(FLASH, H200), MATRIX, LEVELS["pr"], Machine(None, CURRENT)) == {}
    lost = cells_lost(described(FLASH, H200), MATRIX, LEVELS["pr"], Machine(H200, CURRENT))
    assert {MATRIX[cell].name("attention") for cell in lost} == {"flash_attention_2"}


def test_nothing_is_lost_to_a_checkout_that_does_not_say_what_it_can_run() -> None:
    assert cells_lost({"environment": {"software": CURRENT}}, MATRIX, LEVELS["smoke"], Machine(None, CURRENT)) == {}
