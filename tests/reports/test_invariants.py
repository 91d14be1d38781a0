"""Invariants within a run: found without a baseline, with both cells and both values named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.commands.shared import PASSED, USAGE
from reports.records import runfile
from reports.records.baselines import DEFAULT_ROOT
from reports.records.schema import RunFile
from reports.render import markdown, summary
from reports.render.reproduce import next_commands
from reports.verdicts.compare import compare
from reports.verdicts.invariants import broken
from reports.verdicts.rules import Status
from reports.verdicts.verdict import Verdict
from tests.builders import H200, PLAIN, cell_document, run_of

OFFLOAD = PLAIN.replace("resident", "cpu_offload")
HALF = PLAIN.replace("fp32", "fp16")
FUSED = PLAIN.replace("eager", "sdpa")
BATCH = PLAIN.replace("batch1", "batch8")


def pair(cell: str, metric: str, value: float, plain: float, **options: Any) -> RunFile:
    return run_of(cell_document(PLAIN, {metric: plain}), cell_document(cell, {metric: value}), **options)


@pytest.mark.parametrize(
    ("optimized", "metric", "holds", "breaks", "plain"),
    [
        (OFFLOAD, "peak_allocated", 0.99e9, 1e9, 1e9),
        (HALF, "peak_allocated", 0.74e9, 0.76e9, 1e9),
        (FUSED, "kernel_launches", 99, 100, 100),
        (FUSED, "aten_calls", 99, 101, 100),
        (BATCH, "throughput", 0.51, 0.5, 0.5),
    ],
)
def test_each_invariant_fails_the_cell_that_breaks_it_and_names_its_neighbour(
    optimized: str, metric: str, holds: float, breaks: float, plain: float
) -> None:
    assert broken(pair(optimized, metric, holds, plain)) == []
    (found,) = broken(pair(optimized, metric, breaks, plain))
    assert (found.cell, found.metric, found.status) == (optimized, metric, Status.FAILED)
    assert found.fails
    assert PLAIN in found.reason
    assert (found.head, found.base) == (breaks, plain)


def test_kernels_count_before_operators_where_both_are_known() -> None:
    run = run_of(
        cell_document(PLAIN, {"kernel_launches": 100, "aten_calls": 100}),
        cell_document(FUSED, {"kernel_launches": 90, "aten_calls": 110}),
    )
    assert broken(run) == []


def test_throughput_of_a_shared_cpu_breaks_nothing() -> None:
    assert broken(pair(BATCH, "throughput", 0.1, 0.5, gpu=None)) == []
    assert broken(pair(BATCH, "throughput", 0.1, 0.5, gpu=H200))


def test_a_cell_without_its_neighbour_is_not_judged() -> None:
    assert broken(run_of(cell_document(OFFLOAD, {"peak_allocated": 1e12}))) == []


@pytest.mark.parametrize(
    ("metric", "value", "possible"),
    [
        ("top1_agreement", 1.0, True),
        ("top1_agreement", 1.001, False),
        ("latency", 1e-6, True),
        ("latency", 0.0, False),
        ("latency", float("inf"), False),
        ("latency", float("nan"), False),
    ],
)
def test_a_value_that_no_measurement_can_give_fails_its_cell(metric: str, value: float, possible: bool) -> None:
    run = run_of(cell_document(PLAIN, {"top1_agreement": 1.0}))
    run.cells[PLAIN].metrics[metric].value = value  # a file that holds some of these cannot even be read
    found = broken(run)
    assert [(v.metric, v.fails) for v in found] == ([] if possible else [(metric, True)])
    assert all(f"{metric} of {value}" in v.reason and "is not possible" in v.reason for v in found)


def test_a_broken_invariant_is_not_a_threshold_that_was_crossed() -> None:
    (found,) = broken(pair(HALF, "peak_allocated", 0.76e9, 1e9))
    assert (found.threshold, found.change) == (None, None)
    assert "760.0 MB must be below 0.75 times the 1,000.0 MB of" in found.reason


@pytest.mark.parametrize("form", [summary.sentence, lambda verdict: str(verdict.reason)])
def test_a_broken_invariant_names_both_cells_in_every_form(form: Callable[[Verdict], str]) -> None:
    run = pair(FUSED, "kernel_launches", 30_468, 30_367)
    (found,) = broken(run)
    assert "30,468 must be below the 30,367" in form(found)
    comparison = compare(run, run, baseline="itself")
    assert PLAIN in markdown.report(run, comparison, "run.json")
    assert found.reason in [entry["reason"] for entry in summary.as_json(comparison)["verdicts"]]


def test_accepting_is_no_remedy_for_a_broken_invariant() -> None:
    run = pair(OFFLOAD, "peak_allocated", 2e9, 1e9)
    assert not any(
        "accept" in command for command in next_commands(compare(run, run, baseline="itself"), run, "run.json")
    )
    worse = run_of(cell_document(PLAIN, {"peak_allocated": 2e9}))
    assert any(
        "accept run.json" in line
        for line in next_commands(compare(run_of(PLAIN), worse, baseline=""), worse, "run.json")
    )


def test_a_broken_invariant_fails_a_comparison_in_which_nothing_else_changed() -> None:
    run = pair(OFFLOAD, "peak_allocated", 2e9, 1e9)
    comparison = compare(run, run, baseline="itself")
    assert comparison.failed
    assert [v.status for v in comparison.failures] == [Status.FAILED]


def test_a_broken_invariant_and_a_verdict_against_the_baseline_of_one_metric_can_be_told_apart() -> None:
    base, head = pair(OFFLOAD, "peak_allocated", 0.9e9, 1e9), pair(OFFLOAD, "peak_allocated", 2e9, 1e9)
    found = summary.as_json(compare(base, head, baseline="b"))["verdicts"]
    about = [(v["status"], v["judged_by"]) for v in found if (v["cell"], v["metric"]) == (OFFLOAD, "peak_allocated")]
    assert about == [("worse", "baseline"), ("failed", "invariant")]


def test_a_run_that_breaks_an_invariant_cannot_be_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runfile.write(tmp_path / "run.json", pair(OFFLOAD, "peak_allocated", 2e9, 1e9))
    accept = ["accept", str(tmp_path / "run.json"), "--baseline-dir", str(tmp_path / "b")]
    assert main([*accept, "--reason", "no matter what"]) == USAGE
    printed = capsys.readouterr().err
    assert f"{OFFLOAD} cannot become a baseline" in printed
    assert "peak_allocated 2,000.0 MB must be below the 1,000.0 MB of" in printed
    assert not list(tmp_path.rglob("0001_baseline.json"))
    assert main([*accept, "-k", "resident"]) == PASSED
    assert main([*accept, "-k", "cpu_offload"]) == USAGE  # beside the cell that the baseline now holds
    (path,) = tmp_path.rglob("0001_baseline.json")
    assert list(runfile.read(path).cells) == [PLAIN]


@pytest.mark.parametrize("path", sorted(DEFAULT_ROOT.rglob("*.json")), ids=lambda path: "/".join(path.parts[-4:-1]))
def test_the_committed_baselines_hold_every_invariant(path: Path) -> None:
    assert [verdict.reason for verdict in broken(runfile.read(path))] == []
