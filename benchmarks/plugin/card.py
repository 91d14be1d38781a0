"""The cards of a session: taken before the first cell, given back when the session ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial

from benchmarks.plugin.progress import ProgressLine
from fixtures.machine import lock as exclusive
from fixtures.machine.gpus import other_processes, visible_uuid


def take(
    wait_s: float | None,
    progress: ProgressLine,
    warn: Callable[[str], None],
    uuids: Iterable[str | None] | None = None,
) -> ExitStack:
    """Lock GPUs until the stack is closed, and see to it that nobody else computes on them.

    Args:
        wait_s: of `--gpu-wait`.
        progress: shows what is waited for.
        warn: told of other processes where nothing was said about waiting for them.
        uuids: of the GPUs, by default of the first visible one.

    Raises:
        SuiteError: it was not free in time.
    """
    patience = exclusive.Patience(exclusive.WAIT_S if wait_s is None else wait_s, progress.wait)
    with ExitStack() as held:
        known = {uuid for uuid in ([visible_uuid()] if uuids is None else uuids) if uuid}
        for uuid in sorted(known):  # in one order everywhere, so that no two runs wait for each other
            held.enter_context(exclusive.hold(uuid, patience, warn))
        others = partial(_others, None if uuids is None else sorted(known))
        if wait_s is not None:
            exclusive.wait_for_others(others, patience)
        elif busy := others():
            warn(f"the GPU is shared with {', '.join(busy)}: wall times will be noisy, memory may run out")
        return held.pop_all()


def _others(uuids: Sequence[str] | None) -> list[str]:
    """Who else computes on these GPUs, by default on the first visible one, in words."""
    if uuids is None:
        return [str(process) for process in other_processes()]
    several = len(uuids) > 1
    return [f"{one} on {uuid}" if several else str(one) for uuid in uuids for one in other_processes(uuid)]
