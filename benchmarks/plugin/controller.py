"""The controller of a session that pytest-xdist spreads over workers: it makes one run of the parts that they write.

It judges and shows the run as if it had measured itself. A worker that dies costs the cell that it was measuring; what
it measured before is in its part.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Generator, Iterable, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_benchmark.stats import Metadata

from benchmarks.plugin import conflicts, ending, output, plan, session
from benchmarks.plugin.progress import RunProgress
from benchmarks.plugin.recorder import disturbed
from benchmarks.plugin.suite import Suite
from benchmarks.plugin.workers import IN_WORKER, PARTS, USAGE_ERROR, Enabled, InWorker, measures, workers_asked_for
from fixtures.errors import SuiteError
from fixtures.machine import context
from fixtures.machine import workers as machine_workers
from fixtures.machine.workers import Slot
from reports.errors import ReportError
from reports.records import runfile
from reports.records.merge import merge
from reports.records.schema import Outcome

CONTROLLER = "bark-controller"
"""The controller's plugin."""

INTERRUPT = "keyboard-interrupt"
"""pytest-xdist's error of a worker that Ctrl-C has ended."""


def register(config: pytest.Config, suite: Suite, worker: InWorker | None) -> None:
    """Register what a session with workers needs; nothing in one without.

    Raises:
        SuiteError: the session cannot be spread over that many workers.
    """
    if worker:
        worker.measure_for(suite)
        config.pluginmanager.register(worker, IN_WORKER)
        return
    if hasattr(config, "workerinput") or not measures(config.args):
        return
    number = workers_asked_for(config)
    if number:
        if suite.settings.against:
            raise SuiteError("--against interleaves both sides on one card: leave -n out")
        conflicts.refuse_grouping(config.getoption("benchmark_group_by"), [{"cell": ""}])
        available = machine_workers.slots(number, config.getoption("device"))
        config.pluginmanager.register(Controller(config, suite, number, available), CONTROLLER)


