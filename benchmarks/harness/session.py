"""What the hooks in conftest.py do: start a session, write its run file, judge it, show it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.harness import card, durations, plan, shards
from benchmarks.harness.oppose import start_other_side
from benchmarks.harness.progress import ProgressLine
from benchmarks.harness.recorder import Recorder
from benchmarks.harness.report_files import write_report
from benchmarks.harness.settings import Settings
from benchmarks.harness.suite import BarkSuite, environment_record, shown
from benchmarks.harness.traces import Traces
from fixtures.checkpoints.source import CheckpointSource
from fixtures.machine import environment
from reports.errors import ReportError
from reports.records import runfile
from reports.records.schema import Outcome, RunFile
from reports.render.summary import sentence
from reports.verdicts.invariants import broken
from reports.verdicts.verdict import Comparison

PASSED, FAILED, INTERRUPTED, USAGE, NO_TESTS = 0, 1, 2, 4, 5
"""pytest's exit codes."""


@dataclass(slots=True)
class Result:
    """How a session ended. `lines` are for the user, beside the tables."""

    exit_code: int
    run: RunFile | None = None
    comparison: Comparison | None = None
    lines: list[str] = field(default_factory=list)


def new_suite(settings: Settings) -> BarkSuite:
    """A session with nothing measured yet."""
    suite = BarkSuite(
        settings=settings,
        recorder=Recorder(
            settings.run_path,
            settings.level.name,
            settings.machine.lane,
            settings.hardware,
            overrides=settings.overrides,
            drill=str(settings.drill or ""),
        ),
        checkpoints=CheckpointSource(settings.checkpoint_source, settings.checkpoint_revision),
    )
    if settings.trace_dir:
        suite.traces = Traces(settings.trace_dir, suite.warn)
    return suite


def header(suite: BarkSuite) -> str:
    """One line at the top of the output: what is measured on what, and against which baseline."""
    chosen = suite.settings
    line = f"bark: level {chosen.level.name}, lane {chosen.machine.lane}, {chosen.machine.gpu or 'no GPU'}"
    if chosen.shard:
        line += f", shard {chosen.shard}"
    if chosen.drill:
        line += f", DRILL {chosen.drill}"
    if chosen.against:
        return f"{line}, in turns with {chosen.against.name}; both hold the model at once"
    if not chosen.compare:
        return line
    return f"{line}, against {suite.baseline_name if suite.baseline else f'no baseline {suite.baseline_name}'}"


def elsewhere(suite: BarkSuite, planned: list[plan.Planned], selected: Container[str]) -> dict[str, int]:
    """The selected cells that other shards measure, each with the number of its shard; empty without `--shard`.

    Raises:
        SuiteError: this shard has no cell.
        ReportError: the baseline that knows the cells' durations cannot be read.
    """
    chosen = suite.settings
    if chosen.shard is None:
        return {}
    cells = [one.scenario.id for one in planned if not one.skip and one.scenario.id in selected]
    known = durations.measured(chosen.baseline_root, chosen.hardware, chosen.machine.lane, chosen.level)
    suite.split = shards.split(chosen.shard, known.of(cells), shown(known.source) if known.source else "")
    suite.recorder.shard = suite.split.record()
    return {cell: holder for cell, holder in suite.split.held_by.items() if holder != chosen.shard.number}


def split_line(suite: BarkSuite) -> list[str]:
    """A line under the collection: how the plan was split; none without `--shard`."""
    return [suite.split.describe()] if suite.split else []


def prepare(suite: BarkSuite, config: Any, progress: ProgressLine) -> None:
    """Get ready for the first cell: the card for this run alone, quiet libraries, a progress line.

    Raises:
        SuiteError: another run, or with `--gpu-wait` another process, did not leave the card in time.
    """

    def warn(line: str) -> None:
        suite.recorder.warnings.append(line)
        progress.write(f"\n{line}\n")

    if suite.settings.machine.gpu and not suite.worker:  # the controller of workers holds their cards
        # Before anything of an earlier run is cleared: the run that holds the card may be writing there.
        config.add_cleanup(card.take(suite.settings.gpu_wait_s, progress, warn).close)
    suite.began = True
    suite.recorder.clear()
    quiet_libraries()
    config._benchmarksession.get_machine_info()  # the first cell's record refers to it
    suite.progress = progress
    if suite.settings.against:
        start_other_side(suite, commit_of(config))
    suite.checkpoints.report = warn
    suite.references.warn = warn


def quiet_libraries() -> None:
    """Keep loading bars and Bark's own known warnings out of the output; errors still show."""
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def add_environment(suite: BarkSuite, machine_info: dict[str, Any], config: Any) -> None:
    """Add card, host, software and commit to pytest-benchmark's `machine_info`; found out once a session."""
    if not suite.machine_info and suite.awaited is None:
        commit = str(commit_of(config).get("id"))
        groups = environment.describe(suite.settings.machine)
        if suite.worker and suite.worker.of > 1:
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


def complete(suite: BarkSuite, output: dict[str, Any]) -> None:
    """Add what the suite knows to a JSON document that pytest-benchmark is about to write."""
    output["suite"] = suite.recorder.suite()
    # A test that ran twice (pytest --keep-duplicates, a rerun plugin) has two entries: the last stands.
    output["benchmarks"] = list({entry["fullname"]: entry for entry in output["benchmarks"]}.values())
    output["machine_info"].update(suite.recorder.inputs())


