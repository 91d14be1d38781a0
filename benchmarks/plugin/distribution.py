"""How a run is spread over workers of pytest-xdist: whether it may be, how many there are, and what each one gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.plugin.deaths import TRIES
from fixtures.errors import SuiteError
from fixtures.machine import workers
from fixtures.machine.workers import Device, Worker

BENCHMARKS = Path(__file__).resolve().parents[1]


def measures(targets: Iterable[str]) -> bool:
    """Whether pytest's arguments reach the benchmarks; other tests may run in any number of workers."""
    paths = [Path(target.partition("::")[0]).resolve() for target in targets]
    return any(path.is_relative_to(BENCHMARKS) or BENCHMARKS.is_relative_to(path) for path in paths)


def automatic(device: str) -> int:
    """The workers of `-n auto`: one for each visible GPU, or one for the CPU.

    Raises:
        SuiteError: as `fixtures.machine.workers.devices`.
    """
    return len(workers.devices(device))


def workers_asked_for(option: Callable[..., Any]) -> int:
    """How many workers pytest-xdist will start; 0 where this process runs the tests itself, or only lists them.

    Raises:
        SuiteError: they would not each measure their part of the cells on this host.
    """
    dist, specs = option("dist", "no"), option("tx", None) or []
    if dist == "no" or option("collectonly"):
        return 0
    if dist != "load":
        raise SuiteError(
            f"--dist={dist}: the suite itself gives out cells, the longest first, and together what shares kernels: "
            "leave --dist out"
        )
    if not specs:
        raise SuiteError("--dist=load names no worker, and nothing would be measured: give -n auto, or leave it out")
    number = 0
    for spec in specs:
        times, _, kind = spec.rpartition("*")
        if kind != "popen" or not (times.isdecimal() or not times):
            raise SuiteError(
                f"--tx={spec}: workers measure on this host's own GPUs, and each host writes a run file: give -n auto"
            )
        number += int(times or 1)
    return number


@dataclass(slots=True)
class Places:
    """What the workers of a run have for themselves, and which of them has what.

    A worker that replaces one that died takes a place that is free, the one where the fewest died.
    """

    devices: Sequence[Device]
    cores: Sequence[tuple[int, ...]]
    held: dict[int, str] = field(default_factory=dict)
    died: Counter[int] = field(default_factory=Counter)

    def take(self, name: str) -> Worker:
        """A free place for the worker of this name."""
        free = [place for place in range(len(self.devices)) if place not in self.held]
        place = min(free, key=lambda one: self.died[one])
        self.held[place] = name
        return Worker(name, len(self.devices), place, self.devices[place].visible, self.cores[place])

    def leave(self, worker: Worker, *, died: bool) -> None:
        """A worker has ended."""
        self.held.pop(worker.place, None)
        self.died[worker.place] += died

    def describe(self, session_cores: int) -> str:
        """The workers in a line."""
        number, cores = len(self.devices), len(self.cores[0])
        share = f"{cores} of {session_cores} cores"
        if self.devices[0].visible is None:
            return f"bark: {number} worker{'s' * (number > 1)} on the CPU, {share} each"
        gpus = ", ".join(f"GPU {place} with cores {workers.listed(own)}" for place, own in enumerate(self.cores))
        return f"bark: {number} worker{'s' * (number > 1)}, one a GPU, {share} each: {gpus}"


def places(number: int, device: str) -> Places:
    """What each of so many workers gets.

    Raises:
        SuiteError: there are not as many devices or cores, or the GPUs are not all of one model.
    """
    found = workers.devices(device)
    if number > len(found):
        raise SuiteError(too_many(number, found))
    used = found[:number]
    models = list(dict.fromkeys(one.model for one in used))
    if len(models) > 1:
        raise SuiteError(
            f"-n {number} would measure on GPUs of several models, {', '.join(models)}, and a run file is of one: "
            "choose those of one model with CUDA_VISIBLE_DEVICES"
        )
    cores, threads = workers.in_order_of_siblings(workers.usable_cores())
    return Places(used, workers.shares([one.near for one in used], cores, threads))


def restarts(workers: int, cells: int) -> int:
    """How often workers may be replaced in a run: as often as cells are tried, beside what pytest-xdist allows anyway.

    Its own limit is for workers that die before they have anything to do. By that alone, a few cells that kill their
    workers would keep the others from being measured.
    """
    return 4 * workers + TRIES * cells


def too_many(number: int, found: Sequence[Device]) -> str:
    """Why so many workers cannot measure on these devices."""
    if found[0].visible is None:
        return (
            f"-n {number}: without a GPU all workers would share this host's cores and memory bandwidth, and each "
            "would slow the others' cells: use -n 1, or leave -n out"
        )
    return (
        f"-n {number}: {len(found)} GPU{'s are' if len(found) > 1 else ' is'} visible, and two workers on one would "
        f"measure each other: use -n auto or -n {len(found)} at most, or make more visible with CUDA_VISIBLE_DEVICES"
    )


def note(of: int, cores: int, session_cores: int) -> str:
    """What a run file says of having been measured by several workers at once."""
    return (
        f"{of} workers measured at once, each with {cores} of the host's {session_cores} cores: their wall times are "
        f"judged against runs of {of} workers only"
    )
