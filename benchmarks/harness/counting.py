"""The counter pass of a run on a GPU, in a process of its own beside the one that times.

A profiler that was once on leaves its process slower: kineto stays attached to CUPTI, and every later launch pays for
it (pytorch/pytorch#144455 tells of 10 % to 20 %). In one process, the wall times of a cell would depend on whether
another one was counted before it, and a rerun would always be slower than what it is to confirm.

The process lives as long as the session, idle while cells are timed. It holds a CUDA context all the time, and a cell's
model only while the measuring process has given its own back. It builds cells itself: what a plugin changes in the
process that times them, it does not count.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.harness.against import ROOT
from fixtures.errors import SuiteError
from fixtures.machine.gpus import one_process_only
from fixtures.meters.counters import CounterReading
from fixtures.meters.trace import Keep
from fixtures.pair_protocol import Order
from fixtures.pairs import TIMEOUT_S, Side, Worker
from fixtures.rounds import Progress, Report

NAME = "the counting process"
ADVICE = "; measure the cell alone to see whether it does so again"


def apart(device: str) -> bool:
    """Whether cells of a torch device are to be counted in a process of their own: where CUPTI does it."""
    return device.startswith("cuda")


def counting_for(device: str, warn: Callable[[str], None]) -> Counting | None:
    """The process that counts a device's cells; None where the one that times them does."""
    if not apart(device):
        return None
    if one_process_only():
        warn(
            "the GPU lets one process at a time compute on it (nvidia-smi -q -d COMPUTE shows it), so cells are "
            "counted where they are timed, which a profiler leaves slower: wall times depend on the cells before"
        )
        return None
    return Counting()


@dataclass(slots=True)
class Counting:
    """The process that counts; started for the first cell, and afresh after one that broke it."""

    start: Callable[[Side, float], Worker] = Worker
    side: Side = field(default_factory=lambda: Side(NAME, sys.executable, ROOT, patience=ADVICE))
    _worker: Worker | None = None

    def count(self, order: Order, checkpoint: str, report: Report, keep: Keep | None = None) -> CounterReading:
        """Count a cell.

        Args:
            order: the cell; its rounds and limits do not matter.
            checkpoint: digest of what was measured.
            report: takes progress.
            keep: is shown the trace.

        Raises:
            SuiteError: it cannot be counted.
        """
        self._worker = self._worker or self.start(self.side, TIMEOUT_S)
        try:
            with tempfile.TemporaryDirectory(prefix="bark-benchmarks-") as folder:
                trace = Path(folder, "trace.json") if keep else None
                answer = self._worker.ask(
                    "count",
                    order,
                    lambda seen: report(Progress(f"counters: {seen.get('phase', '')}")),
                    trace=str(trace or ""),
                )
                if answer.get("checkpoint") != checkpoint:
                    raise SuiteError(
                        f"{NAME} loaded another checkpoint ({answer.get('checkpoint')}) than was measured "
                        f"({checkpoint}): do not change weights during a run"
                    )
                if keep and trace:
                    keep(trace)
            return CounterReading.from_record(answer.get("counters") or {})
        except BaseException:  # one that failed may hold the card's memory, and one that was left may still work
            self._worker.kill()
            self._worker = None
            raise

    def close(self) -> None:
        """End the process."""
        if self._worker:
            self._worker.stop()
        self._worker = None
