"""`-n`: several workers at once. A made-up machine stands for one with GPUs (tests/two_workers.py)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from fixtures.machine.lock import Patience, hold
from reports.records import runfile
from tests.lanes import SMOKE_CELLS
from tests.suite.conftest import OTHER, ROOT, SMALLEST, Ended, Suite

FOUR = "dynamic and fp32 and not bettertransformer"
PART = ("-k", f"batch1 and {FOUR}")
OF_A_RUN = {"datetime", "node"}
OF_WORKERS = {"worker", "workers", "card", "environment", "environments"}


@pytest.fixture
def workers(suite: Suite) -> Suite:
    """A suite on a machine with two devices."""
    return lambda *arguments, **options: suite(
        *arguments, plugins=("tests.fake_measure", "tests.two_workers"), **options
    )


def document(ended: Ended) -> Any:
    return json.loads((ended.folder / "latest" / "run.json").read_text())


def left(content: Any) -> Any:
    """A run file's JSON without what differs between two runs, and without what says that there were workers."""
    if isinstance(content, dict):
        return {key: left(value) for key, value in content.items() if key not in OF_A_RUN | OF_WORKERS}
    return [left(one) for one in content] if isinstance(content, list) else content


def test_two_workers_make_one_run_as_one_process_does(workers: Suite, suite: Suite, tmp_path: Path) -> None:
    # The first two cells, one for each worker, can be measured.
    cells = {OTHER: {"latency": 0.1234567890123, "peak_allocated": 61_000_000}, SMALLEST: {"raise": "suite"}}
    asked = (str(ROOT / "benchmarks"), "-k", f"own or ({FOUR})")
    gpu = {"FAKE_GPU": "NVIDIA H200"}
    alone = suite(*asked, target="tests/user_tests.py", cells=cells, environment=gpu)
    expected = document(alone)
    own, storage = tmp_path / "own.json", tmp_path / "storage"
    files = (f"--benchmark-json={own}", "--benchmark-save=x", f"--benchmark-storage=file://{storage}")
    ended = workers(*asked, "-n", "auto", *files, target="tests/user_tests.py", cells=cells, environment=gpu)
    found = document(ended)
    note = found["suite"]["warnings"].pop(0)

    assert note.startswith("2 workers measured at once, each with 4 of the host's 8 cores")
    assert left(found) == left(expected)
    assert ended.code == alone.code == 1
    assert "1 failed, 6 passed" in alone.output
    assert "1 failed, 6 passed" in ended.output
    assert found["machine_info"]["host"]["workers"] == 2
    measured = ended.run.cells.values()
    cards = {cell.worker.name: ended.run.environment_of(cell)["gpu"]["card"] for cell in measured if cell.worker}
    assert cards == {"gw0": "card 0", "gw1": "card 1"}
    measured_by = {cell.worker.name: cell.worker for cell in measured if cell.worker}
    assert {name: (one.of, one.gpu, one.cores) for name, one in measured_by.items()} == {
        "gw0": (2, None, "100-103"),
        "gw1": (2, None, "104-107"),
    }
    for said in ("bark: 2 workers on the CPU, 4 of 8 cores each", "[4/4] tiny-", "Relative performance"):
        assert said in ended.output
    assert "benchmark 'tiny batch8': 2 tests" in ended.output
    assert "automatically disabled" not in ended.output
    assert set(runfile.read(own).cells) == set(ended.run.cells)
    assert len(list(storage.rglob("*.json"))) == 1


def test_a_worker_that_dies_costs_only_its_cell_which_is_tried_once_more(workers: Suite, tmp_path: Path) -> None:
    cells = {
        SMALLEST: {"raise": "kill", "once": str(tmp_path / "killed")},
        OTHER: {"raise": "kill"},
    }
    junit = tmp_path / "junit.xml"
    ended = workers("-n2", "-k", FOUR, f"--junitxml={junit}", cells=cells)
    assert "3 passed" in ended.output
    assert "1 failed" in ended.output
    assert "2 rerun" in ended.output
    assert ended.code == 1
    assert len(ended.run.cells) == 3
    assert SMALLEST in ended.run.cells
    assert ended.run.suite.finished
    lost = ended.run.outcomes()[OTHER]
    assert lost.outcome == "failed"
    assert f"died, one after the other, while measuring {OTHER}" in lost.reason
    again = [line for line in ended.run.suite.warnings if line.endswith("it is measured again")]
    assert [SMALLEST in " ".join(again), OTHER in " ".join(again), len(again)] == [True, True, 2]
    tests = [test.get("name", "nameless") for test in ElementTree.parse(junit).iter("testcase")]
    measured = [name for name in tests if name.removeprefix("test_generate[").removesuffix("]") in ended.run.cells]
    assert sorted(measured) == sorted(f"test_generate[{cell}]" for cell in ended.run.cells)
    assert tests.count(f"test_generate[{OTHER}]") == 1
    assert "nameless" not in tests


