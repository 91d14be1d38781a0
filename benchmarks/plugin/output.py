"""What a session shows on pytest's terminal, if there is one, and the report that it leaves beside its run file."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from benchmarks.plugin import plan, sharding
from benchmarks.plugin.progress import RunProgress
from benchmarks.plugin.recorder import PAGE_FILE, REPORT_FILE
from benchmarks.plugin.suite import Suite, shown
from reports.characters import inert, visible_lines
from reports.commands.progress import is_live
from reports.errors import ReportError
from reports.records.baselines import DEFAULT_ROOT, FILE
from reports.records.schema import RunFile
from reports.records.sides import base_of
from reports.render import markdown, reproduce, tables, terminal
from reports.verdicts.verdict import Comparison


@dataclass(slots=True)
class Result:
    """How a session ended. `lines` are for the user, beside the tables."""

    exit_code: int
    run: RunFile | None = None
    comparison: Comparison | None = None
    lines: list[str] = field(default_factory=list)


def terminal_writer(config: Any) -> Any | None:
    """Pytest's terminal writer; None under `-p no:terminal`."""
    return config.get_terminal_writer() if config.pluginmanager.hasplugin("terminalreporter") else None


def not_captured(config: Any) -> AbstractContextManager[Any]:
    """Without pytest's capturing of a running test's output."""
    capture = config.pluginmanager.getplugin("capturemanager")
    return capture.global_and_fixture_disabled() if capture else nullcontext()


def uncaptured(config: Any) -> Callable[[str], None]:
    """Writes to the terminal, if there is one, past pytest's capturing of a running test's output."""
    writer = terminal_writer(config)
    if writer is None:
        return lambda text: None

    def past_capture(text: str) -> None:
        with not_captured(config), suppress(OSError):  # a terminal that is gone, or a full disk, costs no cell
            writer.write(text, flush=True)

    return past_capture


def is_terminal(config: Any) -> bool:
    """Whether pytest's terminal can overwrite a line (its stream does not tell while a test runs and is captured)."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    return is_live(isatty=bool(getattr(reporter, "isatty", False)))


def progress(config: Any, suite: Suite, cells: Sequence[str], workers: int = 0) -> RunProgress:
    """Progress over these cells, as pytest's terminal can show it."""
    chosen, writer = suite.settings, terminal_writer(config)
    try:
        known = sharding.measured(
            chosen.matrix, chosen.baseline_root, chosen.hardware, chosen.machine.lane, chosen.level
        )
    except ReportError:  # whoever needs the baseline says what is wrong with it
        known = sharding.Durations(chosen.matrix)
    return RunProgress(
        uncaptured(config),
        live=is_terminal(config),
        width=writer.fullwidth if writer else 80,
        expected=known.with_shares([chosen.matrix[cell] for cell in cells if cell in chosen.matrix]),
        known=known.source == chosen.baseline_folder / FILE,
        workers=workers,
    )


def verdicts(suite: Suite, run: RunFile, comparison: Comparison) -> RenderableType:
    """The verdicts, with the run file to accept where this session wrote one."""
    path = shown(suite.recorder.path) if suite.recorder.written else ""
    folders = (
        f"--baseline-dir={shlex.quote(str(root))}" if (root := suite.settings.baseline_root) != DEFAULT_ROOT else ""
    )
    return terminal.verdicts(comparison, reproduce.next_commands(comparison, run, path, folders))


def closing_lines(suite: Suite, result: Result | None, config: Any, planned: Iterable[plan.Planned]) -> list[str]:
    """The end of the output: the plan where cells were only listed, else tables, verdicts, where the files are."""
    writer = terminal_writer(config)
    if result is None or writer is None:
        return []
    if config.getoption("collectonly"):
        cells = list(planned)
        return plan.describe(cells) if cells else []
    lines: list[str] = []
    parts = []
    if result.run and result.run.benchmarks:
        parts.append(terminal.study(tables.study_tables(result.run)))
    if result.run and result.comparison:
        parts.append(verdicts(suite, result.run, result.comparison))
    for part in parts:
        lines += ["", *terminal.to_text(part, width=writer.fullwidth, colour=writer.hasmarkup).split("\n")]
    return [
        *lines,
        *(inert(visible_lines(f"warning: {line}")) for line in suite.recorder.all_warnings),
        *(inert(visible_lines(line)) for line in result.lines),
    ]


def without_terminal(suite: Suite, result: Result, config: Any) -> None:
    """Say on standard error what failed, where pytest has no terminal to say it on."""
    if terminal_writer(config) is not None or config.getoption("collectonly"):
        return
    if result.run and result.comparison and result.comparison.failed:
        blocks = verdicts(suite, result.run, result.comparison)
        sys.stderr.write(terminal.to_text(blocks, width=120, colour=False) + "\n")
    sys.stderr.writelines(f"{inert(visible_lines(line))}\n" for line in result.lines)


def write_report(suite: Suite, run: RunFile, comparison: Comparison | None) -> list[str]:
    """Write both; returns lines for the user. Markdown that cannot be written is the recorder's problem."""
    path = suite.settings.report_dir / REPORT_FILE
    try:
        markdown.write(path, run, comparison, shown(suite.recorder.path))
    except ReportError as error:
        suite.recorder.problem = str(error)
        return []
    try:
        path = _write_page(suite, run, comparison)
        warnings = []
    except Exception as error:  # whatever is wrong with the page, the run stands: its file and Markdown are written
        warnings = [f"warning: {PAGE_FILE} was not written: {error}"]
    return [*warnings, f"run file {shown(suite.recorder.path)}, report {shown(path)}"]


def _write_page(suite: Suite, run: RunFile, comparison: Comparison | None) -> Path:
    # Here, so that a template engine that is missing costs the page and nothing else.
    from reports.render.html import page
    from reports.render.html.report import Report

    recorder, baseline = suite.recorder, base_of(run) or (suite.baseline if comparison else None)
    report = Report(run, shown(recorder.path), recorder.path.parent, comparison, baseline)
    return page.write(suite.settings.report_dir, report)
