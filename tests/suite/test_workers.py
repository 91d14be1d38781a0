"""`-n`: several workers at once, on a CPU's cores; one run comes of what they measure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from fixtures.machine.lock import Patience, hold
from reports.records import runfile
from tests.suite.conftest import OTHER, ROOT, SMALLEST, Ended, Suite

FOUR = "tiny and resident and dynamic and fp32 and (eager or sdpa)"
"""All of them run, and pytest-xdist gives two to each of two workers."""

OF_A_RUN = {"datetime", "node"}
OF_WORKERS = {"worker", "workers", "card", "environment", "environments"}


def document(ended: Ended) -> Any:
    return json.loads((ended.folder / "latest" / "run.json").read_text())


def left(content: Any) -> Any:
    """A run file's JSON without what differs between two runs, and without what says that there were workers."""
    if isinstance(content, dict):
        return {key: left(value) for key, value in content.items() if key not in OF_A_RUN | OF_WORKERS}
    return [left(each) for each in content] if isinstance(content, list) else content


def parts(ended: Ended) -> list[str]:
    return sorted(path.name for path in (ended.folder / "latest").glob(".parts/*/gw*.json"))


def test_two_workers_make_one_run_as_one_process_does(suite: Suite, tmp_path: Path) -> None:
    cells = {
        OTHER: {"latency": 0.1234567890123, "marked": 2},
        SMALLEST: {"raise": "suite"},
        OTHER.replace("batch1", "batch8"): {"marked": 1},
    }
    asked = (str(ROOT / "benchmarks"), "-k", f"own or ({FOUR})")
    gpu = {"FAKE_GPU": "NVIDIA H200"}
    alone = suite(*asked, target="tests/user_tests.py", cells=cells, environment=gpu)
    expected = document(alone)
    own, storage, junit = tmp_path / "own.json", tmp_path / "storage", tmp_path / "junit.xml"
    files = (f"--benchmark-json={own}", "--benchmark-save=x", f"--benchmark-storage=file://{storage}")
    ended = suite(
        *asked, "-n2", *files, f"--junitxml={junit}", target="tests/user_tests.py", cells=cells, environment=gpu
    )
    joined = document(ended)
    note = joined["suite"]["warnings"].pop(0)

    assert note.startswith("2 workers measured at once, each with ")
    assert left(joined) == left(expected)
    assert ended.code == alone.code == 1
    assert "1 failed, 6 passed" in alone.output
    assert "1 failed, 6 passed" in ended.output
    assert joined["machine_info"]["host"]["workers"] == 2
    run = ended.run
    measured_by = {cell.worker.name: cell.worker for cell in run.cells.values() if cell.worker}
    assert {name: worker.of for name, worker in measured_by.items()} == {"gw0": 2, "gw1": 2}
    assert measured_by["gw0"].cores != measured_by["gw1"].cores
    cards = {cell.worker.name: run.environment_of(cell)["gpu"]["card"] for cell in run.cells.values() if cell.worker}
    assert cards == {"gw0": "gw0", "gw1": "gw1"}, "each cell keeps the environment that it was measured in"
    assert "benchmark 'tiny batch8': 2 tests" in ended.output
    assert "automatically disabled" not in ended.output
    assert "ran out of memory" in junit.read_text()
    assert set(runfile.read(own).cells) == set(run.cells)
    assert len(list(storage.rglob("*.json"))) == 1
    assert not (ended.folder / "latest" / ".parts").exists()


def test_a_worker_that_dies_costs_only_its_cell_which_lf_measures_again(suite: Suite, tmp_path: Path) -> None:
    once = {SMALLEST: {"raise": "kill", "once": str(tmp_path / "killed")}}
    junit, cache = tmp_path / "junit.xml", ("-p", "cacheprovider", "-o", f"cache_dir={tmp_path / 'cache'}")
    ended = suite("-n2", "-k", FOUR, f"--junitxml={junit}", *cache, cells=once)
    assert ended.code == 1, ended.output
    assert "1 failed, 3 passed" in ended.output
    assert len(ended.run.cells) == 3
    assert ended.run.suite.finished
    lost = ended.run.outcomes()[SMALLEST]
    assert lost.outcome == "failed"
    assert lost.reason.startswith("worker gw")
    assert f"died while measuring {SMALLEST}: see what it last wrote" in lost.reason
    names = [test.attrib["name"] for test in ElementTree.parse(junit).iter("testcase")]
    assert len(names) == len(set(names)) == 4
    again = suite("-k", FOUR, "--lf", *cache, cells=once)
    assert again.code == 0, again.output
    assert list(again.run.cells) == [SMALLEST]


