"""What a session does where an error has broken this process's CUDA context: every later cell here would fail by it.

A worker ends, as one that died: its cell is measured once more and the others go on, in processes of their own. A run
in one process ends early and keeps what it measured.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from benchmarks.plugin.output import not_captured
from benchmarks.plugin.suite import BarkSuite
from fixtures.machine import context


def end_if_broken(suite: BarkSuite, session: Any, cell: str) -> None:
    """End this worker, or have pytest's session end after this test, where nothing more can be measured here.

    Args:
        suite: the session.
        session: pytest's.
        cell: in which an error was raised that is none of the suite's own.
    """
    device = suite.settings.machine.device
    said = context.broken(device)
    if not said:
        return
    if suite.worker:
        with not_captured(session.config):
            sys.stderr.write(f"\nworker {suite.worker} ends, {cell} has broken its context on {device}: {said}\n")
            sys.stderr.flush()
            os._exit(1)
    suite.warn(
        f"{cell} has broken this process's context on {device} ({said}), so the run ended there, and what was measured "
        "before is kept: see the kernel's log (dmesg) for an error of the GPU (Xid), and measure again; with -n 1 "
        "another process takes over"
    )
    session.shouldfail = f"{cell} has broken the context on {device}: nothing more can be measured in this process"
