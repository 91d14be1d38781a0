from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks.plugin import output, session
from benchmarks.plugin.controller import Controller, benchmark_of
from benchmarks.plugin.options import ROOT
from benchmarks.plugin.progress import RunProgress
from benchmarks.plugin.suite import Suite
from benchmarks.plugin.workers import PARTS, InWorker, measures, workers_asked_for
from fixtures.errors import SuiteError
from fixtures.levels import LEVELS
from fixtures.machine import context, lock, workers
from fixtures.machine.gpus import Machine
from fixtures.machine.workers import Slot, Worker
from tests.builders import PLAIN, cell_document
from tests.lanes import MATRIX

SMALL = PLAIN


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        ("benchmarks", True),
        ("benchmarks/test_bark.py::test_generate[x]", True),
        (".", True),
        ("tests", False),
        ("benchmarks/../tests", False),
    ],
)
def test_only_a_session_that_reaches_the_benchmarks_is_bound_to_gpus(target: str, reached: bool) -> None:
    assert measures([str(ROOT / target)]) is reached


def config(**options: Any) -> Any:
    known = {"dist": "no", "tx": [], "collectonly": False} | options
    return SimpleNamespace(getoption=lambda name, default=None: known[name], getvalue=lambda name: known[name])


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ({}, 0),
        ({"dist": "load", "tx": ["popen"] * 4}, 4),
        ({"dist": "loadgroup", "tx": ["3*popen", "popen"]}, 4),
        ({"dist": "load", "tx": ["popen"] * 4, "collectonly": True}, 0),
    ],
)
def test_the_workers_asked_for_are_counted_as_pytest_xdist_does(options: dict[str, Any], number: int) -> None:
    assert workers_asked_for(config(**options)) == number


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"dist": "each", "tx": ["popen"]}, "--dist=each: workers share the cells by --dist=load or"),
        ({"dist": "load", "tx": ["ssh=host//python=python3"]}, "this host's own GPUs"),
        ({"dist": "load", "tx": ["popen//chdir=/elsewhere"]}, "this host's own GPUs"),
    ],
)
def test_workers_that_are_not_each_for_a_part_of_the_cells_here_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(SuiteError, match=says):
        workers_asked_for(config(**options))


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    settings = SimpleNamespace(
        matrix=MATRIX, level=LEVELS["pr"], machine=Machine("NVIDIA H200", {}), report_dir=tmp_path
    )
    suite = Suite(cast(Any, settings), cast(Any, SimpleNamespace(warnings=[])), cast(Any, None))
    options = SimpleNamespace(option=SimpleNamespace(benchmark_only=False))
    return Controller(cast(Any, options), suite, 1, [Slot((0,))])


@pytest.mark.parametrize(
    ("parameters", "cell"),
    [
        (f"[{SMALL}]", SMALL),
        (f"[{SMALL}-1-2]", SMALL),
        (f"[2-{SMALL}]", SMALL),
        (f"[{SMALL}]@group", SMALL),
        (f"[{SMALL}6]", ""),
        ("[1]", ""),
        ("", ""),
    ],
)
def test_a_cell_is_known_by_the_node_id_whatever_other_plugins_add(
    parameters: str, cell: str, controller: Controller
) -> None:
    assert controller.cell_of(f"benchmarks/test_bark.py::test_generate{parameters}") == cell


def test_an_earlier_run_s_files_are_left_alone_until_every_worker_has_a_slot(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Any] = []
    monkeypatch.setattr(session, "begin", lambda suite, config: begun.append(suite))
    monkeypatch.setattr(output, "progress", lambda config, suite, cells, workers: RunProgress(print))
    monkeypatch.setattr(context, "refuse_without_cuda", lambda machine: None)
    vars(controller.suite.recorder)["expect"] = lambda *arguments, **options: None
    controller.number = 2
    collected = [f"benchmarks/test_bark.py::test_generate[{SMALL}]"]
    for ids in (collected, []):  # the second worker has no slot
        controller.pytest_xdist_node_collection_finished(ids)
    assert begun == []
    controller.pytest_xdist_node_collection_finished(collected)
    controller.pytest_xdist_node_collection_finished(collected)  # of a worker that replaces another
    assert begun == [controller.suite]


def test_an_entry_from_another_process_says_what_it_said_there() -> None:
    entry = cell_document(PLAIN)
    entry = {"group": "g", "param": None, "params": {}, "options": {}, **entry}
    entry["stats"] = {"iterations": 1, **entry["stats"]}
    again = benchmark_of(entry).as_dict()
    assert (again["fullname"], again["extra_info"]) == (entry["fullname"], entry["extra_info"])
    assert again["stats"]["data"] == entry["stats"]["data"]


def test_a_worker_takes_a_slot_that_no_other_holds_whatever_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound: list[Worker] = []
    monkeypatch.setattr(workers, "slots", lambda number, device: [Slot((0,)), Slot((1,))])
    monkeypatch.setattr(workers, "bind", bound.append)

    def worker(name: str) -> tuple[InWorker, list[Any]]:
        cleanups: list[Any] = []
        given = {"workerid": name, "workercount": 2, PARTS: str(tmp_path)}
        started = SimpleNamespace(
            workerinput=given,
            option=SimpleNamespace(benchmark_only=False),
            getoption=lambda name: None,
            add_cleanup=cleanups.append,
        )
        return InWorker(started), cleanups

    _, first = worker("gw0")
    worker("gw1")
    for release in first:
        release()
    worker("gw2")
    assert [(each.name, each.cores) for each in bound] == [("gw0", (0,)), ("gw1", (1,)), ("gw2", (0,))]


def test_a_worker_without_a_free_gpu_tells_its_controller_and_measures_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "slots", lambda number, device: [Slot((0,), 0, "0", "GPU-aa")])

    def busy(*arguments: Any) -> None:
        raise SuiteError("the GPU is busy")

    monkeypatch.setattr(lock, "take", busy)
    started = SimpleNamespace(
        workerinput={"workerid": "gw0", "workercount": 1, PARTS: str(tmp_path)},
        option=SimpleNamespace(benchmark_only=False),
        getoption=lambda name: None,
    )
    worker = InWorker(started)
    items: Any = ["a test"]
    with pytest.raises(pytest.UsageError, match="the GPU is busy"):
        worker.pytest_collection_modifyitems(items)
    assert items == []
