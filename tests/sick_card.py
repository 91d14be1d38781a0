"""A pytest plugin for tests of several workers: the card of place 1 kills every worker that measures there.

Loaded with `-p tests.sick_card`, after tests/two_workers.py. The worker of place 0 waits in its first cell until one of
place 1 has ended otherwise, or has died as often as FAKE_DEATHS says; FAKE_GIVEN_UP is the named pipe that it waits at.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from benchmarks.plugin import suite

PIPE = Path(os.environ["FAKE_GIVEN_UP"])
DIED, WAITED = PIPE.with_suffix(".died"), PIPE.with_suffix(".waited")


def _sick() -> bool:
    return os.environ.get("FAKE_PLACE") == "card 1"


def _give_up() -> None:
    with contextlib.suppress(OSError):  # nobody waits any more
        os.close(os.open(PIPE, os.O_WRONLY | os.O_NONBLOCK))


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Come between the session and its made-up measurements."""
    made_up = vars(suite)["measure"]

    def measure(*arguments: Any) -> Any:
        if _sick():
            with DIED.open("a") as file:
                file.write("x")
            if DIED.stat().st_size >= int(os.environ["FAKE_DEATHS"]):
                _give_up()
            os.kill(os.getpid(), signal.SIGKILL)
        if not WAITED.exists():
            WAITED.touch()
            PIPE.read_bytes()
        return made_up(*arguments)

    vars(suite)["measure"] = measure


def pytest_sessionfinish() -> None:
    """A worker has ended as it was told to."""
    if _sick():
        _give_up()
