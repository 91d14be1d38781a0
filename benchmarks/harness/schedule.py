"""Which worker measures which cell next: the longest first, those of one checkpoint together where that costs no time.

A worker of pytest-xdist has to know its next test before it starts the one before (pytest ends fixtures by it). To give
a worker a cell is thus to have that cell wait for the one that the worker is about to start, while another worker may
be free sooner. So the rest of the run is played through with the cells' expected durations: each cell goes to the
worker that is free first, as in list scheduling (Graham 1969, "Bounds on multiprocessing timing anomalies"), and a
worker gets what it is given there; where that is nothing, it ends after the cell that it has.

A worker stays with its checkpoint while that has cells, since each process loads a checkpoint's reference for itself;
then it goes to the checkpoint with the most work left for each of its workers.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

SHORTEST_S = 1e-3
"""What a cell takes at least: the play would else give one worker all that takes no time."""


@dataclass(frozen=True, slots=True)
class Busy:
    """A worker that takes cells: seconds until it is done with those it has, and the last one's checkpoint."""

    name: str
    free_s: float
    checkpoint: str = ""


def checkpoint_of(cell: str) -> str:
    """The checkpoint of a cell."""
    return cell.partition("-")[0]


def next_cell(
    asking: str, workers: Sequence[Busy], queue: Mapping[str, float], barred: Container[tuple[str, str]] = ()
) -> str | None:
    """The cell to give to a worker now; None where the others will have started all that is left before it is free.

    Args:
        asking: the worker's name.
        workers: all that take cells, the asking one among them.
        queue: cell that nobody has -> seconds that it takes, in the plan's order.
        barred: (cell, worker) pairs that are not to be, unless no other worker takes the cell.
    """
    left = {cell: max(seconds, SHORTEST_S) for cell, seconds in queue.items()}
    free = {worker.name: worker.free_s for worker in workers}
    at = {worker.name: worker.checkpoint for worker in workers}
    while left and free:
        name = min(free, key=lambda one: free[one])
        allowed = [cell for cell in left if (cell, name) not in barred or _nobody_else(cell, at, barred)]
        if not allowed:
            del free[name]  # what is left is for others; they are not free yet
            continue
        cell = _pick(name, allowed, left, at)
        if name == asking:
            return cell
        free[name] += left.pop(cell)
        at[name] = checkpoint_of(cell)
    return None


def _nobody_else(cell: str, workers: Mapping[str, str], barred: Container[tuple[str, str]]) -> bool:
    return all((cell, name) in barred for name in workers)


def _pick(name: str, allowed: Sequence[str], left: Mapping[str, float], at: Mapping[str, str]) -> str:
    """The longest cell of the worker's own checkpoint; of the one that needs a worker most, where it has none left."""
    of: dict[str, list[str]] = {}
    for cell in allowed:
        of.setdefault(checkpoint_of(cell), []).append(cell)
    chosen = at[name]
    if chosen not in of:
        held = list(at.values())
        chosen = max(of, key=lambda one: sum(left[cell] for cell in of[one]) / (held.count(one) + 1))
    return max(of[chosen], key=lambda cell: left[cell])
