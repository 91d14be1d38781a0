"""Cells that are counted in a process of their own, as on a GPU; made up (tests/fake_worker.py)."""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.fake_worker import PART
from tests.suite.conftest import OTHER, SMALLEST, Ended, Suite

CALLS = {SMALLEST: PART["aten_calls"], OTHER: 2 * PART["aten_calls"]}
TWO = ("-k", "dynamic and batch1 and fp32 and not bettertransformer")
APART = ("tests.fake_measure", "tests.count_apart")


def counted(suite: Suite, *arguments: str, **head: Any) -> Ended:
    return suite(*TWO, *arguments, environment={"FAKE_SIDES": json.dumps({"head": head})}, plugins=APART)


def calls(ended: Ended) -> dict[str, float]:
    found = {cell: record.metrics.get("aten_calls") for cell, record in ended.run.cells.items()}
    return {cell: metric.value for cell, metric in found.items() if metric}


def test_its_counters_are_the_cells(suite: Suite) -> None:
    ended = counted(suite)
    assert ended.code == 0, ended.output
    assert calls(ended) == CALLS
    assert ended.run.suite.warnings == []


def test_one_that_dies_is_replaced_and_the_cell_counted(suite: Suite) -> None:
    ended = counted(suite, at={"count 2": "die"})
    assert ended.code == 0, ended.output
    assert calls(ended) == CALLS
    (said,) = ended.run.suite.warnings
    assert said.startswith(f"{SMALLEST} was counted a second time: the counting process ended when asked to count")


def test_a_cell_that_cannot_be_counted_fails_and_keeps_what_was_timed(suite: Suite) -> None:
    ended = counted(suite, at={"count": "die"})
    assert ended.code == 1
    assert set(ended.run.cells) == {SMALLEST, OTHER}
    assert calls(ended) == {}
    assert "2 failed" in ended.output
    assert f"{SMALLEST} has no counters: the counting process ended when asked to count {SMALLEST}" in ended.output


def test_counters_that_the_baseline_has_and_the_run_lacks_are_missing(suite: Suite) -> None:
    assert counted(suite, "--update-baselines").code == 0
    assert counted(suite, "--benchmark-compare").code == 0
    ended = counted(suite, "--benchmark-compare", at={"count 2": "memory"})
    assert ended.code == 1
    said = "aten_calls missing: 40 -> -, the baseline has it, this run did not measure it"
    assert f"{SMALLEST}: {said}" in ended.output
    assert f"warning: {SMALLEST} has no counters: the counting process: the cell ran out of memory" in ended.output


def test_a_run_that_measures_nothing_or_both_sides_starts_none(suite: Suite) -> None:
    for option in ("--benchmark-disable", f"--against={sys.executable}"):
        ended = counted(suite, option, "--rounds=5", at={"count": "die"})
        assert "the counting process" not in ended.output


def test_each_of_several_workers_has_its_own(suite: Suite) -> None:
    ended = suite(*TWO, "-n", "2", plugins=(*APART, "tests.two_workers"))
    assert ended.code == 0, ended.output
    assert calls(ended) == CALLS