class Controller(Enabled):
    """Notes what becomes of the workers' cells, and makes one run of their parts."""

    def __init__(self, config: pytest.Config, suite: Suite, number: int, available: Sequence[Slot]) -> None:
        """Of a session with so many workers."""
        super().__init__(config)
        self.suite, self.number, self.available = suite, number, available
        self.folder = suite.settings.report_dir / ".parts" / uuid.uuid4().hex
        self.interrupted = False
        self.enough_failed = False
        self.joined = False
        self.collected = 0
        self.order: dict[str, int] = {}
        self.unmeasured: dict[str, tuple[Outcome, str]] = {}
        self.cut_off: set[str] = set()
        self.session_cores = len(machine_workers.usable_cores())
        chosen = suite.settings
        self.planned = {planned.cell.id: planned for planned in plan.plan(chosen.matrix, chosen.level, chosen.machine)}
        self.progress: RunProgress | None = None
        suite.awaits_parts = True
        if number > 1:
            suite.warn(
                f"{number} workers measured at once, each with {len(available[0].cores)} of the host's "
                f"{self.session_cores} cores: their wall times are judged against runs of {number} workers only"
            )

    def cell_of(self, nodeid: str) -> str:
        """The cell that the suite's test measures, by its node id, which is all that the controller has.

        Empty for another test: what becomes of a user's own benchmark is in the parts. The parameters of other plugins
        may stand before and after the cell: pytest-repeat numbers each repetition.
        """
        if f"::{plan.TEST}[" not in nodeid:
            return ""
        parameters = nodeid.rpartition("[")[2].partition("]")[0]
        if parameters in self.planned or "-" not in parameters:
            return parameters if parameters in self.planned else ""
        around = f"-{parameters}-"
        return next((cell for cell in self.planned if f"-{cell}-" in around), "")

    def pytest_report_header(self) -> str:
        """Which slots there are."""
        return machine_workers.describe(self.number, self.available, self.session_cores)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where its part goes."""
        node.workerinput[PARTS] = str(self.folder)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Now it is known what was asked for, and once all workers have told, that each has a slot."""
        if self.progress:  # of a worker that replaces another
            return
        self.collected += bool(ids)
        self.order = {nodeid: number for number, nodeid in enumerate(ids)}
        cells = {self.cell_of(nodeid) for nodeid in ids}
        self.suite.recorder.expect(self.planned.values(), cells)
        running = [cell for cell, planned in self.planned.items() if planned.runs and cell in cells]
        if running and self.collected == self.number:
            try:
                context.refuse_without_cuda(self.suite.settings.machine)
            except SuiteError as error:
                raise pytest.UsageError(str(error)) from error
            session.begin(self.suite, self.config)
            self.progress = output.progress(self.config, self.suite, running, self.number)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A worker begins a test."""
        cell = self.cell_of(nodeid)
        if self.progress and cell and self.planned[cell].runs:
            self.progress.start(cell)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A worker has ended a test."""
        if self.progress:
            self.progress.finish(self.cell_of(nodeid))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> Generator[None, None, None]:
        """Note what was not measured, and let pytest show the report where no live line is."""
        cell = self.cell_of(report.nodeid)
        noted = session.outcome_of(report.when, report.outcome, session.report_reason(report)) if cell else None
        if noted and cell not in self.cut_off:
            self.unmeasured.setdefault(cell, noted)
        shown = report.when == "call" or not report.passed
        with self.progress.hidden() if self.progress and shown else nullcontext():
            return (yield)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker has ended, or died."""
        self.interrupted |= error == INTERRUPT
        problem = (getattr(node, "workeroutput", None) or {}).get(USAGE_ERROR)
        if problem:
            raise pytest.UsageError(problem)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: Any) -> None:
        """A worker died in a test, which has failed unless Ctrl-C ended the worker; what it measured before stands."""
        cell = self.cell_of(crashitem)
        if self.progress:
            self.progress.finish(cell)
        if cell and self.interrupted:
            self.cut_off.add(cell)
        elif cell:
            report.longrepr = died(report.node.gateway.id, cell)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Tell the end that `-x` or `--maxfail` asked for, which pytest-xdist makes one too, from Ctrl-C."""
        from xdist.dsession import Interrupted

        stopped_by_xdist = isinstance(excinfo.value, Interrupted) and not self.interrupted
        self.enough_failed = stopped_by_xdist and bool(self.config.pluginmanager.getplugin("session").shouldfail)

    def join_parts(self, exit_code: int) -> None:
        """Take up what the workers measured as if it had been measured here.

        Raises:
            ReportError: the parts are not of one run; they are kept.
        """
        if self.progress:
            self.progress.stop()
        manager = getattr(self.config.pluginmanager.getplugin("dsession"), "nodemanager", None)
        if manager:  # a worker that still runs would go on writing its part
            manager.teardown_nodes()
        paths = sorted(self.folder.glob("gw*.json"), key=lambda path: int(path.stem.removeprefix("gw")))
        if paths:
            try:
                self._take_up(paths)
            except ReportError as error:
                names = " and ".join(path.stem for path in paths)
                raise ReportError(
                    f"the parts of {names} cannot be joined and are kept in {self.folder}: {error}"
                ) from error
        self.suite.awaits_parts = False
        self.joined = True
        recorder = self.suite.recorder
        for cell, noted in self.unmeasured.items():
            recorder.not_measured(cell, *noted)
        ended = exit_code in (ending.PASSED, ending.FAILED, ending.NO_TESTS) and not self.enough_failed
        if ended and not self.config._benchmarksession.disabled:
            for outcome in recorder.asked_for:
                if outcome.outcome == "not run":
                    outcome.reason = ending.NO_WORKER

    def _take_up(self, paths: Sequence[Path]) -> None:
        recorder = self.suite.recorder
        parts = [(path.stem, runfile.read(path)) for path in paths]
        run = merge(parts, one_run=True)
        entries: dict[str, dict[str, Any]] = {}
        disturbances: set[str] = set()
        for path in paths:
            own = json.loads(path.read_text(encoding="utf-8"))["benchmarks"]
            entries |= {entry["fullname"]: entry for entry in own}
            disturbances.update(disturbed(_records(own)))
        ordered = sorted(entries.values(), key=lambda entry: self.order.get(entry["fullname"], len(self.order)))
        recorder.records = _records(ordered)
        recorder.outcomes = run.outcomes()
        recorder.environments = run.suite.environments
        recorder.shard = next(iter(run.suite.shards), None)
        recorder.warnings += [line for line in run.suite.warnings if line not in disturbances]
        self.suite.machine_info = run.machine_info
        self.config._benchmarksession.benchmarks[:] = [benchmark_of(entry) for entry in ordered]
        if self.suite.traces:
            self.suite.traces.take_up(recorder.records)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Remove the parts, once the run file holds what they do."""
        recorder = self.suite.recorder
        if self.joined and not recorder.problem and (recorder.written or not recorder.records):
            shutil.rmtree(self.folder, ignore_errors=True)
            with suppress(OSError):  # another run has parts there
                self.folder.parent.rmdir()


def _records(entries: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    infos = [entry["extra_info"] for entry in entries]
    return {info["cell"]: info for info in infos if "schema_version" in info}


def died(worker: str, cell: str) -> str:
    """Why a cell failed whose worker died."""
    return (
        f"worker {worker} died while measuring {cell}: see what it last wrote, and the kernel's log (dmesg) for its "
        "out-of-memory killer or an error of the GPU (Xid)"
    )


def exit_code(config: pytest.Config, code: int) -> int:
    """Of a session: where enough has failed, that of failures, as without workers."""
    controller = config.pluginmanager.getplugin(CONTROLLER)
    return ending.FAILED if controller and controller.enough_failed else code


def join_parts(config: pytest.Config, code: int) -> None:
    """Make one run of the parts of a session's workers, if it has any.

    Raises:
        ReportError: the parts are not of one run; they are kept.
    """
    controller = config.pluginmanager.getplugin(CONTROLLER)
    if controller:
        controller.join_parts(code)


def benchmark_of(entry: dict[str, Any]) -> Any:
    """An entry of pytest-benchmark's own kind that says what `entry`, from another process, says."""
    known = ("name", "fullname", "group", "param", "params", "extra_info")
    fixture = SimpleNamespace(**{name: entry[name] for name in known}, cprofile_stats=None, has_error=False)
    benchmark = Metadata(fixture, iterations=entry["stats"]["iterations"], options=entry["options"])
    for seconds in entry["stats"]["data"]:
        benchmark.stats.update(seconds)
    return benchmark
