"""What a pull request's GPU run measures covers the axes, and ends before its step is cut, which would lose cells."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.plugin import plan
from benchmarks.plugin.base_side import PAIRS, SCREENING_PAIRS
from benchmarks.plugin.sharding import Durations
from fixtures.levels import LEVELS
from fixtures.machine.gpus import Machine
from reports.records import runfile
from reports.records.schema import Benchmark
from reports.verdicts.wall import RULES
from tests.lanes import MATRIX
from tests.workflows.runner import ROOT, WORKFLOWS, Job

NAME = "Measure the head against the base"
LANE = {"torch": "2.13.0", "transformers": "5.23.0", "accelerate": "1.15.0", "optimum": "2.3.0"}
BASELINE = ROOT / "reports" / "baselines" / "nvidia-h200" / "current" / "pr" / "0001_baseline.json"
START_S = 15.0
"""Of a fresh process: its imports, as far as nothing else runs meanwhile."""

COUNTERS_S = 10.0
"""Of cells whose baseline is older than its counters."""

LAUNCHES = RULES.looks[-1].pairs // PAIRS


@pytest.fixture(scope="module")
def cells(origin: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The cells that the workflow's own command selects, of those that run on an H200."""
    only = ("Check out the labelled commit", NAME)
    folder = tmp_path_factory.mktemp("gpu-pr")
    listed = {"PYTEST_ADDOPTS": "--collect-only -q"}
    job = Job("gpu-measure.yml", "measure", folder, origin, environment=listed, only=only).run()
    found = set(re.findall(r"test_generate\[(.+)\]", job.ended[NAME].stdout))
    there = Machine("NVIDIA H200", LANE)
    return [one.cell.id for one in plan.plan(MATRIX, LEVELS["pr"], there) if one.runs and one.cell.id in found]


def seconds(benchmark: Benchmark) -> tuple[float, float]:
    """Of a cell on both sides, as its baseline took: alone and for the first pairs; and if it then stands out."""
    phases, times = benchmark.extra_info.phases, sorted(benchmark.stats.data)
    one = times[len(times) // 2]
    policy = LEVELS["pr"].rounds
    own = sum(took for phase, took in phases.items() if phase not in ("rounds", "reference", "rerun"))
    own += 0 if "counters" in phases else COUNTERS_S
    loading = sum(phases.get(phase, 0) for phase in ("load", "compile", "cold_start"))
    alone = 2 * own + (policy.estimated_rounds(one) + policy.minimum) * one
    return alone + loading + 2 * SCREENING_PAIRS * one, LAUNCHES * (START_S + loading + 2 * PAIRS * one)


def test_it_ends_before_its_step_does_even_if_every_cell_stands_out(cells: list[str]) -> None:
    known = {one.extra_info.cell: seconds(one) for one in runfile.read(BASELINE).benchmarks}
    first, more = ({cell: both[which] for cell, both in known.items()} for which in (0, 1))
    needed = [
        sum(Durations(MATRIX, known_s).of([MATRIX[cell] for cell in cells]).values()) for known_s in (first, more)
    ]
    (step,) = [one for one in WORKFLOWS["gpu-measure.yml"]["jobs"]["measure"]["steps"] if one["name"] == NAME]
    assert cells
    assert needed[0] < 70 * 60, "what a maintainer waits for"
    assert sum(needed) < step["timeout-minutes"] * 60


def test_it_covers_the_axes_that_a_change_may_slow_down(cells: list[str]) -> None:
    axes = [("eager", "sdpa"), ("fp32", "fp16"), ("resident", "cpu_offload"), ("dynamic", "cuda_graph"), (1, 8)]
    values = [{value.value for value in MATRIX[cell].values} for cell in cells]
    for wanted in axes:
        for value in wanted:
            assert any(value in one for one in values), value


def test_the_comment_says_so_where_the_run_file_holds_another_number_of_cells(cells: list[str]) -> None:
    assert WORKFLOWS["gpu-pr-comment.yml"]["jobs"]["word"]["env"]["CELLS"] == len(cells)
