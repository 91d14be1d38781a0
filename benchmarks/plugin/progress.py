"""Progress of a run: a live line in a terminal; elsewhere a line a cell, and more of a cell that takes long."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fixtures.rounds import Progress


def duration(seconds: float) -> str:
    """Seconds as people say them: `45 s`, `12 min`, `1 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


LOG_EVERY_S = 30.0
"""Seconds between two lines of one cell in a log: a CI service gives up on a job that is silent for ten minutes."""


@dataclass(slots=True)
class ProgressLine:
    """Shows where the run is.

    `write` puts text on the terminal; `live` says whether a line can be overwritten there.
    """

    write: Callable[[str], None]
    live: bool
    width: int
    total: int
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    spent_s: float = 0.0
    _cell: str = ""
    _started: float = field(default=0.0)
    _shown: float = field(default=0.0)
    _waited: float | None = None
    _further: bool = False

    def start(self, cell: str, note: str = "") -> None:
        """A cell begins; `note` says why, where it is further work on one that counts already."""
        self._cell, self._started, self._further = cell, self.clock(), bool(note)
        self._shown = self._started
        shown = "" if self.live else f"[{self._place}/{self.total}] {cell}{self.time_left(0.0)} "
        if note:
            shown = f"{cell} {note} "
        self.write(f"\n{shown}")

    def update(self, progress: Progress) -> None:
        """A cell went on: shown at once on a live line, and in a log now and then."""
        now = self.clock()
        if not self.live and now - self._shown < LOG_EVERY_S:
            return
        self._shown = now
        rounds = f" {progress.rounds_done}/{progress.rounds_expected}" if progress.rounds_expected else ""
        left = self.time_left(now - self._started, progress.remaining_s)
        line = f"[{self._place}/{self.total}] {self._cell}: {progress.phase}{rounds}{left}"
        self.write(f"\r\x1b[K{line[: max(self.width - 1, 20)]}" if self.live else f"\n{line} ")

    def wait(self, what: str, left_s: float) -> None:
        """The run has not begun: what it waits for, and for how long at most; in a log now and then."""
        now = self.clock()
        if not self.live and self._waited is not None and now - self._waited < LOG_EVERY_S:
            return
        self._waited = now
        line = f"waiting for the GPU, up to {duration(left_s)} more: {what}"
        self.write(f"\r\x1b[K{line[: max(self.width - 1, 20)]}" if self.live else f"\n{line} ")

    def finish(self, *, counts: bool = True) -> None:
        """The cell ended; `counts` as one of the total."""
        self.done += counts
        self.spent_s += self.clock() - self._started
        if self.live:
            self.write("\r\x1b[K")

    def time_left(self, cell_spent_s: float, cell_remaining_s: float | None = None) -> str:
        """`, about 3 min left`, from what the finished cells took; empty while nothing is known."""
        if not self.done:
            return "" if cell_remaining_s is None else f", {duration(cell_remaining_s)} left of this cell"
        typical = self.spent_s / self.done
        this_cell = max(0.0, typical - cell_spent_s) if cell_remaining_s is None else cell_remaining_s
        return f", about {duration(this_cell + typical * max(0, self.total - self._place))} left"

    @property
    def _place(self) -> int:
        """Which of the total is at work, from 1."""
        return max(1, self.done) if self._further else self.done + 1
