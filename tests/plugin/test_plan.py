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
def test_the_whole_product_is_planned_and_what_does_not_run_has_a_reason(level: str, machine: Machine) -> None:
    cells = list(plan.plan(MATRIX, LEVELS[level], machine))
    assert len(cells) == ALL_CELLS
    assert all(cell.runs or len(cell.skip or cell.deselected) > 10 for cell in cells)


def test_the_smoke_level_runs_the_tiny_checkpoint_only() -> None:
    assert {cell.split("-")[0] for cell in running("smoke", CPU)} == {"tiny"}
    assert len(running("smoke", CPU)) == 18


def test_offload_runs_only_where_there_is_a_gpu() -> None:
    assert not any("cpu_offload" in cell for cell in running("smoke", CPU))
    assert sum("cpu_offload" in cell for cell in running("pr", H200)) == 32


def test_a_cell_of_another_level_names_the_level_that_measures_it() -> None:
    large = [cell for cell in plan.plan(MATRIX, LEVELS["smoke"], CPU) if cell.cell.checkpoint == "large"]
    (reason,) = {cell.deselected for cell in large}
    assert "--level=nightly" in reason


def test_the_description_counts_every_reason() -> None:
    first, *reasons = plan.describe(plan.plan(MATRIX, LEVELS["smoke"], CPU))
    tiny = ALL_CELLS // 3
    assert first == f"{ALL_CELLS} cells: 18 run, {tiny - 18} skipped, {2 * tiny} deselected"
    assert sum(int(line.split()[0]) for line in reasons if " skipped: " in line) == tiny - 18
    assert sum(int(line.split()[0]) for line in reasons if " deselected: " in line) == 2 * tiny


def test_an_empty_selection_names_the_axis_values_and_what_the_level_leaves_out() -> None:
    said = plan.nothing_selected(MATRIX, ["level smoke measures tiny only"])
    assert said.startswith("no cell of this level matches the selection")
    assert "checkpoint: tiny, small, large" in said
    assert said.endswith("; level smoke measures tiny only")
