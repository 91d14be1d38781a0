"""Workers that died while they measured: which cells are tried once more, and which places kill all they are given."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from fixtures.machine.workers import Worker

TRIES = 2
"""How often a cell is measured where its worker dies, and how often in a row workers may die in one place."""


@dataclass(slots=True)
class Deaths:
    """`of`: cell -> the workers that died of it; `since`: place -> the cells of its deaths in a row."""

    of: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    since: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, cell: str, worker: Worker) -> str:
        """A worker died; what is to be said of it."""
        self.of[cell].append(str(worker))
        self.since[worker.place].append(cell)
        return died_of(cell, self.of[cell])

    def lived(self, place: int) -> None:
        """A worker has got through a cell in a place, measured or not, so the place works."""
        self.since.pop(place, None)

    def final(self, cell: str) -> bool:
        """Whether a cell has been tried often enough."""
        return len(self.of[cell]) >= TRIES

    def kills(self, place: int) -> bool:
        """Whether the place rather than its cells kills its workers: cells that died elsewhere too do not count."""
        return sum(not self.final(cell) for cell in self.since[place]) >= TRIES


def died_of(cell: str, names: list[str]) -> str:
    """What is said of a cell whose workers died."""
    dead = f"worker {names[0]} died" if len(names) == 1 else f"workers {' and '.join(names)} died, one after the other,"
    return (
        f"{dead} while measuring {cell}: see what it last wrote, and the kernel's log (dmesg) for its out-of-memory "
        "killer or an error of the GPU (Xid)"
    )


def killing(worker: Worker) -> str:
    """What is said of a place that kills its workers."""
    return (
        f"{worker.seat} is given no more cells while another can take them, as {TRIES} workers died there in a row: "
        "see nvidia-smi and the kernel's log (dmesg) for an error of the GPU (Xid), and leave it out with "
        "CUDA_VISIBLE_DEVICES next time"
    )
