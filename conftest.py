"""Wiring only: options, parametrization, hooks. Every decision lives in `benchmarks.plugin`, `fixtures`, `reports`."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

from benchmarks.plugin import against, conflicts, controller, ending, options, output, plan, workers
from benchmarks.plugin import session as bark_session
from benchmarks.plugin.recorder import ReplayTimer
from benchmarks.plugin.suite import Suite
from fixtures.cells import Cell
from fixtures.errors import SuiteError
from fixtures.loading import ProvenModel
from fixtures.machine.own_processes import begin_run
from fixtures.models import Matrix
from reports.errors import OUTSIDE, explained

PROBLEMS = (SuiteError, *OUTSIDE)
"""What a user can act on: said in one line, never a traceback."""

SUITE = pytest.StashKey[Suite]()
CELLS = pytest.StashKey[dict[str, str]]()  # node id -> cell, of the selected cells
PLAN = pytest.StashKey[list[plan.Planned]]()
ELSEWHERE = pytest.StashKey[dict[str, int]]()  # cell -> the other shard that measures it
RESULT = pytest.StashKey[output.Result]()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    try:
        against.refuse_apart(pluginmanager.get_plugin("pytestconfig"))
    except PROBLEMS as error:
        raise pytest.UsageError(explained(error)) from error
    options.add_options(parser)
    pluginmanager.register(workers.AutoNumber(), "bark-auto-number")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # the order of NVML, which names the card
    begin_run()
    worker = workers.bound(config)
    config.stash[CELLS] = {}
    config.stash[PLAN] = []
    config.stash[ELSEWHERE] = {}
    if not config.pluginmanager.hasplugin("benchmark"):
        raise pytest.UsageError("the suite needs pytest-benchmark: leave -p no:benchmark out")
    try:
        chosen = options.from_options(config.getoption)
        suite = config.stash[SUITE] = bark_session.new_suite(chosen)
        for marker in plan.markers(chosen.matrix):
            config.addinivalue_line("markers", marker)
        config.option.benchmark_save_data = True  # a saved run without its rounds could not be compared with
        if chosen.compare:
            suite.load_baseline(needed=bool(config.getoption("benchmark_compare_fail")))
            if chosen.storage_is_ours:
                config.option.benchmark_storage = f"file://{chosen.baseline_folder}"
        controller.register(config, suite, worker)
    except PROBLEMS as error:
        raise pytest.UsageError(explained(error)) from error


def pytest_report_header(config: pytest.Config) -> str:
    return bark_session.header(config.stash[SUITE])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if not {"cell", "matrix"} <= set(metafunc.fixturenames):
        return  # no `cell`, or another one than this file's: only that one asks for the matrix
    config = metafunc.config
    chosen = config.stash[SUITE].settings
    config.stash[PLAN] = list(plan.plan(chosen.matrix, chosen.level, chosen.machine))
    timer = {"timer": ReplayTimer()} if plan.is_the_suites_own(metafunc.function) else {}
    metafunc.parametrize(
        "cell",
        [
            pytest.param(
                planned.cell.id,
                id=planned.cell.id,
                marks=[
                    *(getattr(pytest.mark, value.name) for value in planned.cell.values),
                    pytest.mark.benchmark(group=planned.cell.work, **timer),
                    *([pytest.mark.skip(reason=planned.skip)] if planned.skip else []),
                ],
            )
            for planned in config.stash[PLAN]
        ],
        indirect=True,
    )


def cell_of(item: pytest.Item) -> str:
    """The cell that a test measures; empty for another test."""
    if isinstance(item, pytest.Function) and {"cell", "matrix"} <= set(item.fixturenames):
        return str(item.callspec.params["cell"])
    return ""


def key_of(item: pytest.Item) -> str:
    """What a test's benchmark of a cell is called in the run file; empty where it has none."""
    cell = cell_of(item)
    if not cell or not isinstance(item, pytest.Function) or "benchmark" not in item.fixturenames:
        return ""
    return cell if plan.is_the_suites_own(item.function) else plan.own_key(item.originalname, item.callspec.id, cell)


@pytest.hookimpl(trylast=True)  # after -k and -m
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.stash[PLAN]:
        return
    try:
        left_out = {planned.cell.id for planned in config.stash[PLAN] if planned.deselected}
        selected = {cell_of(item) for item in items} - left_out
        others = bark_session.elsewhere(config.stash[SUITE], config.stash[PLAN], selected)
        benchmarks = [item for item in items if isinstance(item, pytest.Function) and "benchmark" in item.fixturenames]
        parameters = [item.callspec.params if hasattr(item, "callspec") else {} for item in benchmarks]
        conflicts.refuse_grouping(config.getoption("benchmark_group_by"), parameters)
    except PROBLEMS as error:
        raise workers.usage_error(config, explained(error), items) from error
    config.stash[ELSEWHERE] = others
    deselected = left_out | others.keys()
    config.hook.pytest_deselected(items=[item for item in items if cell_of(item) in deselected])
    items[:] = [item for item in items if cell_of(item) not in deselected]


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    return bark_session.split_line(config.stash[SUITE])


