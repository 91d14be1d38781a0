from __future__ import annotations

import pytest

from benchmarks.plugin import plan
from fixtures.levels import LEVELS
from fixtures.machine.gpus import Machine
from tests.lanes import ALL_CELLS, MATRIX

CPU = Machine(None, {"transformers": "5.23.0", "optimum": "2.3.0"})
H200 = Machine("NVIDIA H200", {"transformers": "5.23.0", "optimum": "2.3.0"})


def running(level: str, machine: Machine) -> list[str]:
    return [cell.cell.id for cell in plan.plan(MATRIX, LEVELS[level], machine) if cell.runs]


@pytest.mark.parametrize("level", list(LEVELS))
@pytest.mark.parametrize("machine", [CPU, H200])
def test_the_whole_product_is_planned_and_every_skip_has_a_reason(level: str, machine: Machine) -> None:
    cells = list(plan.plan(MATRIX, LEVELS[level], machine))
    assert len(cells) == ALL_CELLS
    assert all(not cell.skip or len(cell.skip) > 10 for cell in cells)
    assert all(not cell.left_out or f"level {level} measures" in cell.left_out for cell in cells)


def test_the_smoke_level_runs_the_tiny_checkpoint_only() -> None:
    assert {cell.split("-")[0] for cell in running("smoke", CPU)} == {"tiny"}
    assert len(running("smoke", CPU)) == 18


def test_offload_runs_only_where_there_is_a_gpu() -> None:
    assert not any("cpu_offload" in cell for cell in running("smoke", CPU))
    assert sum("cpu_offload" in cell for cell in running("pr", H200)) == 24


def test_a_cell_of_another_level_names_the_level_that_measures_it() -> None:
    left_out = {cell.left_out for cell in plan.plan(MATRIX, LEVELS["smoke"], CPU) if cell.cell.checkpoint == "large"}
    assert len(left_out) == 1
    assert "--level=nightly" in left_out.pop()


def test_the_description_counts_every_reason() -> None:
    first, *reasons = plan.describe(plan.plan(MATRIX, LEVELS["smoke"], CPU))
    tiny = ALL_CELLS // 3
    assert first == f"{ALL_CELLS} cells: 18 run, {tiny - 18} skipped, {2 * tiny} deselected"
    assert sum(int(line.split()[0]) for line in reasons) == ALL_CELLS - 18
