"""Runs pytest in forks of one process that has imported all that a run needs, torch too: seconds less a run.

The process reads a request a line from standard input (JSON: arguments, variables, the file for the output) and answers
with the exit code. A fork has nothing of another fork's run: no plugin, no option, no patched module.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import importlib.metadata
import json
import os
import pkgutil
import re
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from execnet import gateway_io
from execnet.gateway_base import Popen2IO

ROOT = Path(__file__).resolve().parents[2]

PACKAGES = ("_pytest", "benchmarks.plugin", "fixtures", "reports")
"""Imported whole, but for what only fast decoding needs."""

TIMEOUT_S = 300.0


class Forks:
    """The client: starts the process, asks it for a run, ends it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.suite.forks"],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, arguments: Sequence[str], variables: Mapping[str, str]) -> tuple[int, str]:
        """The exit code (negative: the signal that ended it) and the output of `python -m pytest ARGUMENTS`."""
        assert self._process.stdin and self._process.stdout
        with tempfile.NamedTemporaryFile("r", errors="replace") as output:
            request = {"arguments": list(arguments), "variables": dict(variables), "output": output.name}
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            if not select.select([self._process.stdout], [], [], TIMEOUT_S)[0]:
                self.close()
                raise TimeoutError(f"pytest {' '.join(arguments)} did not end in {TIMEOUT_S:g} s")
            return int(self._process.stdout.readline()), output.read()

    def close(self) -> None:
        """End it, and what it runs."""
        self._process.kill()
        self._process.wait()


def import_all() -> None:
    """Import what a run imports, so that forks find it."""
    for plugin in importlib.metadata.entry_points(group="pytest11"):
        plugin.load()
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if "decoding" not in module.name and not module.name.endswith(("__main__", "prefetch")):
                importlib.import_module(module.name)
    from transformers import AutoProcessor, BarkModel  # noqa: F401

    threads = Path("/proc/self/task")
    assert not threads.exists() or len(list(threads.iterdir())) == 1, "a fork of a process with threads may hang"


class Worker(Popen2IO):
    """A worker of pytest-xdist that is a fork, in place of `execnet.gateway_io.Popen2IOMaster`."""

    waiting: ClassVar[list[tuple[int, int, int]]] = []
    """Forks that no controller has taken yet: process, and the descriptors that write to it and read from it."""

    @classmethod
    def prepare(cls, number: int) -> None:
        """Fork before pytest starts, so that a worker has nothing of its controller."""
        for _ in range(number):
            read_by_worker, to_worker = os.pipe()
            from_worker, written_by_worker = os.pipe()
            process = os.fork()
            if not process:
                os.dup2(read_by_worker, 0)
                os.dup2(written_by_worker, 1)
                for descriptor in (read_by_worker, to_worker, from_worker, written_by_worker):
                    os.close(descriptor)
                cls.serve()
            os.close(read_by_worker)
            os.close(written_by_worker)
            cls.waiting.append((process, to_worker, from_worker))
        vars(gateway_io)["Popen2IOMaster"] = cls

    @staticmethod
    def serve() -> NoReturn:
        """Do what the controller asks for, as an interpreter would that it started; end where it asks for nothing."""
        try:
            sys.stdin, sys.stdout = os.fdopen(0, "r", closefd=False), os.fdopen(1, "w", closefd=False)
            line = sys.stdin.readline()
            if line:
                exec(eval(line), {"__name__": "__main__"})
        finally:
            os._exit(0)

    def __init__(self, args: Sequence[str], execmodel: Any) -> None:
        self.process, to_worker, from_worker = self.waiting.pop(0)
        super().__init__(os.fdopen(to_worker, "wb"), os.fdopen(from_worker, "rb"), execmodel)

    def wait(self) -> int | None:
        """Until it has ended."""
        with suppress(ChildProcessError):
            return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        return None

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)


def in_fork(request: dict[str, Any]) -> NoReturn:
    """Be the run, and end with its exit code."""
    import pytest

    code = 1
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started this in the background
    try:
        output = os.open(request["output"], os.O_WRONLY | os.O_TRUNC)
        for descriptor in (1, 2):
            os.dup2(output, descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(request["variables"])
        tempfile.tempdir = None  # of the imports; a run's own TMPDIR counts
        if any(re.fullmatch("-n.*", argument) for argument in request["arguments"]):
            Worker.prepare(3)  # the third may have to replace one
        sys.argv = ["pytest", *request["arguments"]]
        code = int(pytest.main(["-W", "ignore::pytest.PytestAssertRewriteWarning", *request["arguments"]]))
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:  # as the interpreter does: pytest-benchmark raises where its own threshold is broken
        traceback.print_exc()
        code = 1
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Serve until standard input ends."""
    sys.path.insert(0, str(ROOT))
    import_all()
    gc.freeze()  # no collection of a fork looks through what was imported
    for line in sys.stdin:
        sys.stdout.flush()
        child = os.fork()
        if not child:
            in_fork(json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