def test_cells_for_which_no_worker_is_left_never_pass(suite: Suite) -> None:
    ended = suite("-n1", "--max-worker-restart=0", "-k", FOUR, cells={OTHER: {"raise": "kill"}})
    assert ended.code == 1, ended.output
    assert "FAILED: 3 cells were not measured, as no worker was left to, or" in ended.output
    assert ended.run.outcomes()[OTHER].outcome == "failed"
    assert not ended.run.suite.finished


def test_an_interrupted_worker_ends_the_run_and_what_was_measured_stands(suite: Suite) -> None:
    ended = suite("-n1", "-k", FOUR, cells={SMALLEST: {"raise": "interrupt"}})
    assert ended.code == 2, ended.output
    assert not ended.run.suite.finished
    assert ended.run.outcomes()[SMALLEST].outcome == "not run"
    assert OTHER in ended.run.cells


def test_a_run_that_has_failed_enough_is_judged_as_in_one_process(with_baseline: Suite) -> None:
    cells = {OTHER: {"peak_allocated": 99_000_000}}
    asked = ("-n", "auto", "-k", FOUR, "-x", "--benchmark-compare", "--benchmark-only")
    ended = with_baseline(*asked, cells=cells)
    assert ended.code == 1, ended.output
    assert f"{OTHER}: peak_allocated worse: 60.0 MB -> 99.0 MB" in ended.output
    assert "automatically disabled" not in ended.output, "as pytest-benchmark is under pytest-xdist"
    assert "no worker was left" not in ended.output
    assert "at once" not in ended.output, "one worker is judged as one process is"
    assert not ended.run.suite.finished
    assert "not run" in {outcome.outcome for outcome in ended.run.suite.cells}


def test_workers_that_loaded_unlike_weights_are_not_joined_and_their_parts_are_kept(suite: Suite) -> None:
    ended = suite("-n2", "-k", FOUR, environment={"FAKE_HUB": "gw1"})
    assert ended.code == 1, ended.output
    assert "FAILED: no verdict: the parts of gw0 and gw1 cannot be joined and are kept in " in ended.output
    assert "gw1 and gw0 differ in source of the tiny weights: hub and synthetic" in ended.output
    assert parts(ended) == ["gw0.json", "gw1.json"]
    assert not (ended.folder / "latest" / "run.json").exists()


def test_a_worker_measures_a_shard_and_the_run_file_says_which(suite: Suite) -> None:
    shard = ("-k", FOUR, "--shard=1/2")
    alone, ended = suite(*shard), suite(*shard, "-n1")
    assert ended.code == 0, ended.output
    assert ended.run.suite.shards == alone.run.suite.shards
    assert ended.run.outcomes() == alone.run.outcomes()
    assert any(outcome.reason == "shard 2/2 measures it" for outcome in ended.run.suite.cells)


def test_a_shard_without_a_cell_is_one_usage_error_and_leaves_the_last_run_alone(suite: Suite) -> None:
    before = suite("-k", SMALLEST).run
    ended = suite("-n1", "-k", SMALLEST, "--shard=2/2")
    assert ended.code == 4
    assert ended.output.count("ERROR: ") == 1
    assert "ERROR: --shard=2/2 has nothing to measure: the selection leaves 1 cells" in ended.output
    assert "Traceback" not in ended.output
    assert "INTERNALERROR" not in ended.output
    assert ended.run == before


def test_a_card_that_another_run_holds_is_not_measured_on(suite: Suite, tmp_path: Path) -> None:
    locks = tmp_path / "locks"
    locks.mkdir()
    environment = {"FAKE_CARD": "GPU-aa", "BARK_BENCHMARKS_LOCKS": str(locks)}
    asked = ("--device=auto", "--level=smoke", "-k", SMALLEST, "-n", "auto", "--gpu-wait=0")
    with hold("GPU-aa", Patience(0.0, lambda what, left_s: None), print, locks):
        ended = suite(*asked, environment=environment)
    assert ended.code == 4
    assert ended.output.count("ERROR: the GPU is busy, another run of this suite uses it (process ") == 1
    assert not (ended.folder / "latest" / "run.json").exists()
    ended = suite(*asked, environment=environment)
    assert ended.code == 0, ended.output
    (cell,) = ended.run.cells.values()
    assert cell.worker is not None
    assert cell.worker.gpu == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-n1", "--against", "python"], "--against interleaves both sides on one card: leave -n out"),
        (["-n2", "--dist=worksteal"], "--dist=worksteal: workers share the cells by --dist=load or --dist=loadgroup"),
        (["-n2", "--device=auto", "--level=smoke"], "-n 2: 1 GPU is visible, and two workers on one would measure"),
    ],
)
def test_workers_that_cannot_measure_side_by_side_are_refused_in_one_line(
    arguments: list[str], says: str, suite: Suite
) -> None:
    ended = suite(*arguments, environment={"FAKE_CARD": "GPU-aa"})
    assert ended.code == 4
    assert ended.output.count("ERROR: ") == 1
    assert says in ended.output