def pytest_collection_finish(session: pytest.Session) -> None:
    config = session.config
    for item in session.items:
        key = key_of(item)
        if key:
            config.stash[CELLS][item.nodeid] = key
    selected = set(config.stash[CELLS].values())
    planned = config.stash[PLAN]
    config.stash[SUITE].recorder.expect(planned, selected, config.stash[ELSEWHERE])


@pytest.fixture(scope="session")
def matrix(request: pytest.FixtureRequest) -> Matrix:
    """The cells of all models of this run."""
    return request.config.stash[SUITE].settings.matrix


@pytest.fixture
def cell(request: pytest.FixtureRequest, matrix: Matrix) -> Cell:
    """One cell of the matrix; a test that asks for it, or for `model`, runs over all that are selected."""
    return matrix[request.param]


@pytest.fixture
def model(cell: Cell, bark_suite: Suite) -> Iterator[ProvenModel]:
    """The cell's model: loaded on an empty device and proven; afterwards the device is empty again."""
    try:
        proven = bark_suite.proven(cell)
    except PROBLEMS as error:
        pytest.fail(explained(error), pytrace=False)
    yield proven
    try:
        proven.close()
    except PROBLEMS as error:
        pytest.fail(explained(error), pytrace=False)


@pytest.fixture(scope="session")
def bark_suite(request: pytest.FixtureRequest) -> Suite:
    """The running session: measures, records and judges cells."""
    config = request.config
    suite = config.stash[SUITE]
    running = [outcome.cell for outcome in suite.recorder.asked_for if outcome.outcome == "not run"]
    try:
        bark_session.prepare(suite, config, output.progress(config, suite, running))
    except PROBLEMS as error:
        if suite.worker:  # the others go on
            pytest.fail(explained(error), pytrace=False)
        pytest.exit(explained(error), returncode=ending.USAGE)
    return suite


@pytest.fixture
def save_run(request: pytest.FixtureRequest, bark_suite: Suite) -> Callable[[], None]:
    """Writes the run file as it stands."""
    return lambda: bark_session.save(bark_suite, request.config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    key = item.config.stash[CELLS].get(item.nodeid)
    if not key:
        return (yield)
    suite, cell, benchmark = item.config.stash[SUITE], cell_of(item), item.funcargs["benchmark"]  # type: ignore[attr-defined]
    benchmark.params = {**benchmark.params, **suite.settings.matrix[cell].coordinates}
    yield
    if key != cell and benchmark.stats:  # a benchmark of a user's own
        regression = bark_session.record_own(suite, item.config, key, cell, benchmark)
        if regression:
            pytest.fail(regression, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    cell = item.config.stash[CELLS].get(item.nodeid)
    noted = bark_session.outcome_of(report.when, report.outcome, bark_session.report_reason(report)) if cell else None
    if cell and noted:
        item.config.stash[SUITE].recorder.not_measured(cell, *noted)
    return report


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    bark_session.add_environment(config.stash[SUITE], machine_info, config)


def pytest_benchmark_update_commit_info(commit_info: dict[str, Any]) -> None:
    bark_session.add_commit(commit_info, os.environ)


@pytest.hookimpl(tryfirst=True)
def pytest_benchmark_compare_machine_info(machine_info: dict[str, Any], compared_benchmark: dict[str, Any]) -> None:
    # The suite's own comparison names what differs. pytest-benchmark would print both sides whole, and crashes on
    # it where the storage lies outside the working directory.
    compared_benchmark["machine_info"] = machine_info


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    bark_session.complete(config.stash[SUITE], output_json)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    # Before pytest-benchmark writes its own files, so that a failure there takes nothing with it.
    config = session.config
    code = controller.exit_code(config, int(session.exitstatus))
    try:
        controller.join_parts(config, code)
        config.stash[RESULT] = ending.finish(config.stash[SUITE], config, code)
    except PROBLEMS as error:
        config.stash[RESULT] = ending.broken_off(config.stash[SUITE], code, explained(error))
    session.exitstatus = config.stash[RESULT].exit_code
    output.without_terminal(config.stash[SUITE], config.stash[RESULT], config)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> Generator[None, object, object]:
    try:
        return (yield)
    finally:  # pytest-benchmark raises here for --benchmark-compare-fail
        planned = config.stash[PLAN]
        for line in output.closing_lines(config.stash[SUITE], config.stash.get(RESULT, None), config, planned):
            terminalreporter.write_line(line)
