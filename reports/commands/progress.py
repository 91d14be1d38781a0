"""Progress of a command that takes long, on standard error: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from reports.characters import inert, short, visible

QUIET_S = 2.0
"""Seconds in which nothing is shown: most commands have ended by then."""

LOG_EVERY_S = 10.0
"""Seconds between two lines where no line can be overwritten."""

LIVE_EVERY_S = 0.1
"""Seconds between two looks of a live line."""


@dataclass(slots=True)
class Progress:
    """Shows `title 12/40 (30 %), about 5 s left: what` on a stream."""

    title: str
    stream: TextIO
    live: bool
    clock: Callable[[], float]
    started: float
    shown: float | None = None

    def __call__(self, done: int, total: int, what: str) -> None:
        """So many of all are done; shown where it is time to."""
        now = self.clock()
        wait = LIVE_EVERY_S if self.live else LOG_EVERY_S
        if now - self.started < QUIET_S or (self.shown is not None and now - self.shown < wait):
            return
        self.shown = now
        left = f", about {(now - self.started) / done * (total - done):.0f} s left" if done else ""
        line = f"{self.title} {done:,}/{total:,} ({done / max(total, 1):.0%}){left}"
        line += f": {inert(visible(what))}" if what else ""
        self.stream.write(f"\r\x1b[K{short(line, 79)}" if self.live else f"{line}\n")
        self.stream.flush()

    def end(self) -> None:
        """Clear a live line."""
        if self.live and self.shown is not None:
            self.stream.write("\r\x1b[K")
            self.stream.flush()


@contextmanager
def progress(
    title: str, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Progress]:
    """Progress of a piece of work, on standard error unless a stream is named; silent where the work is quick."""
    chosen = stream or sys.stderr
    found = Progress(title, chosen, is_live(isatty=chosen.isatty()), clock, clock())
    try:
        yield found
    finally:
        found.end()


def is_live(*, isatty: bool) -> bool:
    """Whether a line can be overwritten; a CI service that offers a terminal keeps it as a log all the same."""
    logged = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return isatty and os.environ.get("TERM") != "dumb" and not logged