def document(suite: BarkSuite, config: Any) -> dict[str, Any]:
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


def save(suite: BarkSuite, config: Any) -> None:
    """Write the run file as it stands."""
    if suite.recorder.writes:
        suite.recorder.save(document(suite, config))


def commit_of(config: Any) -> dict[str, Any]:
    """pytest-benchmark's `commit_info`, after its hooks."""
    commit_info: dict[str, Any] = config.hook.pytest_benchmark_generate_commit_info(config=config)
    config.hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit_info)
    return commit_info


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


def finish(suite: BarkSuite, config: Any, exit_code: int) -> Result:
    """Write the run file, judge the run, update the baseline where asked, and decide the exit code."""
    recorder = suite.recorder
    if suite.other:
        suite.other.close()
    if config.getoption("collectonly") or "PYTEST_XDIST_WORKER" in os.environ:
        return Result(exit_code)
    if not suite.began and exit_code in (USAGE, INTERRUPTED):
        return Result(exit_code)  # the files of an earlier run, or of the one that was waited for, are left alone
    if not recorder.asked_for:
        return _empty(suite, exit_code)
    result = Result(exit_code)
    unheard = never_heard_of(suite) if exit_code in (PASSED, FAILED, NO_TESTS) else []
    result.lines += unheard
    suite.awaited = None  # what workers had to tell is here
    recorder.finished = exit_code != INTERRUPTED and all(o.outcome != "not run" for o in recorder.asked_for)
    saved = document(suite, config)
    if any(outcome.outcome in ("measured", "failed") for outcome in recorder.asked_for):
        recorder.save(saved)
    else:
        recorder.clear()
    try:
        result.run = runfile.parse(saved, "this run")
    except ReportError as error:
        recorder.problem = str(error)
    interrupted = exit_code not in (PASSED, FAILED, NO_TESTS)
    if result.run and not interrupted:
        result.comparison = suite.judge(result.run)
    if result.run and result.comparison is None:
        violated = broken(result.run)
        result.lines += [f"FAILED: {sentence(verdict)}" for verdict in violated]
        result.exit_code = FAILED if violated and exit_code in (PASSED, NO_TESTS) else exit_code
    unopposed = never_opposed(suite) if result.run and result.comparison is None and not interrupted else []
    result.lines += unopposed
    if result.run and suite.settings.update:
        _update(suite, result, interrupted)
    if result.run and recorder.written and not recorder.problem:
        result.lines += write_report(suite, result.run, result.comparison)
    if suite.traces:
        result.lines += suite.traces.lines()
    if suite.settings.drill:
        result.lines.append(drilled(suite.settings))
    if recorder.problem:
        result.lines.append(f"results are not complete: {recorder.problem}")
    failed = (result.comparison is not None and result.comparison.failed) or bool(
        recorder.problem or unheard or unopposed
    )
    if failed and exit_code in (PASSED, NO_TESTS):
        result.exit_code = FAILED
    return result


def never_heard_of(suite: BarkSuite) -> list[str]:
    """A line for the cells that no worker was left to measure; none where all had their turn."""
    cells = sorted(suite.awaited or ())
    if not cells:
        return []
    return [f"FAILED: {len(cells)} cells were not measured, as no worker was left to: {', '.join(cells)}"]


def never_opposed(suite: BarkSuite) -> list[str]:
    """A line for a run that no other side was started for: `--against` had nothing to judge, and that is no pass."""
    if not suite.settings.against:
        return []
    reasons = Counter(outcome.reason for outcome in suite.recorder.asked_for if outcome.reason)
    common = f", most often as {reasons.most_common(1)[0][0]}" if reasons else ""
    return [f"FAILED: nothing could be compared with {suite.settings.against.name}: no selected cell ran here{common}"]


def drilled(settings: Settings) -> str:
    """The line that ends a drill."""
    line = (
        f"this was a drill: {settings.drill} was planted in every cell, so the run can never be accepted as a baseline"
    )
    return line if settings.compare or settings.against else f"{line}; add --benchmark-compare to hear the alarm"


def _empty(suite: BarkSuite, exit_code: int) -> Result:
    """A session without a cell: never a pass where something was to be judged or accepted."""
    if not (suite.settings.compare or suite.settings.update or suite.settings.against):
        return Result(exit_code, lines=[plan.nothing_selected()] if suite.recorder.outcomes else [])
    code = FAILED if exit_code in (PASSED, NO_TESTS) else exit_code
    return Result(code, lines=[f"FAILED: nothing was measured, so nothing was judged. {plan.nothing_selected()}"])


def _update(suite: BarkSuite, result: Result, interrupted: bool) -> None:
    assert result.run is not None
    if interrupted:
        line = "the run was interrupted, so no baseline changed"
        if result.run.benchmarks:
            line += f"; `python -m reports accept {shown(suite.recorder.path)}` accepts what was measured"
        result.lines.append(line)
        return
    try:
        result.lines += suite.update_baseline(result.run)
    except ReportError as error:
        result.lines.append(f"FAILED: the baseline was not updated: {error}")
        if result.exit_code in (PASSED, NO_TESTS):
            result.exit_code = FAILED
