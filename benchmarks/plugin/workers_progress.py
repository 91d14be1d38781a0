"""Progress of a run by several workers: a line a cell, and now and then which are still measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.plugin.progress import LOG_EVERY_S, duration


@dataclass(slots=True)
class WorkersProgress:
    """Shows where a run of `workers` is; `write` puts text on the terminal."""

    write: Callable[[str], None]
    workers: int
    clock: Callable[[], float] = time.monotonic
    total: int = 0
    started: int = 0
    done: int = 0
    spent_s: float = 0.0
    running: dict[str, float] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def start(self, cell: str) -> None:
        """A worker begins a cell."""
        with self._lock:
            self.started += 1
            self.running[cell] = self.clock()
            self.write(f"\n[{self.started}/{self.total}] {cell}{self.time_left()} ")
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep_telling, name="progress", daemon=True)
            self._thread.start()

    def finish(self, cell: str, *, counts: bool = True) -> None:
        """A cell has ended; `counts` unless it starts again."""
        with self._lock:
            began = self.running.pop(cell, None)
            if began is None:
                return
            self.spent_s += (self.clock() - began) * counts
            self.done += counts
            self.started -= not counts

    def stop(self) -> None:
        """Nothing runs any more."""
        self._ended.set()
        if self._thread:
            self._thread.join()

    def time_left(self) -> str:
        """`, about 3 min left`, from what the finished cells took; empty while nothing is known."""
        if not self.done:
            return ""
        typical, now = self.spent_s / self.done, self.clock()
        waiting = typical * (self.total - self.done - len(self.running))
        begun = sum(max(0.0, typical - (now - began)) for began in self.running.values())
        return f", about {duration((waiting + begun) / self.workers)} left"

    def still_running(self) -> str:
        """The cells that are being measured, with how long they have been; empty where there is none."""
        with self._lock:
            if not self.running:
                return ""
            now = self.clock()
            cells = ", ".join(f"{cell} for {duration(now - began)}" for cell, began in self.running.items())
            return f"\n[{self.done}/{self.total} done] {cells}{self.time_left()} "

    def _keep_telling(self) -> None:
        while not self._ended.wait(LOG_EVERY_S):
            line = self.still_running()
            if line:
                self.write(line)
