"""What the hooks in conftest.py do while a session runs: start it, and write its run file. `ending.py` is its end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Container, Mapping
from functools import partial
from types import FrameType
from typing import Any

import pytest

from benchmarks.plugin import plan, sharding
from benchmarks.plugin.options import Settings
from benchmarks.plugin.output import not_captured
from benchmarks.plugin.pairs import start_base
from benchmarks.plugin.progress import RunProgress
from benchmarks.plugin.recorder import Recorder
from benchmarks.plugin.suite import Suite, environment_record, shown
from benchmarks.plugin.traces import Traces
from fixtures.checkpoints.source import CheckpointSource
from fixtures.errors import SuiteError
from fixtures.machine import context, environment, lock
from fixtures.machine.switches import switches
from fixtures.meters.cupti import leave_after_profiles
from fixtures.models import describe
from reports.records.schema import Outcome


def new_suite(settings: Settings) -> Suite:
    """A session with nothing measured yet."""
    suite = Suite(
        settings=settings,
        recorder=Recorder(
            settings.run_path,
            settings.level.name,
            settings.machine.lane,
            settings.hardware,
            models={name: describe(model) for name, model in settings.matrix.models.items()},
            overrides=settings.overrides,
            drill=str(settings.drill or ""),
        ),
        checkpoints=CheckpointSource(settings.checkpoint_source, settings.checkpoint_revision),
    )
    if settings.trace_dir:
        suite.traces = Traces(settings.trace_dir, suite.warn)
    return suite


def header(suite: Suite) -> str:
    """One line at the top of the output: what is measured on what, and against which baseline."""
    chosen = suite.settings
    line = f"bark: level {chosen.level.name}, lane {chosen.machine.lane}, {chosen.machine.gpu or 'no GPU'}"
    if chosen.shard:
        line += f", shard {chosen.shard}"
    if chosen.drill:
        line += f", DRILL {chosen.drill}"
    if chosen.against:
        return f"{line}, interleaved with {chosen.against.name}; both hold the model at once"
    if not chosen.compare:
        return line
    return f"{line}, against {suite.baseline_name if suite.baseline else f'no baseline {suite.baseline_name}'}"


def elsewhere(suite: Suite, planned: list[plan.Planned], selected: Container[str]) -> dict[str, int]:
    """The selected cells that other shards measure, each with the number of its shard; empty without `--shard`.

    Raises:
        SuiteError: this shard has no cell; or the GPU that cells are for cannot be used.
        ReportError: the baseline that knows the cells' durations cannot be read.
    """
    chosen = suite.settings
    if chosen.machine.problem:
        raise SuiteError(chosen.machine.problem)
    if chosen.shard is None:
        return {}
    cells = [each.cell for each in planned if each.runs and each.cell.id in selected]
    known = suite.durations()
    suite.split = sharding.split(chosen.shard, known.with_shares(cells), shown(known.source) if known.source else "")
    suite.recorder.shard = suite.split.record()
    return {cell: holder for cell, holder in suite.split.held_by.items() if holder != chosen.shard.number}


def split_line(suite: Suite) -> list[str]:
    """A line under the collection: how the plan was split; none without `--shard`."""
    return [suite.split.describe()] if suite.split else []


def prepare(suite: Suite, config: Any, progress: RunProgress) -> None:
    """Get ready for the first cell: the card for this run alone, checkpoints, quiet libraries, a progress line.

    Raises:
        SuiteError: another run, or with `--gpu-wait` another process, did not leave the card in time; torch cannot
            compute on it; or a checkpoint cannot be had.
    """

    def warn(line: str) -> None:
        suite.recorder.warnings.append(line)
        progress.write(f"\n{line}\n")

    context.refuse_without_cuda(suite.settings.machine)  # before another run is waited for
    if suite.settings.machine.gpu and not suite.worker:  # a worker has taken its card
        # Before anything of an earlier run is cleared: the run that holds the card may be writing there.
        _, held = lock.take(suite.settings.gpu_wait_s, progress.wait, warn)
        config.add_cleanup(held.close)
    context.refuse_unusable(suite.settings.machine)
    suite.switches = switches()  # before libraries are imported, which may change them
    quiet_libraries()
    suite.checkpoints.report = suite.references.warn = warn
    if not suite.worker:  # a worker need not measure every checkpoint
        to_run = [outcome for outcome in suite.recorder.asked_for if outcome.outcome == "not run"]
        for cell in (suite.settings.matrix[plan.cell_in(outcome.cell)] for outcome in to_run):
            suite.checkpoints.get(suite.settings.matrix.model_of(cell), cell.checkpoint)
    begin(suite, config)
    config._benchmarksession.get_machine_info()  # the first cell's record refers to it
    suite.progress = progress
    stays = leave_after_profiles(suite.settings.machine.device)
    if stays and not suite.settings.against:  # pairs are timed where nothing is counted
        warn(stays)
    if suite.settings.against:
        start_base(suite, commit_of(config))


def begin(suite: Suite, config: Any) -> None:
    """Cells are about to be measured: nothing of an earlier run is to be taken for theirs."""
    if not config._benchmarksession.disabled:
        suite.began = True
        if not suite.worker:
            suite.recorder.clear()
            interrupt_on_signals(suite, config)


ONCE_IN_S = 5.0
"""A second signal within these seconds is of the same end: `timeout` sends each to the process and to its group."""


def interrupt_on_signals(suite: Suite, config: Any) -> None:
    """Have SIGTERM and SIGHUP, as of a scheduler or a closed terminal, end this session as Ctrl-C does.

    Not while it ends already, and not where a signal is ignored (nohup) or has a handler. A worker dies by them: its
    part holds what it measured, and nothing stays on the card.
    """
    if threading.current_thread() is not threading.main_thread():  # only it can have handlers
        return
    last_s = float("-inf")

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal last_s
        if suite.ending or time.monotonic() - last_s < ONCE_IN_S:
            return
        last_s = time.monotonic()
        raise KeyboardInterrupt(signal.Signals(number).name)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, interrupt)
            config.add_cleanup(partial(signal.signal, number, signal.SIG_DFL))


def quiet_libraries() -> None:
    """Keep loading bars and the libraries' known warnings out of the output; errors still show."""
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def add_environment(suite: Suite, machine_info: dict[str, Any], config: Any) -> None:
    """Add card, host, software and commit to pytest-benchmark's `machine_info`; found out once a session."""
    if not suite.machine_info and not suite.awaits_parts:
        commit = str(commit_of(config).get("id"))
        groups = environment.describe(suite.settings.machine)
        if suite.worker:
            groups["software"].pop("OMP_NUM_THREADS", None)  # by the worker's share of the cores
            if suite.worker.of > 1:
                groups["host"]["workers"] = suite.worker.of
        suite.machine_info = environment_record(groups, commit)
    machine_info.update(suite.machine_info)


