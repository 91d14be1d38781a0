"""A run in a process of its own that is never left behind: it has workers on the card, which it ends as it closes."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

CLOSING_S = 60.0
"""A run that was interrupted ends its workers, each within seconds, and writes its run file; then it is ended."""

Start = Callable[..., "subprocess.Popen[str]"]


def ended(
    command: Sequence[str],
    folder: Path,
    variables: Mapping[str, str],
    start: Start = subprocess.Popen,
    closing_s: float = CLOSING_S,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and keep what it says; interrupted, wait until it has closed.

    Ctrl-C reaches it too, as it is of the same process group. SIGTERM does not: it is passed on as SIGINT, by which
    pytest ends its workers, where SIGTERM would end it at once and leave them on the card.

    Args:
        command: what to run.
        folder: its working directory.
        variables: its environment variables.
        start: starts the process, as `subprocess.Popen`.
        closing_s: how long it may take to close.
    """
    with start(
        command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process, _passing_on(process):  # fmt: skip
        try:
            out, err = process.communicate()
        except (KeyboardInterrupt, SystemExit):
            _close(process, closing_s)
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _close(process: subprocess.Popen[str], closing_s: float) -> None:
    """Let it close by itself; end it after a while, or on a second Ctrl-C."""
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        process.communicate(timeout=closing_s)
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=closing_s)
    if process.poll() is None:
        process.kill()


@contextmanager
def _passing_on(process: subprocess.Popen[str]) -> Iterator[None]:
    """Pass SIGTERM on, and leave as a shell would tell it (exit code 143)."""

    def stop(number: int, frame: FrameType | None) -> None:
        process.send_signal(signal.SIGINT)
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # only it gets signals
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
