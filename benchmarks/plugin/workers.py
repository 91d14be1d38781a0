"""The hooks of a session that pytest-xdist spreads over workers, as plugins: one for the controller, one for a worker.

pytest-benchmark disables itself in such a session, since tests that share a processor time each other. Here each worker
has a GPU and cores of its own, so both sides switch it on again; files and comparisons are the controller's alone.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from benchmarks.plugin import card, display, distribution, durations, ending, handover, junit, plan, session, theirs
from benchmarks.plugin.deaths import Deaths, killing
from benchmarks.plugin.distribution import Places
from benchmarks.plugin.durations import Durations
from benchmarks.plugin.schedule import Costs
from benchmarks.plugin.suite import BarkSuite
from benchmarks.plugin.workers_progress import WorkersProgress
from fixtures.errors import SuiteError
from fixtures.machine import context, workers
from fixtures.machine.workers import Worker
from fixtures.models.bark.axes import AXES
from reports.errors import ReportError

INPUT = "bark_worker"
"""Of the input that pytest-xdist gives a worker."""

CONTROLLER = "bark-controller"
"""The plugin of the controller."""

INTERRUPT = "keyboard-interrupt"
"""What pytest-xdist says of a worker that Ctrl-C has ended."""


def exit_code(config: pytest.Config, code: int) -> int:
    """Of a session: where enough has failed, that of failures, as without workers."""
    controller = config.pluginmanager.getplugin(CONTROLLER)
    return ending.FAILED if controller and controller.enough_failed else code


class AutoNumber:
    """`-n auto` where the benchmarks run."""

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_auto_num_workers(self, config: pytest.Config) -> int | None:
        """One worker for each visible GPU, or one for the CPU."""
        if not distribution.measures(config.args):
            return None
        try:
            return distribution.automatic(config.getoption("device"))
        except SuiteError as error:
            raise pytest.UsageError(str(error)) from error


def bound(config: Any) -> Worker | None:
    """Bind this process where it is a worker of the suite's; before anything looks for a GPU."""
    given = getattr(config, "workerinput", {}).get(INPUT)
    if given is None:
        return None
    worker = workers.from_plain(given)
    workers.bind(worker)
    return worker


def join(config: pytest.Config, suite: BarkSuite, worker: Worker | None, cells: dict[str, str]) -> None:
    """Register what a session with workers needs; nothing in one without.

    Args:
        config: pytest's.
        suite: the session.
        worker: what `bound` gave.
        cells: node id -> cell of this process's tests, to be filled by its collection.

    Raises:
        SuiteError: the session cannot be spread over that many workers.
        ReportError: the baseline that knows how long cells take cannot be read.
    """
    if worker:
        suite.worker = worker
        suite.recorder.writes = False
        config.option.benchmark_compare = []
        config.option.benchmark_group_by = "group"  # what is shown is the controller's
        config.option.benchmark_save = config.option.benchmark_autosave = config.option.benchmark_json = None
        config.pluginmanager.register(InWorker(config, suite, cells), "bark-worker")
        return
    if hasattr(config, "workerinput") or not distribution.measures(config.args):
        return
    number = distribution.workers_asked_for(config.getoption)
    if number:
        chosen = suite.settings
        if chosen.against:
            raise SuiteError("--against measures both sides in turns on one card: leave -n out")
        theirs.refuse_grouping(config.getoption("benchmark_group_by"), [{"cell": ""}])
        places = distribution.places(number, config.getoption("device"))
        known = durations.measured(chosen.baseline_root, chosen.hardware, chosen.machine.lane, chosen.level)
        controller = Controller(config, suite, places, known)
        config.pluginmanager.register(controller, CONTROLLER)
        if config.option.maxworkerrestart is None:
            config.option.maxworkerrestart = distribution.restarts(number, len(controller.seconds))


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
        option, theirs = self.config.getoption, self.config._benchmarksession
        theirs.disabled = option("benchmark_disable") and not option("benchmark_enable")
        theirs.xdist_warning = False
        theirs.only, theirs.skip = self.only, theirs.skip and not self.only