def test_a_card_that_kills_every_worker_is_left_out_and_the_others_measure_all(suite: Suite, tmp_path: Path) -> None:
    pipe = tmp_path / "given-up"
    os.mkfifo(pipe)
    ended = suite(
        *("-n2", "--max-worker-restart=3", "-k", "tiny"),
        plugins=("tests.fake_measure", "tests.two_workers", "tests.sick_card"),
        environment={"FAKE_GIVEN_UP": str(pipe), "FAKE_DEATHS": "4"},
    )
    assert ended.code == 0, ended.output
    assert "2 rerun" in ended.output
    assert ended.passed == len(ended.run.cells) == SMOKE_CELLS
    assert ended.run.suite.finished
    assert sum("is given no more cells" in line for line in ended.run.suite.warnings) == 1


def test_a_worker_whose_context_broke_ends_and_the_cells_go_on_elsewhere(workers: Suite, tmp_path: Path) -> None:
    cells = {SMALLEST: {"raise": "break", "once": str(tmp_path / "broken")}}
    ended = workers("-n2", "-k", FOUR, cells=cells)
    assert ended.code == 0, ended.output
    assert "4 passed" in ended.output
    assert "1 rerun" in ended.output
    assert f"ends, {SMALLEST} has broken its context on cpu: CUDA error: an illegal memory access" in ended.output
    assert len(ended.run.cells) == 4


def test_many_cells_that_kill_their_workers_cost_no_other_cell(workers: Suite) -> None:
    *deadly, healthy = [
        f"tiny-{attention}-fp32-resident-dynamic-{batch}"
        for attention in ("eager", "sdpa")
        for batch in ("batch1", "batch8")
    ]
    ended = workers("-n1", "-k", FOUR, cells={cell: {"raise": "kill"} for cell in deadly})
    assert ended.code == 1
    assert list(ended.run.cells) == [healthy], "though pytest-xdist replaces one worker four times by itself"
    outcomes = ended.run.outcomes()
    assert {outcomes[cell].outcome for cell in deadly} == {"failed"}


def test_a_cell_whose_worker_is_not_replaced_never_passes(workers: Suite) -> None:
    ended = workers("-n2", "--max-worker-restart=0", *PART, cells={OTHER: {"raise": "kill"}})
    assert ended.code == 1
    assert "no worker was left" in ended.output
    assert ended.run.outcomes()[OTHER].outcome == "failed"
    assert list(ended.run.cells) == [SMALLEST]


def test_wall_times_of_several_workers_are_not_judged_by_those_of_one(
    workers: Suite, suite: Suite, tmp_path: Path
) -> None:
    gpu, junit = {"FAKE_GPU": "NVIDIA H200"}, tmp_path / "junit.xml"
    assert suite("--update-baselines", *PART, environment=gpu).code == 0
    cells = {OTHER: {"latency": 30.0, "step": 0.3}, SMALLEST: {"peak_allocated": 70_000_000}}
    ended = workers("-n2", "--benchmark-compare", *PART, f"--junitxml={junit}", environment=gpu, cells=cells)
    assert ended.code == 1
    assert "1 failed, 1 passed" in ended.output
    assert f"{SMALLEST}: peak_allocated worse" in ended.output
    assert f"{SMALLEST}: peak_allocated worse" in junit.read_text()
    assert 'property name="latency"' in junit.read_text()
    report = (ended.folder / "latest" / "report.md").read_text()
    assert "number of workers at once is 2 here and 1 in the baseline" in report


def test_one_worker_is_judged_as_one_process_is(with_baseline: Suite) -> None:
    ended = with_baseline("-n", "auto", "--benchmark-compare", *PART)
    assert ended.code == 0
    assert "passed: no regression" in ended.output
    assert "at once" not in ended.output
    assert "workers" not in ended.run.machine_info["host"]
    assert {cell.worker.name for cell in ended.run.cells.values() if cell.worker} == {"gw0"}


