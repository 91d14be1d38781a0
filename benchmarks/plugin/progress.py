"""Progress of a run: a bar in a terminal; elsewhere a line now and then, as a CI service ends a job that is silent.

The time left is what the cells to come are expected to take, by how long those that were measured took against what was
expected of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column

if TYPE_CHECKING:
    from fixtures.rounds import Progress as CellProgress

LOG_EVERY_S = 30.0
"""Seconds between two lines of a log, at least."""

LIVE_EVERY_S = 1.0
"""Seconds between two looks at the workers in a terminal."""


def duration(seconds: float) -> str:
    """Seconds as people say them: `45 s`, `12 min`, `1 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


@dataclass(slots=True)
class Running:
    """A cell that is being measured; further work on one that was counted already does not count."""

    began: float
    counts: bool
    phase: str
    remaining_s: float | None = None


class Terminal(StringIO):
    """What rich writes to: passed on to `write_text`."""

    def __init__(self, write_text: Callable[[str], object]) -> None:
        """Pass on to `write_text`."""
        super().__init__()
        self._write_text = write_text

    def write(self, text: str) -> int:
        """Pass on a piece of text."""
        self._write_text(text)
        return len(text)


class RunProgress:
    """Shows which cells are measured and how long the run will go on."""

    def __init__(
        self,
        write: Callable[[str], object],
        *,
        live: bool = False,
        width: int = 80,
        expected: Mapping[str, float] | None = None,
        known: bool = False,
        workers: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with nothing measured.

        Args:
            write: puts text on the terminal.
            live: whether a line can be overwritten there.
            width: of the terminal.
            expected: cell -> seconds that it is expected to take, of all that run.
            known: whether they are seconds of this machine; else they say only how cells compare.
            workers: how many measure cells at once; 0 where this process does itself, and reports how far it is.
            clock: seconds.
        """
        self.write = write
        self.expected = dict(expected or {})
        self._known, self._workers, self._clock = known, workers, clock
        self._running: dict[str, Running] = {}
        self._done: dict[str, float] = {}
        self._further_s = 0.0
        self._shown: float | None = None
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._bar: Bar | None = None
        if live:
            self._bar = Bar(
                TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, ratio=3)),
                BarColumn(bar_width=None, table_column=Column(ratio=1)),
                TextColumn("{task.fields[left]}", markup=False, table_column=Column(no_wrap=True)),
                console=Console(file=Terminal(write), force_terminal=True, width=max(width - 1, 20)),
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
                expand=True,
            )
            self._task = self._bar.add_task("", total=sum(self.expected.values()) or None, left="")

    @property
    def total(self) -> int:
        """How many cells run."""
        return len(self.expected)

    def start(self, cell: str, note: str = "") -> None:
        """A cell begins; `note` says why, where it is further work on one that was counted already."""
        with self._lock:
            self._running[cell] = Running(self._clock(), not note, note)
            self._show()
        if self._workers and self._thread is None:
            self._thread = threading.Thread(target=self._keep_showing, name="progress", daemon=True)
            self._thread.start()

    def update(self, progress: CellProgress) -> None:
        """The cell that this process measures went on."""
        with self._lock:
            running = next(reversed(self._running.values()))
            rounds = f" {progress.rounds_done}/{progress.rounds_expected}" if progress.rounds_expected else ""
            running.phase, running.remaining_s = f"{progress.phase}{rounds}", progress.remaining_s
            self._show()

    def finish(self, cell: str = "") -> None:
        """A cell ended, by default the last that began; nothing where it had not begun."""
        with self._lock:
            cell = cell or next(reversed(self._running), "")
            running = self._running.pop(cell, None)
            if running is None:
                return
            spent_s = self._clock() - running.began
            if running.counts:
                self._done[cell] = spent_s
            else:
                self._further_s += spent_s
            self._stop_bar()

    def wait(self, what: str, left_s: float) -> None:
        """The run has not begun: what it waits for, and for how long at most."""
        self._line(f"waiting for the GPU, up to {duration(left_s)} more: {what}")

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Nothing is shown in the meantime, so that others can write."""
        with self._lock:
            self._stop_bar()
            yield
            if self._bar and self._running:
                self._show()

    def stop(self) -> None:
        """Nothing runs any more."""
        self._ended.set()
        if self._thread:
            self._thread.join()
        with self._lock:
            self._running.clear()
            self._stop_bar()

    def left_s(self) -> float | None:
        """Seconds until the run ends; None while nothing is known."""
        done_s = sum(self._done.values()) + self._further_s
        done_expected_s = sum(self.expected.get(cell, 0.0) for cell in self._done)
        if done_expected_s:
            pace = done_s / done_expected_s
        elif self._known:
            pace = 1.0
        else:
            return None
        now = self._clock()
        left_s = 0.0
        for cell, seconds in self.expected.items():
            if cell not in self._done and cell not in self._running:
                left_s += pace * seconds
        for cell, running in self._running.items():
            spent_s = now - running.began
            own_s = max(0.0, pace * self.expected.get(cell, 0.0) * running.counts - spent_s)
            left_s += own_s if running.remaining_s is None else running.remaining_s
        return left_s / max(self._workers, 1)

    def describe(self) -> str:
        """`[2/9] CELL: rounds 3/10`; with workers each cell and for how long it has been measured."""
        now = self._clock()
        counted = len(self._done) + sum(running.counts for running in self._running.values())
        if self._workers:
            cells = ", ".join(f"{cell} for {duration(now - each.began)}" for cell, each in self._running.items())
        else:
            cells = ", ".join(
                f"{cell}: {running.phase}" if running.phase else cell for cell, running in self._running.items()
            )
        return f"[{counted}/{self.total}] {cells}"

    def time_left(self) -> str:
        """`about 3 min left`; empty while nothing is known."""
        left_s = self.left_s()
        if left_s is not None:
            return f"about {duration(left_s)} left"
        remaining = [running.remaining_s for running in self._running.values() if running.remaining_s is not None]
        return f"{duration(remaining[0])} left of this cell" if remaining else ""

    def _show(self) -> None:
        left = self.time_left()
        if self._bar is None:
            self._line(", ".join(filter(None, (self.describe(), left))))
            return
        done_s = sum(self.expected.get(cell, 0.0) for cell in self._done)
        self._bar.update(self._task, description=self.describe(), left=left, completed=done_s)
        if not self._bar.live.is_started:
            self.write("\n")
            self._bar.start()
        self._bar.refresh()

    def _stop_bar(self) -> None:
        if self._bar and self._bar.live.is_started:
            self._bar.stop()

    def _line(self, text: str) -> None:
        now = self._clock()
        if self._shown is None or now - self._shown >= LOG_EVERY_S:
            self._shown = now
            self.write(f"\n{text} ")

    def _keep_showing(self) -> None:
        while not self._ended.wait(LIVE_EVERY_S if self._bar else LOG_EVERY_S):
            with self._lock:
                if self._running:
                    self._show()
