"""Which worker measures which cell next: the longest first, and together what a process readies once.

A process readies some things at their first use and has them from then on: a checkpoint's reference, or kernels for
shapes (on an H200 a process's first generation with fused attention in half precision takes 30 to 43 s longer than the
next). So what a cell needs readied counts as a part of its length, unless another worker has readied it, which may then
come to take the cell for less; nobody waits for that. Of cells that are as long, a worker takes one that shares such
things with those that it had.

A worker of pytest-xdist has to know its next test before it starts the one before (pytest ends fixtures by it). To give
a worker a cell is thus to have that cell wait for the one that the worker is about to start, while another worker may
be free sooner. So the rest of the run is played through with the cells' expected durations: each cell goes to the
worker that is free first, as in list scheduling (Graham 1969, "Bounds on multiprocessing timing anomalies"), and a
worker gets what it is given there; where that is nothing, it ends after the cell that it has.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from fixtures.cells import Axis
from fixtures.models.bark.axes import AXES

SHORTEST_S = 1e-3
"""What a cell takes at least: the play would else give one worker all that takes no time."""

NOMINAL = 0.02
"""What readying something costs at least, as a share of a typical cell: so that cells stay together where nothing is
known, and next to nothing is lost by it."""


@dataclass(frozen=True, slots=True)
class Busy:
    """A worker that takes cells: seconds until it is done with those it has, and what it will have readied by then."""

    name: str
    free_s: float
    ready: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Costs:
    """What cells take: `seconds` of each by itself, and `first`, what readying something takes in addition."""

    seconds: Mapping[str, float]
    first: Mapping[str, float] = field(default_factory=dict)
    least_s: float = field(init=False)

    def __post_init__(self) -> None:
        typical_s = statistics.median(self.seconds.values()) if self.seconds else 0.0
        object.__setattr__(self, "least_s", NOMINAL * typical_s)

    def of(self, cell: str, ready: Collection[str]) -> float:
        """Seconds of a cell in a process that has readied this."""
        missing = sum(self.readying(what) for what in readied(cell) if what not in ready)
        return max(self.seconds[cell], SHORTEST_S) + missing

    def readying(self, what: str) -> float:
        """Seconds that readying something takes."""
        return max(self.first.get(what, 0.0), self.least_s)


def checkpoint_of(cell: str) -> str:
    """The checkpoint of a cell."""
    return cell.partition("-")[0]


def kernels_of(cell: str) -> str:
    """What cells have in common that run the same kernels on the same shapes: all axes but those that move weights."""
    return _on(cell, lambda axis: axis.computes)


def work_of(cell: str) -> str:
    """What cells have in common that do the same work, in whatever way: they share a reference."""
    return _on(cell, lambda axis: not axis.optimizes)


def _on(cell: str, wanted: Callable[[Axis], bool]) -> str:
    return "-".join(value for value, axis in zip(cell.split("-"), AXES, strict=False) if wanted(axis))


@cache
def readied(cell: str) -> tuple[str, ...]:
    """What a process has once it measured a cell, and need not ready again."""
    return tuple(dict.fromkeys((checkpoint_of(cell), work_of(cell), kernels_of(cell))))


def next_cell(
    asking: str,
    workers: Sequence[Busy],
    queue: Sequence[str],
    costs: Costs,
    barred: Container[tuple[str, str]] = (),
) -> str | None:
    """The cell to give to a worker now; None where the others will have started all that is left before it is free.

    Args:
        asking: the worker's name.
        workers: all that take cells, the asking one among them.
        queue: cells that nobody has, in the plan's order.
        costs: what cells take.
        barred: (cell, worker) pairs that are not to be, unless no other worker takes the cell.
    """
    left = list(queue)
    free = {worker.name: worker.free_s for worker in workers}
    ready = {worker.name: set(worker.ready) for worker in workers}
    everybody = list(free)
    while left and free:
        name = min(free, key=lambda one: free[one])
        allowed = [cell for cell in left if (cell, name) not in barred or _nobody_else(cell, everybody, barred)]
        if not allowed:
            del free[name]  # what is left is for others; they are not free yet
            continue
        cell = _pick(name, allowed, ready, costs)
        if name == asking:
            return cell
        left.remove(cell)
        free[name] += costs.of(cell, ready[name])
        ready[name].update(readied(cell))
    return None


def _nobody_else(cell: str, workers: Sequence[str], barred: Container[tuple[str, str]]) -> bool:
    return all((cell, name) in barred for name in workers)


def _pick(name: str, allowed: Sequence[str], ready: Mapping[str, Collection[str]], costs: Costs) -> str:
    """The cell that is worth most here: its seconds, and what it needs readied, unless only another worker has that."""
    elsewhere = {what for other, has in ready.items() if other != name for what in has} - set(ready[name])

    def worth(cell: str) -> tuple[float, int]:
        needs = sum(costs.readying(what) for what in readied(cell) if what not in elsewhere)
        return costs.seconds[cell] + needs, sum(what in ready[name] for what in readied(cell))

    return max(allowed, key=worth)
