from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.plugin import distribution
from benchmarks.plugin.distribution import Places, measures, workers_asked_for
from benchmarks.plugin.settings import ROOT
from fixtures.errors import SuiteError
from fixtures.machine import workers
from fixtures.machine.workers import Device

H200, A100 = "NVIDIA H200", "NVIDIA A100"


def gpus(*models: str) -> list[Device]:
    return [Device(model, str(index)) for index, model in enumerate(models)]


def options(**values: Any) -> Callable[..., Any]:
    known = {"dist": "no", "tx": [], "collectonly": False} | values
    return lambda name, default=None: known[name]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Device]], None]:
    """A host with these devices and 16 cores."""

    def has(devices: list[Device]) -> None:
        monkeypatch.setattr(workers, "devices", lambda device: devices)
        monkeypatch.setattr(workers, "usable_cores", lambda: list(range(16)))
        monkeypatch.setattr(workers, "in_order_of_siblings", lambda cores: (sorted(cores), 1))

    return has


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        ("benchmarks", True),
        ("benchmarks/test_bark.py::test_generate[x]", True),
        (".", True),
        ("tests", False),
        ("tests/reports/test_rules.py", False),
        ("benchmarks/../tests", False),
    ],
)
def test_only_a_session_that_reaches_the_benchmarks_is_bound_to_gpus(target: str, reached: bool) -> None:
    assert measures([str(ROOT / target)]) is reached


@pytest.mark.parametrize(
    ("values", "number"),
    [
        ({}, 0),
        ({"dist": "load", "tx": ["popen"] * 4}, 4),
        ({"dist": "load", "tx": ["3*popen", "popen"]}, 4),
        ({"dist": "load", "tx": ["popen"] * 4, "collectonly": True}, 0),
    ],
)
def test_the_workers_asked_for_are_counted_as_pytest_xdist_does(values: dict[str, Any], number: int) -> None:
    assert workers_asked_for(options(**values)) == number


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"dist": "each", "tx": ["popen"]}, "leave --dist out"),
        ({"dist": "loadgroup", "tx": ["popen"]}, "leave --dist out"),
        ({"dist": "load"}, "names no worker, and nothing would be measured: give -n auto"),
        ({"dist": "load", "tx": ["ssh=host//python=python3"]}, "this host's own GPUs"),
        ({"dist": "load", "tx": ["popen//chdir=/elsewhere"]}, "this host's own GPUs"),
    ],
)
def test_workers_that_are_not_each_for_a_part_of_the_cells_here_are_refused(values: dict[str, Any], says: str) -> None:
    with pytest.raises(SuiteError, match=says):
        workers_asked_for(options(**values))


def test_automatic_is_a_worker_a_device(host: Callable[[list[Device]], None]) -> None:
    host(gpus(H200, H200, H200))
    assert distribution.automatic("auto") == 3


def test_fewer_workers_than_gpus_take_the_first_and_share_all_cores(host: Callable[[list[Device]], None]) -> None:
    host(gpus(H200, H200, A100))
    found = distribution.places(2, "auto")
    assert [one.visible for one in found.devices] == ["0", "1"]
    assert [len(one) for one in found.cores] == [8, 8]
    assert found.describe(16) == (
        "bark: 2 workers, one a GPU, 8 of 16 cores each: GPU 0 with cores 0-7, GPU 1 with cores 8-15"
    )


@pytest.mark.parametrize(
    ("devices", "number", "says"),
    [
        (gpus(H200, H200), 3, "-n 3: 2 GPUs are visible.*use -n auto or -n 2 at most"),
        (gpus(H200), 2, "-n 2: 1 GPU is visible"),
        ([Device("CPU")], 2, "-n 2: without a GPU.*use -n 1, or leave -n out"),
        (gpus(H200, A100), 2, "several models, NVIDIA H200, NVIDIA A100.*CUDA_VISIBLE_DEVICES"),
        (gpus(*[H200] * 20), 20, "20 workers on 16 cores"),
    ],
)
def test_workers_that_would_share_what_they_measure_are_refused(
    host: Callable[[list[Device]], None], devices: list[Device], number: int, says: str
) -> None:
    host(devices)
    with pytest.raises(SuiteError, match=says):
        distribution.places(number, "auto")


def test_a_worker_that_replaces_a_dead_one_takes_the_place_where_the_fewest_died() -> None:
    places = Places(gpus(H200, H200, H200), [(0,), (1,), (2,)])
    first, second, third = (places.take(f"gw{number}") for number in range(3))
    assert [one.visible for one in (first, second, third)] == ["0", "1", "2"]
    places.leave(first, died=True)
    assert places.take("gw3").place == 0, "the only free one"
    places.leave(second, died=False)
    places.leave(places.take("gw4"), died=True)
    places.leave(third, died=False)
    assert places.take("gw5").place == 2


def test_the_benchmarks_are_found_where_they_are() -> None:
    assert (distribution.BENCHMARKS / "test_bark.py").exists()
    assert Path(distribution.__file__).is_relative_to(distribution.BENCHMARKS)