def test_a_worker_that_loaded_other_weights_fails_its_cell(workers: Suite, tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    ended = workers("-n2", *PART, f"--junitxml={junit}", environment={"FAKE_HUB": "card 1"})
    assert ended.code == 1
    assert "1 failed, 1 passed" in ended.output
    assert len(ended.run.cells) == 1
    (lost,) = [one for one in ended.run.suite.cells if one.outcome == "failed"]
    for said in ("hub weights c0ffee", "synthetic weights c0ffee", "--checkpoint-source=synthetic"):
        assert said in lost.reason
        assert said in junit.read_text()


def test_an_interrupted_worker_ends_the_run_and_what_was_measured_stands(workers: Suite) -> None:
    ended = workers("-n2", "-k", FOUR, cells={SMALLEST: {"raise": "interrupt"}})
    assert ended.code == 2
    assert not ended.run.suite.finished
    assert ended.run.outcomes()[SMALLEST].outcome == "not run"
    assert "measured again" not in ended.output


def test_a_disabled_benchmark_is_not_measured_by_a_worker_either(workers: Suite) -> None:
    ended = workers("-n2", *PART, "--benchmark-disable")
    assert ended.code == 0
    assert not (ended.folder / "latest" / "run.json").exists()


def test_workers_measure_one_shard_and_the_run_file_says_which(workers: Suite, suite: Suite) -> None:
    shard = ("-k", FOUR, "--shard=1/2")
    alone, ended = suite(*shard), workers(*shard, "-n", "auto")
    assert ended.run.suite.shards == alone.run.suite.shards
    assert [one.number for one in ended.run.suite.shards] == [1]
    assert ended.run.outcomes() == alone.run.outcomes()
    assert any(outcome.reason == "shard 2/2 measures it" for outcome in ended.run.suite.cells)
    (line,) = [one for one in alone.output.splitlines() if one.startswith("shard 1/2: ")]
    assert line in ended.output.splitlines()


def test_a_shard_without_a_cell_is_one_usage_error_and_leaves_the_last_run_alone(workers: Suite) -> None:
    before = workers("-n2", *PART)
    kept = sorted(path.name for path in (before.folder / "latest").iterdir())
    ended = workers("-n2", "-k", SMALLEST, "--shard=2/2")
    assert ended.code == 4
    assert ended.output.count("ERROR: ") == 1
    assert "ERROR: --shard=2/2 has nothing to measure: the selection leaves 1 cells" in ended.output
    assert "Traceback" not in ended.output
    assert "INTERNALERROR" not in ended.output
    assert sorted(path.name for path in (ended.folder / "latest").iterdir()) == kept
    assert ended.run == before.run


@pytest.mark.parametrize("limit", ["-x", "--maxfail=1"])
def test_a_run_that_has_failed_enough_is_judged_as_in_one_process(with_baseline: Suite, limit: str) -> None:
    cells = {SMALLEST: {"peak_allocated": 99_000_000}}
    plugins = ("tests.fake_measure", "tests.two_workers")
    ended = with_baseline("-n1", "-k", FOUR, limit, "--benchmark-compare", cells=cells, plugins=plugins)
    assert ended.code == 1, ended.output
    assert "stopping after 1 failures" in ended.output
    assert f"{SMALLEST}: peak_allocated worse: 60.0 MB -> 99.0 MB" in ended.output
    assert "no worker was left" not in ended.output
    assert not ended.run.suite.finished
    outcomes = ended.run.outcomes().values()
    assert [one.cell for one in outcomes if one.outcome == "not run"], "it stopped before the end"


def test_a_card_that_another_run_holds_is_not_measured_on(workers: Suite, tmp_path: Path) -> None:
    locks = tmp_path / "locks"
    locks.mkdir()
    environment = {"FAKE_CARD": "GPU-aa", "BARK_BENCHMARKS_LOCKS": str(locks)}
    asked = ("--device=auto", "--level=smoke", "-k", SMALLEST, "-n", "auto", "--gpu-wait=0")
    with hold("GPU-aa-1", Patience(0.0, lambda what, left_s: None), print, locks):
        ended = workers(*asked, environment=environment)
        mistyped = workers(*asked, "-k", "nothing", environment=environment)
    assert "no cell matches the selection" in mistyped.output, "for no cell no card is needed"
    assert ended.code == 4
    assert "the GPU is busy, another run of this suite uses it" in ended.output
    assert not (ended.folder / "latest" / "run.json").exists()
    ended = workers(*asked, environment=environment)
    assert ended.code == 0, ended.output
    assert {path.name for path in locks.iterdir()} == {f"bark-benchmarks-GPU-aa-{place}.lock" for place in range(2)}


def test_two_sides_and_several_workers_do_not_go_together(workers: Suite) -> None:
    ended = workers(*PART, "-n", "auto", "--against", "python")
    assert ended.code == 4
    assert "--against measures both sides in turns on one card: leave -n out" in ended.output
