"""A session that pytest-xdist spreads over workers, as plugins: one for the controller, one for a worker.

Each worker takes any free GPU by its lock, and cores of its own, and writes a run file of what it measured: its part.
The controller joins the parts at the end, and judges and shows the run as if it had measured itself. A worker that dies
costs the cell that it was measuring; what it measured before is in its part.

pytest-benchmark disables itself in such a session, since tests that share a processor time each other. Here each worker
has a GPU and cores of its own, so both sides switch it on again; files and comparisons are the controller's alone.
"""

from __future__ import annotations

import json
import shutil
import sys
import uuid
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_benchmark.stats import Metadata

from benchmarks.plugin import conflicts, ending, output, plan, session
from benchmarks.plugin.progress import Progress
from benchmarks.plugin.recorder import disturbed
from benchmarks.plugin.suite import BarkSuite
from fixtures.errors import SuiteError
from fixtures.machine import lock, workers
from fixtures.machine.workers import Slot, Worker
from reports.errors import ReportError
from reports.records import runfile
from reports.records.merge import merge
from reports.records.schema import Outcome

BENCHMARKS = Path(__file__).resolve().parents[1]

PARTS = "bark_parts"
"""The key under which a worker is told, in pytest-xdist's input, the folder of the parts."""

USAGE_ERROR = "bark_usage_error"
"""The key under which a worker's output says why it cannot measure anything."""

CONTROLLER = "bark-controller"
"""The controller's plugin."""

IN_WORKER = "bark-worker"
"""A worker's plugin."""

INTERRUPT = "keyboard-interrupt"
"""pytest-xdist's error of a worker that Ctrl-C has ended."""

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
        option, theirs = self.config.getoption, self.config._benchmarksession
        theirs.disabled = option("benchmark_disable") and not option("benchmark_enable")
        theirs.xdist_warning = False
        theirs.only, theirs.skip = self.only, theirs.skip and not self.only


class InWorker(Enabled):
    """Binds this process to a free slot, and writes its part."""

    suite: BarkSuite

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
        waiting = Progress(sys.stderr.write)
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

    def measure_for(self, suite: BarkSuite) -> None:
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
        if self.suite.recorder.written:
            session.save(self.suite, self.config)


def usage_error(config: pytest.Config, problem: str, items: list[pytest.Item]) -> pytest.UsageError:
    """The error to raise at collection for what a user can act on; a worker passes it on to its controller."""
    worker: InWorker | None = config.pluginmanager.getplugin(IN_WORKER)
    return worker.usage_error(problem, items) if worker else pytest.UsageError(problem)


def bound(config: pytest.Config) -> InWorker | None:
    """Bind this process where it is a worker of the suite's; None where it is not."""
    return InWorker(config) if PARTS in getattr(config, "workerinput", {}) else None


def join(config: pytest.Config, suite: BarkSuite, worker: InWorker | None) -> None:
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
            raise SuiteError("--against measures both sides in turns on one card: leave -n out")
        conflicts.refuse_grouping(config.getoption("benchmark_group_by"), [{"cell": ""}])
        available = workers.slots(number, config.getoption("device"))
        config.pluginmanager.register(Controller(config, suite, number, available), CONTROLLER)


class Controller(Enabled):
    """Notes what becomes of the workers' cells, and makes one run of their parts."""

    def __init__(self, config: pytest.Config, suite: BarkSuite, number: int, available: Sequence[Slot]) -> None:
        """Of a session with so many workers."""
        super().__init__(config)
        self.suite, self.number, self.available = suite, number, available
        self.folder = suite.settings.report_dir / ".parts" / uuid.uuid4().hex
        self.interrupted = False
        self.enough_failed = False
        self.joined = False
        self.order: dict[str, int] = {}
        self.unmeasured: dict[str, tuple[Outcome, str]] = {}
        self.session_cores = len(workers.usable_cores())
        chosen = suite.settings
        self.planned = {planned.scenario.id: planned for planned in plan.plan(chosen.level, chosen.machine)}
        self.progress: Progress | None = None
        suite.awaits_parts = True
        if number > 1:
            suite.warn(
                f"{number} workers measured at once, each with {len(available[0].cores)} of the host's "
                f"{self.session_cores} cores: their wall times are judged against runs of {number} workers only"
            )

    def cell_of(self, nodeid: str) -> str:
        """The cell that a test measures, by its node id, which is all that the controller has; empty for another.

        The parameters of other plugins may stand before and after it: pytest-repeat numbers each repetition.
        """
        parameters = nodeid.rpartition("[")[2].partition("]")[0]
        if parameters in self.planned or "-" not in parameters:
            return parameters if parameters in self.planned else ""
        around = f"-{parameters}-"
        return next((cell for cell in self.planned if f"-{cell}-" in around), "")

    def pytest_report_header(self) -> str:
        """Which slots there are."""
        return workers.describe(self.number, self.available, self.session_cores)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where its part goes."""
        node.workerinput[PARTS] = str(self.folder)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Now it is known what was asked for."""
        if self.order:
            return
        self.order = {nodeid: number for number, nodeid in enumerate(ids)}
        cells = {self.cell_of(nodeid) for nodeid in ids}
        matrix = {cell: planned.skip for cell, planned in self.planned.items()}
        deselected = {cell: planned.deselected for cell, planned in self.planned.items()}
        self.suite.recorder.expect(matrix, cells, deselected=deselected)
        running = [cell for cell, planned in self.planned.items() if planned.runs and cell in cells]
        if running:
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
        if noted:
            self.unmeasured.setdefault(cell, noted)
        if self.progress:
            with self.progress.hidden():
                return (yield)
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
        """A worker died in a test: it has failed, and what it measured before stands."""
        cell = self.cell_of(crashitem)
        if self.progress:
            self.progress.finish(cell)
        if cell and not self.interrupted:
            report.longrepr = died(report.node.gateway.id, cell)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Tell the end that `-x` or `--maxfail` asked for, which pytest-xdist makes one too, from Ctrl-C."""
        from xdist.dsession import Interrupted

        theirs = isinstance(excinfo.value, Interrupted) and not self.interrupted
        self.enough_failed = theirs and bool(self.config.pluginmanager.getplugin("session").shouldfail)

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
            if not (self.interrupted and noted[0] == "failed"):
                recorder.not_measured(cell, *noted)
        if not (self.config._benchmarksession.disabled or self.enough_failed or exit_code == ending.INTERRUPTED):
            for outcome in recorder.asked_for:
                if outcome.outcome == "not run":
                    outcome.reason = ending.NO_WORKER

    def _take_up(self, paths: Sequence[Path]) -> None:
        recorder = self.suite.recorder
        parts = [(path.stem, runfile.read(path)) for path in paths]
        run = merge(parts, one_run=True)
        entries: dict[str, dict[str, Any]] = {}
        of_parts: set[str] = set()
        for path in paths:
            own = json.loads(path.read_text(encoding="utf-8"))["benchmarks"]
            entries |= {entry["fullname"]: entry for entry in own}
            of_parts.update(disturbed(_records(own)))
        ordered = sorted(entries.values(), key=lambda entry: self.order.get(entry["fullname"], len(self.order)))
        recorder.records = _records(ordered)
        recorder.outcomes = run.outcomes()
        recorder.environments = run.suite.environments
        recorder.shard = next(iter(run.suite.shards), None)
        recorder.warnings += [line for line in run.suite.warnings if line not in of_parts]
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