class InWorker(Enabled):
    """Sends what became of each cell to the controller."""

    def __init__(self, config: pytest.Config, suite: BarkSuite, cells: dict[str, str]) -> None:
        """Of this worker's session."""
        super().__init__(config)
        self.suite, self.cells = suite, cells

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the cell's part on the report, which pytest-xdist sends at once."""
        report = yield
        cell = self.cells.get(item.nodeid)
        if cell:
            entries = self.config._benchmarksession.benchmarks
            setattr(report, handover.ATTRIBUTE, handover.part_of(self.suite, cell, report, entries).packed())
        return report


class Controller(Enabled):
    """Gives out places and cells, and makes one run of what the workers send."""

    def __init__(self, config: pytest.Config, suite: BarkSuite, places: Places, known: Durations) -> None:
        """Of a session with a worker for each place."""
        super().__init__(config)
        self.suite, self.places = suite, places
        self.workers: dict[str, Worker] = {}
        self.deaths = Deaths()
        self.interrupted = False
        self.elsewhere: dict[str, int] = {}
        self.enough_failed = False
        self.merged = handover.Merged(suite, [])
        chosen = suite.settings
        self.planned = {one.cell.id: one for one in plan.plan(chosen.matrix, chosen.level, chosen.machine)}
        self.seconds = known.of(cell for cell, one in self.planned.items() if one.runs)
        self.costs = Costs(self.seconds, known.first)
        self.session_cores = len(workers.usable_cores())
        self.progress = WorkersProgress(lambda text: display.uncaptured(config)(text), len(places.devices))
        suite.awaited = set()
        if len(places.devices) > 1:
            suite.warn(distribution.note(len(places.devices), len(places.cores[0]), self.session_cores))

    def cell_of(self, nodeid: str) -> str:
        """The cell that a test measures, by its node id, which is all that the controller has; empty for another.

        The parameters of other plugins may stand before and after it: pytest-repeat numbers each repetition.
        """
        values = nodeid.rpartition("[")[2].removesuffix("]").split("-")
        parts = ("-".join(values[start : start + len(AXES)]) for start in range(len(values) - len(AXES) + 1))
        return next((part for part in parts if part in self.planned), "")

    def measured_by(self, nodeid: str) -> str:
        """The cell that a test measures; empty for one that is skipped, or measures nothing."""
        cell = self.cell_of(nodeid)
        return cell if cell in self.seconds else ""

    def pytest_report_header(self) -> str:
        """Which worker gets what."""
        return self.places.describe(self.session_cores)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker what is its own."""
        name = str(node.gateway.id)
        self.workers[name] = self.places.take(name)
        node.workerinput[INPUT] = self.workers[name].plain()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """The suite's own."""
        from benchmarks.plugin.scheduler import CellScheduling

        return CellScheduling(
            config,
            log,
            self.measured_by,
            self.costs,
            lambda node: self.workers[str(node.gateway.id)].place,
            left_out=lambda nodeid: self.cell_of(nodeid) in self.elsewhere,
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Now it is known what was asked for: split it, and take the cards before any worker begins."""
        if self.merged.order:
            return
        self.merged.order = {nodeid: number for number, nodeid in enumerate(ids)}
        self.merged.entries = self.config._benchmarksession.benchmarks
        cells = {self.cell_of(nodeid) for nodeid in ids}
        try:
            self.elsewhere = session.elsewhere(self.suite, list(self.planned.values()), cells)
        except (SuiteError, ReportError) as error:
            raise pytest.UsageError(str(error)) from error
        for line in session.split_line(self.suite):
            display.uncaptured(self.config)(f"\n{line}\n")
        cells -= self.elsewhere.keys()
        self.suite.recorder.expect(self.planned.values(), cells, self.elsewhere)
        awaited = cells & self.seconds.keys()
        if awaited:
            self._take_cards()
            session.begin(self.suite, self.config)
        self.suite.awaited, self.progress.total = awaited, len(awaited)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A worker begins a test."""
        if cell := self.measured_by(nodeid):
            self.progress.start(cell)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A worker has ended a test."""
        self.progress.finish(self.cell_of(nodeid))

    @pytest.hookimpl(wrapper=True)  # before pytest counts what failed
    def pytest_runtest_logreport(self, report: Any) -> Generator[None, None, None]:
        """Take in what a worker sends of a cell, and write the run file where it measured one."""
        sent = getattr(report, handover.ATTRIBUTE, "")
        if sent:
            part, recorder = handover.unpacked(sent), self.suite.recorder
            self._heard(part)
            if part.entry and part.cell not in recorder.records:
                report.outcome, report.longrepr = "failed", recorder.outcomes[part.cell].reason
        yield
        if report.outcome == "rerun":
            junit.forget(self.config, report)

    def _take_cards(self) -> None:
        """For this run alone."""
        chosen = self.suite.settings
        if not chosen.machine.gpu:
            return
        uuids = [device.uuid for device in self.places.devices]
        try:
            context.refuse_without_cuda(chosen.machine)
            held = card.take(chosen.gpu_wait_s, display.progress_line(self.config, 0), self.suite.warn, uuids)
        except SuiteError as error:
            pytest.exit(str(error), returncode=ending.USAGE)
        self.config.add_cleanup(held.close)

    def _heard(self, part: handover.Part) -> None:
        if self.suite.awaited and (part.outcome or part.when == "call"):
            self.suite.awaited.discard(part.cell)
        if part.when == "call":
            self.deaths.lived(part.place)
        if self.merged.add(part):
            session.save(self.suite, self.config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker has ended, or died: its place is free."""
        self.interrupted |= error == INTERRUPT
        self.places.leave(self.workers[str(node.gateway.id)], died=bool(error))

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: Any, sched: Any) -> None:
        """A worker died in a test: a cell is tried once more, elsewhere if there is another place, and then failed."""
        cell, worker = self.cell_of(crashitem), self.workers[str(report.node.gateway.id)]
        self.progress.finish(cell, counts=False)
        if not cell or self.interrupted or cell in self.suite.recorder.records:  # what was measured stands
            return
        report.longrepr = self.deaths.add(cell, worker)
        self.suite.recorder.not_measured(cell, "failed", report.longrepr)
        if self.deaths.kills(worker.place) and worker.of > 1:
            self._leave_out(worker, sched)
        if not self.deaths.final(cell):
            self.suite.warn(f"{report.longrepr}; it is measured again")
            sched.bar(cell, worker.place)
            sched.mark_test_pending(crashitem)
            report.outcome = "rerun"
        elif self.suite.awaited:
            self.suite.awaited.discard(cell)

    def _leave_out(self, worker: Worker, sched: Any) -> None:
        """Keep all cells from a place, so that it does not use up pytest-xdist's restarts, which are the run's."""
        for cell in self.seconds:
            sched.bar(cell, worker.place)
        said = killing(worker)
        if said not in self.suite.recorder.warnings:
            self.suite.warn(said)

    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        """How pytest shows a cell that is tried once more."""
        return ("rerun", "R", "RERUN") if report.outcome == "rerun" else None

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Tell the end that `-x` or `--maxfail` asked for, which pytest-xdist makes one too, from Ctrl-C."""
        from xdist.dsession import Interrupted

        theirs = isinstance(excinfo.value, Interrupted) and not self.interrupted
        self.enough_failed = theirs and bool(self.config.pluginmanager.getplugin("session").shouldfail)
        if self.enough_failed and self.suite.awaited:
            self.suite.awaited.clear()  # they were not run, as in one process, and no worker was missing

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Nothing runs any more."""
        self.progress.stop()
