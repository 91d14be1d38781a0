"""Run files of somebody who means ill, or of a disk that failed: one clear error, or a report that does no harm."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.__main__ import main
from reports.characters import UNSEEN
from reports.commands.shared import USAGE
from reports.errors import ReportError
from reports.records import baselines, document, merge, runfile
from reports.records.bounds import MOST_CELLS, MOST_ROUNDS
from reports.records.metrics import METRICS
from reports.records.schema import MOST_LAUNCHES, RunFile
from reports.render import acceptance, markdown, summary, tables, terminal
from reports.verdicts.compare import compare
from reports.verdicts.history import read_history
from reports.verdicts.invariants import broken
from tests.builders import FUSED, PLAIN, cell_document, run_document, run_of
from tests.mutations import HOSTILE, hostile, mutated


def counted_document(more: int = 0, slower: float = 1.0) -> dict[str, Any]:
    """A run with all that a cell can hold; `more` kernels and operators, and rounds `slower` times as long."""
    cells = []
    for cell, calls in ((PLAIN, 40 + more), (FUSED, 30 + more)):
        steps = [[slower * (0.01 + round_ / 1e5) for round_ in range(10)]] * 2
        one = cell_document(cell, {"kernel_launches": calls, "aten_calls": calls}, steps=steps, host=[0.1, 0.1])
        one["extra_info"]["stages"]["semantic"]["metrics"] = {"latency": {"value": 1.0, "unit": "s"}}
        one["extra_info"]["counters"] = {
            "total": {"kernel_launches": calls, "aten_calls": calls, "gpu_busy_s": 0.1},
            "parts": {"semantic": {"kernel_launches": calls, "aten_calls": calls, "gpu_busy_s": 0.1}},
            "top": {
                "semantic": {
                    "operator_calls": {"aten::mm": calls, "aten::item": 2},
                    "kernel_launches": {"gemm from aten::mm": calls},
                    "kernel_us": {"gemm from aten::mm": 100.5},
                }
            },
            "steps": {"semantic": 16},
            "scale": {"semantic": 4.0},
        }
        cells.append(one)
    return run_document(cells, outcomes={"tiny-x": ("skipped", "needs a GPU")}, warnings=["w"])


VALID = counted_document()
HEAD = runfile.parse(counted_document(3, 1.5) | {"commit_info": {"id": "def", "dirty": False}}, "head")


def every_report(base: RunFile, head: RunFile) -> None:
    """All that is printed of two runs; what a reader of it could be harmed by is not in there."""
    for one, other in ((base, head), (head, base)):
        comparison = compare(one, other, baseline="base.json")
        report = markdown.report(other, comparison, "run.json")
        assert len(report.encode()) <= 65_000
        assert "<script" not in report
        json.dumps(summary.as_json(comparison), allow_nan=False)
        for renderable in (terminal.verdicts(comparison, "run.json"), terminal.study(tables.study_tables(other))):
            for width in (40, 120):
                text = terminal.to_text(renderable, width=width, colour=False)
                assert not [one for one in text if unicodedata.category(one) in UNSEEN and one != "\n"]
    broken(base)


@given(mutated(VALID))
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_run_file_with_damaged_nodes_is_refused_in_one_line_or_reported_without_harm(damaged: Any) -> None:
    try:
        base = runfile.parse(document.decode(json.dumps(damaged).encode(), "base.json"), "base.json")
    except ReportError as error:
        assert "\n" not in str(error)
        return
    every_report(base, HEAD)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_everywhere_do_no_harm_in_any_report(text: str) -> None:
    document_ = counted_document()
    hostile(document_, text)
    every_report(runfile.parse(document_, "x"), runfile.parse(document_, "x"))
    every_report(runfile.parse(document_, "x"), HEAD)


def test_a_key_with_a_line_s_end_does_not_break_the_error_s_line() -> None:
    with pytest.raises(ReportError) as error:
        document.decode(b'{"a\\nFAILED: b\\u001b[2J": 1e999}', "x")
    assert str(error.value).startswith(r"x is damaged: a\nFAILED: b\x1b[2J is inf")


def test_metrics_that_this_version_does_not_know_are_passed_over() -> None:
    newer = counted_document()
    for benchmark in newer["benchmarks"]:
        benchmark["extra_info"]["metrics"]["tensor_core_use"] = {"value": 0.5, "unit": "furlongs"}
        benchmark["extra_info"]["counters"]["parts"]["semantic"]["tensor_core_use"] = 3
    run = runfile.parse(newer, "newer")
    every_report(run, HEAD)
    assert not [one for one in compare(run, HEAD, baseline="b").verdicts if one.metric == "tensor_core_use"]
    change = baselines.Change(PLAIN, "replaced", {"tensor_core_use": 1.0}, {"tensor_core_use": 2.0})
    assert acceptance.lines([change]) == ["replaced 1 cell in which no gated metric moved"]


@given(st.sampled_from(sorted(METRICS)), *[st.sampled_from([0.0, 5e-324, 1e-300, 1.0, 1e300, 1.7e308])] * 2)
@settings(max_examples=60, deadline=None)
def test_values_at_the_ends_of_what_a_number_can_be_are_compared_or_refused(
    name: str, one: float, other: float
) -> None:
    runs = []
    for value in (one, other):
        content = counted_document()
        for benchmark in content["benchmarks"]:
            benchmark["extra_info"]["metrics"][name] = {"value": value, "unit": METRICS[name].unit}
            benchmark["extra_info"]["rounds"]["step_p10_s"] = [value or 1.0] * 20
            benchmark["extra_info"]["counters"]["parts"]["semantic"]["gpu_busy_s"] = value
        try:
            runs.append(runfile.parse(content, "x"))
        except ReportError:
            return
    every_report(*runs)


def test_a_list_where_a_property_of_the_machine_should_be_stops_no_trend(tmp_path: Path) -> None:
    content = counted_document()
    content["machine_info"]["gpu"]["mig"] = [1, {"a": 2}]
    (tmp_path / "run.json").write_text(json.dumps(content))
    assert read_history([tmp_path], list(METRICS.values()), lambda cell: True).runs == 1


LIMITS = [("data", MOST_ROUNDS), ("launches", MOST_LAUNCHES), ("step_p10_s", MOST_ROUNDS)]


@pytest.mark.parametrize(("field", "most"), LIMITS)
def test_a_cell_of_too_many_rounds_is_refused_by_name(field: str, most: int) -> None:
    content = run_document([PLAIN])
    extra = content["benchmarks"][0]["extra_info"]
    holder = content["benchmarks"][0]["stats"] if field == "data" else extra["rounds"]
    holder[field] = [1] * (most + 1)
    with pytest.raises(
        ReportError, match=rf"damaged at benchmarks\.0\..*{field}: List should have at most {most} items"
    ):
        runfile.parse(content, "x")


def test_a_run_of_too_many_cells_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = run_document([PLAIN])
    content["suite"]["cells"] *= MOST_CELLS + 1
    with pytest.raises(ReportError, match=r"damaged at suite\.cells: List should have at most 20000 items"):
        runfile.parse(content, "x")


def test_the_time_of_a_comparison_grows_with_the_cells_and_not_with_their_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[int] = []
    cells = vars(RunFile)["cells"].__get__

    def counted(run: RunFile) -> Any:
        looked.append(1)
        return cells(run)

    monkeypatch.setattr(RunFile, "cells", property(counted))

    def looks(number: int) -> int:
        looked.clear()
        run = run_of(*(PLAIN.replace("small", f"s{place}") for place in range(number)))
        markdown.report(run, compare(run, run, baseline="b"), "r")
        merge.merge([("a", run)])
        return len(looked)

    assert looks(20) == looks(40)


@pytest.mark.parametrize(
    "command", [["compare", "{}", "{}"], ["render", "{}", "--output", "out"], ["accept", "{}"], ["advise", "{}"]]
)
def test_every_command_refuses_what_is_no_run_file_in_one_line(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "deep.json").write_text('{"a":' * 90_000)
    (tmp_path / "twice.json").write_text(json.dumps(run_document())[:-1] + ', "suite": {}}')
    (tmp_path / "numbers.json").write_text(json.dumps(run_document()).replace("2.0", "1e400", 1))
    for name in ("pipe", "deep.json", "twice.json", "numbers.json", "."):
        assert main([part.format(name) for part in command]) == USAGE
        printed = capsys.readouterr()
        assert printed.err.startswith("error: ")
        assert printed.err.count("\n") == 1
        assert not printed.out
