"""How a session ends: its run file is written whole, the run is judged, and the exit code follows."""

from __future__ import annotations

import shlex
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.plugin import plan
from benchmarks.plugin.options import Settings
from benchmarks.plugin.output import Result, write_report
from benchmarks.plugin.session import document
from benchmarks.plugin.suite import Suite, shown
from reports.errors import ReportError
from reports.records import runfile
from reports.render.summary import sentence
from reports.verdicts.invariants import broken

PASSED, FAILED, INTERRUPTED, USAGE, NO_TESTS = 0, 1, 2, 4, 5
"""pytest's exit codes."""


NO_WORKER = "no worker was left to measure it, or none could write what it measured"
"""Why a cell was not run in a session with workers that came to its end."""


def finish(suite: Suite, config: Any, exit_code: int) -> Result:
    """Write the run file, judge the run, update the baseline where asked, and decide the exit code."""
    recorder = suite.recorder
    suite.ending = True
    if suite.base_side:
        suite.base_side.close()
    if config.getoption("collectonly") or hasattr(config, "workerinput"):  # a worker's files are its controller's
        return Result(exit_code)
    if not suite.began and exit_code in (USAGE, INTERRUPTED):
        return Result(exit_code)  # the files of an earlier run, or of the one that was waited for, are left alone
    if not recorder.asked_for:
        return _empty(suite, exit_code)
    result = Result(exit_code)
    lost = left_by_workers(suite)
    result.lines += lost
    recorder.finished = exit_code != INTERRUPTED and all(o.outcome != "not run" for o in recorder.asked_for)
    saved = document(suite, config)
    if any(outcome.outcome in ("measured", "failed") for outcome in recorder.asked_for):
        recorder.save(saved)
        result.lines += rescued(suite, saved)
    elif not suite.began and recorder.path.exists():
        result.lines.append(earlier_run(suite))
    try:
        result.run = runfile.parse(saved, "this run")
    except ReportError as error:
        recorder.problem = str(error)
    interrupted = exit_code not in (PASSED, FAILED, NO_TESTS)
    if result.run and (result.run.benchmarks or not interrupted):
        result.comparison = suite.judge(result.run)
    if result.run and result.comparison is None:
        violated = broken(result.run)
        result.lines += [f"FAILED: {sentence(verdict)}" for verdict in violated]
        result.exit_code = FAILED if violated and exit_code in (PASSED, NO_TESTS) else exit_code
    uncompared = nothing_compared(suite) if result.run and result.comparison is None and not interrupted else []
    result.lines += uncompared
    if result.run and suite.settings.update:
        _update(suite, result, interrupted)
    if result.run and recorder.written and not recorder.problem:
        result.lines += write_report(suite, result.run, result.comparison)
    if suite.traces:
        result.lines += suite.traces.lines()
    unsaved = save_theirs(config)
    result.lines += unsaved
    if suite.settings.drill:
        result.lines.append(drilled(suite.settings))
    if recorder.problem:
        result.lines.append(f"results are not complete: {recorder.problem}")
    failed = (result.comparison is not None and result.comparison.failed) or bool(
        recorder.problem or lost or uncompared or unsaved
    )
    if failed and exit_code in (PASSED, NO_TESTS):
        result.exit_code = FAILED
    return result


def broken_off(suite: Suite, exit_code: int, problem: str) -> Result:
    """The end of a session whose own ending failed: what was measured was written before, cell by cell."""
    kept = f"; what was measured is in {shown(suite.recorder.path)}" if suite.recorder.written else ""
    code = FAILED if exit_code in (PASSED, NO_TESTS) else exit_code
    return Result(code, lines=[f"FAILED: no verdict: {problem}{kept}"])


def earlier_run(suite: Suite) -> str:
    """Say whose the run file is, where nothing was measured; where a verdict was wanted, none may be taken from it."""
    chosen, path = suite.settings, shown(suite.recorder.path)
    if not (chosen.compare or chosen.update or chosen.against):
        return f"nothing was measured, so {path} is of an earlier run"
    suite.recorder.clear()
    return f"nothing was measured, so {path} of an earlier run was removed"


def rescued(suite: Suite, saved: dict[str, Any]) -> list[str]:
    """Where a run file is that could not be written to its place; nothing where it could, or nowhere else either."""
    if not suite.recorder.problem or not suite.recorder.records:
        return []
    try:
        path = Path(tempfile.mkdtemp(prefix="bark-benchmarks-"), suite.recorder.path.name)
        runfile.write_document(path, saved)
    except (OSError, ReportError):
        return []
    return [f"what was measured is in {path}"]


def save_theirs(config: Any) -> list[str]:
    """Have pytest-benchmark write its own files, whose failure would take the verdict with it; a line where one fails.

    It writes them when it ends, before pytest shows anything, and does not do so again.
    """
    benchmark_session = config._benchmarksession
    try:
        benchmark_session.handle_saving()
    except Exception as error:
        return [
            f"results are not complete: pytest-benchmark cannot write its own file: {error or type(error).__name__}"
        ]
    finally:
        benchmark_session.save = benchmark_session.autosave = benchmark_session.json = None
    return []


def left_by_workers(suite: Suite) -> list[str]:
    """A line for the cells that no worker was left to measure; none where all had their turn."""
    cells = sorted(outcome.cell for outcome in suite.recorder.asked_for if outcome.reason == NO_WORKER)
    if not cells:
        return []
    return [
        f"FAILED: {len(cells)} cells were not measured, as no worker was left to, or none could write its part: "
        + ", ".join(cells)
    ]


def nothing_compared(suite: Suite) -> list[str]:
    """A line for a run that never started its base: `--against` had nothing to judge, which is no pass."""
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


def _empty(suite: Suite, exit_code: int) -> Result:
    """A session without a cell: never a pass where something was to be judged or accepted."""
    outcomes = suite.recorder.outcomes.values()
    nothing = plan.nothing_selected(suite.settings.matrix, (outcome.reason for outcome in outcomes if outcome.reason))
    if not (suite.settings.compare or suite.settings.update or suite.settings.against):
        return Result(exit_code, lines=[nothing] if outcomes else [])
    code = FAILED if exit_code in (PASSED, NO_TESTS) else exit_code
    return Result(code, lines=[f"FAILED: nothing was measured, so nothing was judged. {nothing}"])


def _update(suite: Suite, result: Result, interrupted: bool) -> None:
    assert result.run is not None
    if interrupted:
        line = "the run was interrupted, so no baseline changed"
        if result.run.benchmarks:
            line += f"; `python -m reports accept {shlex.quote(shown(suite.recorder.path))}` accepts what was measured"
        result.lines.append(line)
        return
    try:
        result.lines += suite.update_baseline(result.run)
    except ReportError as error:
        result.lines.append(f"FAILED: the baseline was not updated: {error}")
        if result.exit_code in (PASSED, NO_TESTS):
            result.exit_code = FAILED
