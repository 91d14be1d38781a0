"""The report that a session leaves beside its run file: Markdown, and a page to open in a browser."""

from __future__ import annotations

from pathlib import Path

from benchmarks.plugin.recorder import PAGE_FILE, REPORT_FILE
from benchmarks.plugin.suite import BarkSuite, shown
from reports.errors import ReportError
from reports.records.schema import RunFile
from reports.records.sides import other_side
from reports.render import markdown
from reports.verdicts.verdict import Comparison


def write_report(suite: BarkSuite, run: RunFile, comparison: Comparison | None) -> list[str]:
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


def _write_page(suite: BarkSuite, run: RunFile, comparison: Comparison | None) -> Path:
    # Here, so that a template engine that is missing costs the page and nothing else.
    from reports.render.html import page
    from reports.render.html.report import Report

    recorder, baseline = suite.recorder, other_side(run) or (suite.baseline if comparison else None)
    report = Report(run, shown(recorder.path), recorder.path.parent, comparison, baseline)
    return page.write(suite.settings.report_dir, report)
