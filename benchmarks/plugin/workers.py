"""What a worker of pytest-xdist does: it takes any free GPU by its lock and cores of its own, and writes its part.

A part is a run file of what the worker measured, written after every cell; `controller.py` joins the parts.

pytest-benchmark disables itself in such a session, since tests that share a processor time each other. Here each worker
has a GPU and cores of its own, so both sides switch it on again; files and comparisons are the controller's alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from benchmarks.plugin import session
from benchmarks.plugin.progress import RunProgress
from benchmarks.plugin.suite import Suite
from fixtures.errors import SuiteError
from fixtures.machine import lock, workers
from fixtures.machine.workers import Worker

BENCHMARKS = Path(__file__).resolve().parents[1]

PARTS = "bark_parts"
"""The key under which a worker is told, in pytest-xdist's input, the folder of the parts."""

USAGE_ERROR = "bark_usage_error"
"""The key under which a worker's output says why it cannot measure anything."""

IN_WORKER = "bark-worker"
"""A worker's plugin."""

SCHEDULERS = ("load", "loadgroup")
"""The values of --dist that give each cell to one worker and balance the load."""


def measures(targets: Iterable[str]) -> bool:
    """Whether pytest's arguments reach the benchmarks; other tests may run in any number of workers."""
    paths = [Path(target.partition("::")[0]).resolve() for target in targets]
    return any(path.is_relative_to(BENCHMARKS) or BENCHMARKS.is_relative_to(path) for path in paths)


def workers_asked_for(config: pytest.Config) -> int:
    """How many workers pytest-xdist will start; 0 where this process runs the tests itself, or only lists them.

    Raises:
        SuiteError: they would not each measure their part of the cells on this host.
    """
    dist = config.getoption("dist", "no")
    if dist == "no" or config.getoption("collectonly"):
        return 0
    if dist not in SCHEDULERS:
        raise SuiteError(f"--dist={dist}: workers share the cells by --dist=load or --dist=loadgroup")
    from xdist.workermanage import parse_tx_spec_config

    specs = parse_tx_spec_config(config)
    for spec in specs:
        if spec != "popen":
            raise SuiteError(
                f"--tx={spec}: workers measure on this host's own GPUs, and each host writes a run file: give -n auto"
            )
    return len(specs)


class AutoNumber:
    """`-n auto` where the benchmarks run."""

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_auto_num_workers(self, config: pytest.Config) -> int | None:
        """One worker for each visible GPU, or one for the CPU."""
        if not measures(config.args):
            return None
        try:
            return len(workers.devices(config.getoption("device")))
        except SuiteError as error:
            raise pytest.UsageError(str(error)) from error


class Enabled:
    """pytest-benchmark as it would be without workers."""

    def __init__(self, config: Any) -> None:
        """Keep back what pytest-benchmark refuses in a session with workers."""
        self.config = config
        self.only = config.option.benchmark_only
        config.option.benchmark_only = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Switch it on, unless the user switched it off."""
        option, session = self.config.getoption, self.config._benchmarksession
        session.disabled = option("benchmark_disable") and not option("benchmark_enable")
        session.xdist_warning = False
        session.only, session.skip = self.only, session.skip and not self.only


class InWorker(Enabled):
    """Binds this process to a free slot, and writes its part."""

    suite: Suite

    def __init__(self, config: Any) -> None:
        """Take a slot and bind this process to it, before anything looks for a GPU."""
        super().__init__(config)
        given = config.workerinput
        self.name: str = given["workerid"]
        self.folder = Path(given[PARTS])
        self.warnings: list[str] = []
        self.problem = ""
        self.worker: Worker | None = None
        try:
            self.worker = self._take(given["workercount"])
        except SuiteError as error:
            self.problem = str(error)
        else:
            workers.bind(self.worker)

    def _take(self, number: int) -> Worker:
        option = self.config.getoption
        available = workers.slots(number, option("device"))
        waiting = RunProgress(sys.stderr.write)
        if available[0].gpu is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            names = [f"slot-{at}" for at in range(number)]
            patience = lock.Patience(lock.WAIT_S, waiting.wait)
            held = ExitStack()
            taken = held.enter_context(lock.hold_any(names, patience, self.warnings.append, self.folder))
        else:
            uuids = [slot.uuid for slot in available]
            taken, held = lock.take(option("gpu_wait"), waiting.wait, self.warnings.append, uuids)
        self.config.add_cleanup(held.close)
        slot = available[taken]
        return Worker(self.name, number, slot.cores, slot.gpu, slot.visible)

    def measure_for(self, suite: Suite) -> None:
        """Have a session's run file be this worker's part."""
        self.suite = suite
        suite.worker = self.worker
        suite.recorder.warnings += self.warnings
        suite.recorder.path = self.folder / f"{self.name}.json"
        option = self.config.option
        option.benchmark_compare = []
        option.benchmark_group_by = "group"  # what is shown is the controller's
        option.benchmark_save = option.benchmark_autosave = option.benchmark_json = None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Refuse to go on without a slot, now that pytest-xdist can pass on why."""
        if self.problem:
            raise self.usage_error(self.problem, items)

    def usage_error(self, problem: str, items: list[pytest.Item]) -> pytest.UsageError:
        """The error to raise; the controller, which is told of collected tests all the same, is told of none."""
        self.problem = problem
        items.clear()
        return pytest.UsageError(problem)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Write the part as it stands at the end, and tell the controller of a usage error."""
        self.config.workeroutput[USAGE_ERROR] = self.problem
        if self.suite.recorder.written or self.config._benchmarksession.benchmarks:
            session.save(self.suite, self.config)


def usage_error(config: pytest.Config, problem: str, items: list[pytest.Item]) -> pytest.UsageError:
    """The error to raise at collection for what a user can act on; a worker passes it on to its controller."""
    worker: InWorker | None = config.pluginmanager.getplugin(IN_WORKER)
    return worker.usage_error(problem, items) if worker else pytest.UsageError(problem)


def bound(config: pytest.Config) -> InWorker | None:
    """Bind this process where it is a worker of the suite's; None where it is not."""
    return InWorker(config) if PARTS in getattr(config, "workerinput", {}) else None
