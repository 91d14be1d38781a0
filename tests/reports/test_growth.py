"""Work grows as its input does: of equal steps of size each takes as much more as the one before.

Work is counted, in instructions of Python, so that no clock and no load of the host matters. What is
without a second difference at a hundred cells is linear at 20,000.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import reports
from reports.records import baselines, merge, runfile
from reports.records.metrics import METRICS
from reports.records.schema import RunFile
from reports.render import (
    acceptance,
    advice_json,
    alert_annotations,
    alert_github,
    alert_webhook,
    alerts,
    markdown,
    reproduce,
    summary,
    terminal,
)
from reports.render.html import page
from reports.render.html.report import Report
from reports.verdicts.advice import Limits, advise
from reports.verdicts.compare import compare
from reports.verdicts.history import read_history
from reports.verdicts.trend import trend
from reports.verdicts.verdict import Comparison
from tests.builders import HOST, SOFTWARE, cell_document, run_document
from tests.counted import counted_cell
from tests.page_runs import with_stages

ROOT = str(Path(reports.__file__).parent)
SIZES = (12, 24, 36)
TOLERANCE = 0.01
"""Of all work, in which the steps may differ: sizes have more or fewer digits."""

Pair = tuple[RunFile, RunFile]


def instructions(work: Callable[[], object]) -> int:
    """How many instructions a piece of work takes in this package and in methods that were made for its classes."""
    counted = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal counted
        if event == "call":
            if not frame.f_code.co_filename.startswith((ROOT, "<string>")):  # of a data class, such as `__eq__`
                return None
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        counted += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return counted


def excess(work_at: Callable[[int], Callable[[], object]]) -> float:
    """By which share of all work the second step of size takes more than the first."""
    work_at(2)()  # imports and caches
    first, second, third = (instructions(work_at(size)) for size in SIZES)
    assert third > first > 0
    return ((third - second) - (second - first)) / third


def name(at: int) -> str:
    return f"small-e{at:03}-fp32-resident-dynamic-batch1"


def cell(at: int, **values: float) -> dict[str, Any]:
    """A cell with all that charts and advice are made of; the later one is slower and smaller."""
    measured = {"latency": 1 + at / 1e4, "peak_reserved": 2e9 - 1e4 * at, "floor": 0.5} | values
    made = with_stages(cell_document(name(at), measured), {"semantic": 0.4, "coarse": 0.5}, times=3.0)
    made["extra_info"]["proofs"] = {"device": "cuda:0"}
    made["extra_info"]["stages"] |= {f"own {at:03}": made["extra_info"]["stages"]["semantic"]}
    return made


def pair(
    base: list[dict[str, Any]], head: list[dict[str, Any]], outcomes: Mapping[str, tuple[str, str]] | None = None
) -> Pair:
    documents = run_document(base), run_document(head, outcomes=outcomes, commit="def456")
    return runfile.parse(documents[0], "base"), runfile.parse(documents[1], "head")


def of_outcome(outcome: str) -> Callable[[int], Pair]:
    return lambda size: pair([cell(0)], [cell(0)], {name(at): (outcome, f"why {at:03}") for at in range(1, size)})


def of_values(**values: float) -> Callable[[int], Pair]:
    return lambda size: pair([cell(at) for at in range(size)], [cell(at, **values) for at in range(size)])


def in_environments(size: int) -> Pair:
    """Each cell was measured in an environment of its own."""
    documents = []
    for torch in ("1", "2"):
        cells = [cell(at) for at in range(size)]
        for at, one in enumerate(cells):
            one["extra_info"]["environment"] = f"env-{at:03}"
        own = {
            f"env-{at:03}": {"gpu": None, "host": HOST, "software": {**SOFTWARE, f"own{at:03}": torch}}
            for at in range(size)
        }
        documents.append(run_document(cells, environments=own, environment="env-none"))
    return runfile.parse(documents[0], "base"), runfile.parse(documents[1], "head")


def of_parts(size: int) -> Pair:
    """One cell of many stages, in each of which something moved."""
    stages = {f"stage {at:03}": {"latency": {"value": 0.01 + at / 1e5, "unit": "s"}} for at in range(size)}
    runs = []
    for more in (0, 100):
        one = counted_cell({"semantic": {"python_calls": more, "aten_calls": more}})
        extra = one["extra_info"]
        for field in ("parts", "top"):
            known = extra["counters"][field]["coarse"]
            moved = known | {"python_calls": known["python_calls"] + more} if field == "parts" else known
            extra["counters"][field] |= dict.fromkeys(stages, moved)
        extra["stages"] |= {stage: {"metrics": metrics, "tokens": 1} for stage, metrics in stages.items()}
        extra["metrics"]["python_calls"]["value"] += more * size
        runs.append(runfile.parse(run_document([one]), "x"))
    return runs[0], runs[1]


def of_operators(size: int) -> Pair:
    """One cell of many operators and kernels, each of which is called more often."""
    runs = []
    for more in (0, 1):
        uses = {
            ("semantic", kind, f"aten::op{at:03}"): 5 + more
            for kind in ("operator_calls", "kernel_launches", "kernel_us")
            for at in range(size)
        }
        plant = {"semantic": {"aten_calls": more * size, "kernel_launches": more * size}}
        runs.append(runfile.parse(run_document([counted_cell(plant, uses=uses)]), "x"))
    return runs[0], runs[1]


SHAPES: Mapping[str, Callable[[int], Pair]] = {
    "failed": of_outcome("failed"),
    "skipped": of_outcome("skipped"),
    "not run": of_outcome("not run"),
    "missing": lambda size: pair([cell(at) for at in range(size)], [cell(0)]),
    "new": lambda size: pair([cell(0)], [cell(at) for at in range(size)]),
    "worse": of_values(peak_allocated=2e9),
    "better": of_values(peak_allocated=5e8),
    "same": of_values(),
    "environments": in_environments,
    "parts": of_parts,
    "operators": of_operators,
}


def compared(runs: Pair) -> Comparison:
    return compare(*runs, baseline="base.json")


def rendered(runs: Pair) -> None:
    base, head = runs
    for comparison, before in ((compared(runs), base), (None, None)):
        markdown.report(head, comparison, "run.json")
        page.render(Report(head, "run.json", Path(), comparison, before))


def printed(runs: Pair) -> None:
    comparison = compared(runs)
    summary.as_json(comparison)
    markdown.report(runs[1], comparison, "run.json")
    commands = reproduce.next_commands(comparison, runs[1], "run.json")
    terminal.to_text(terminal.verdicts(comparison, commands), width=120, colour=False)


def alerted(runs: Pair) -> None:
    alert = alerts.alert(*runs, compared(runs), reviewed=False)
    alert_github.comment(alert, "report")
    alert_github.issue(alert, "report")
    alert_github.step_summary(alert)
    alert_annotations.commands(alert)
    alert_webhook.message(alert)


def to_junit(runs: Pair) -> None:
    comparison = compared(runs)
    by_cell: dict[str, list[Any]] = {}
    for verdict in comparison.verdicts:
        by_cell.setdefault(verdict.cell, []).append(verdict)
    for record in runs[1].cells.values():
        summary.properties(record, by_cell[record.cell])
        summary.cell_message(by_cell[record.cell])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("work", [rendered, printed, alerted, to_junit])
def test_a_report_takes_work_in_proportion_to_the_run(work: Callable[[Pair], None], shape: str) -> None:
    def work_at(size: int) -> Callable[[], object]:
        runs = SHAPES[shape](size)
        return lambda: work(runs)

    assert excess(work_at) < TOLERANCE


ALL = ("failed", "worse", "same", "environments")


@pytest.mark.parametrize("shape", ALL)
def test_reading_a_run_file_does(shape: str) -> None:
    def work_at(size: int) -> Callable[[], object]:
        document = SHAPES[shape](size)[1].model_dump(mode="json", exclude_unset=True)
        return lambda: runfile.parse(document, "x")

    assert excess(work_at) < TOLERANCE


@pytest.mark.parametrize("shape", ALL)
def test_accepting_does(shape: str, tmp_path: Path) -> None:
    def work_at(size: int) -> Callable[[], object]:
        base, head = SHAPES[shape](size)
        baselines.accept(base, tmp_path / str(size), reason="first")

        def accepted() -> None:
            _, changes = baselines.accept(head, tmp_path / str(size), reason="then")
            acceptance.lines(changes)

        return accepted

    assert excess(work_at) < TOLERANCE


@pytest.mark.parametrize("apart", [1e-4, 1e-9], ids=["told apart", "tied"])
def test_advice_does(apart: float) -> None:
    def work_at(size: int) -> Callable[[], object]:
        cells = [cell(at, latency=1 + apart * at) for at in range(size)]
        for one in cells:
            one["stats"]["data"] = [one["extra_info"]["metrics"]["latency"]["value"]] * 20
        run = runfile.parse(run_document(cells), "x")

        def advised() -> None:
            found = advise(run, "run.json", Limits())
            advice_json.as_json(found)
            markdown.advice(found)
            terminal.to_text(terminal.advice(found), width=120, colour=False)

        return advised

    assert excess(work_at) < TOLERANCE


@pytest.mark.parametrize("number", [2, SIZES[0], None], ids=["two parts", "some parts", "a part a cell"])
def test_merging_does(number: int | None) -> None:
    def work_at(size: int) -> Callable[[], object]:
        cells, of = [cell(at) for at in range(size)], min(number or size, size)
        parts = [(str(part), runfile.parse(run_document(cells[part::of]), "x")) for part in range(of)]
        return lambda: merge.merge(parts)

    assert excess(work_at) < TOLERANCE


def test_following_a_history_does(tmp_path: Path) -> None:
    def work_at(size: int) -> Callable[[], object]:
        folder = tmp_path / str(size)
        for at, run in enumerate(SHAPES["worse"](size)):
            runfile.write(folder / f"{at}.json", run)
        gated = [metric for metric in METRICS.values() if metric.gated]

        def followed() -> None:
            found = trend(read_history([folder], gated, lambda cell: True))
            page.render(Report(SHAPES["same"](2)[1], "run.json", Path(), trend=found))

        return followed

    assert excess(work_at) < TOLERANCE


def test_work_that_grows_faster_would_be_found() -> None:
    def work_at(size: int) -> Callable[[], object]:
        run = SHAPES["same"](size)[1]
        return lambda: [run.environment_of(run.cells[at]) for at in run.cells]

    assert excess(work_at) > 5 * TOLERANCE