COMMIT_VARIABLE = "BARK_BENCHMARKS_COMMIT"
"""Names the commit where the suite runs from a copy without its git history, as in a container image."""


def add_commit(commit_info: dict[str, Any], variables: Mapping[str, str]) -> None:
    """Fill in the commit from the environment where pytest-benchmark found none."""
    commit = variables.get(COMMIT_VARIABLE)
    if commit and commit_info.get("id") in (None, "unknown", "unversioned"):
        commit_info.update(id=commit, dirty=False)
        commit_info.pop("error", None)


def complete(suite: Suite, output: dict[str, Any]) -> None:
    """Add what the suite knows to a JSON document that pytest-benchmark is about to write."""
    output["suite"] = suite.recorder.suite()
    output["benchmarks"] = suite.recorder.entries(output["benchmarks"])
    output["machine_info"].update(suite.recorder.inputs())


def document(suite: Suite, config: Any) -> dict[str, Any]:
    """The run file as it stands, made by pytest-benchmark's own hooks."""
    session = config._benchmarksession
    commit_info = commit_of(config)
    output: dict[str, Any] = config.hook.pytest_benchmark_generate_json(
        config=config,
        benchmarks=session.benchmarks,
        include_data=True,
        machine_info=session.get_machine_info(),
        commit_info=commit_info,
    )
    config.hook.pytest_benchmark_update_json(config=config, benchmarks=session.benchmarks, output_json=output)
    return output


def save(suite: Suite, config: Any) -> None:
    """Write the run file as it stands."""
    suite.recorder.save(document(suite, config))


def record_own(suite: Suite, config: Any, key: str, cell: str, benchmark: Any) -> str:
    """Record what a user's own benchmark measured, and judge it.

    Returns:
        The message of one that got worse than its baseline; empty where it did not.
    """
    record = suite.own_record(key, plan.test_in(key), suite.settings.matrix[cell], benchmark.stats.stats.data)
    benchmark.extra_info.update(record)
    suite.recorder.measured(key, record)
    save(suite, config)
    return suite.regression(record)


COMMIT = pytest.StashKey[dict[str, Any]]()


def commit_of(config: Any) -> dict[str, Any]:
    """pytest-benchmark's `commit_info`, after its hooks; git is asked once a session."""
    if COMMIT not in config.stash:
        commit_info = config.hook.pytest_benchmark_generate_commit_info(config=config)
        config.hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit_info)
        config.stash[COMMIT] = commit_info
    return dict(config.stash[COMMIT])


def outcome_of(when: str, outcome: str, reason: str) -> tuple[Outcome, str] | None:
    """What a test report says of its cell: skipped or failed, and why; None where it says nothing new.

    Args:
        when: `setup`, `call` or `teardown`.
        outcome: pytest's `passed`, `failed` or `skipped`.
        reason: the skip's reason or the crash's message.
    """
    if outcome == "skipped":
        return "skipped", reason.removeprefix("Skipped: ")
    if outcome == "failed" and when != "teardown":
        return "failed", reason.strip().split("\n")[0] or "no reason given"
    return None


def report_reason(report: Any) -> str:
    """The reason in a pytest report: the third part of a skip's tuple, or the crash's message."""
    longrepr = report.longrepr
    if isinstance(longrepr, tuple):
        return str(longrepr[2])
    crash = getattr(longrepr, "reprcrash", None)
    return str(crash.message if crash else longrepr or "")


def end_if_broken(suite: Suite, session: Any, cell: str) -> None:
    """End this worker, or have pytest's session end after this test, where nothing more can be measured here.

    A broken CUDA context fails every later cell of its process. A worker ends as one that died, and another takes over;
    a run in one process ends early and keeps what it measured.

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
