"""Which cells run, which the level leaves out and which cannot run here, decided before anything is loaded."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fixtures.cells import Cell
from fixtures.levels import LEVELS, Level
from fixtures.machine.gpus import Machine
from fixtures.model import Model
from fixtures.models import Matrix

TEST = "test_generate"
"""The suite's own benchmark (benchmarks/test_bark.py)."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A cell: `skip` is why it cannot run here, `deselected` why the level does not measure it."""

    cell: Cell
    skip: str = ""
    deselected: str = ""

    @property
    def runs(self) -> bool:
        """Whether it is measured where it is selected."""
        return not self.skip and not self.deselected


def is_the_suites_own(test: Callable[..., object]) -> bool:
    """Whether a test measures its cells by the suite: it asks for the session by name."""
    return "bark_suite" in inspect.signature(test).parameters


def own_key(test: str, parameters: str, cell: str) -> str:
    """What a user's own benchmark of a cell is called: `test_first_token[CELL]`, with other parameters in its name."""
    others = parameters.replace(cell, "", 1).strip("-").replace("--", "-")
    return f"{test}-{others}[{cell}]" if others else f"{test}[{cell}]"


def cell_in(key: str) -> str:
    """The cell of a benchmark by what it is called."""
    return key[:-1].rpartition("[")[2] if key.endswith("]") else key


def test_in(key: str) -> str:
    """The user's test of a benchmark by what it is called; empty for one of the suite's own."""
    return key[:-1].rpartition("[")[0] if key.endswith("]") else ""


def markers(matrix: Matrix) -> list[str]:
    """The markers of pytest that select cells, one for each axis value."""
    axes = [axis for model in matrix.models.values() for axis in model.axes]
    lines = [f"{value.name}: cells whose {axis.name} is {value.name}" for axis in axes for value in axis.values]
    return list(dict.fromkeys(lines))


def plan(matrix: Matrix, level: Level, machine: Machine) -> Iterator[Planned]:
    """Every cell of the matrix with its decision; of several reasons to skip a cell, the first is shown."""
    for cell in matrix:
        deselected = other_level(cell, matrix.model_of(cell), level)
        reasons = [] if deselected else cell.unmet_needs(machine)
        yield Planned(cell, reasons[0] if reasons else "", deselected)


def other_level(cell: Cell, model: Model, level: Level) -> str:
    """Why a level leaves a cell's checkpoint out; empty where it does not."""
    checkpoints = level.checkpoints_of(model)
    if cell.checkpoint in checkpoints:
        return ""
    others = [f"--level={name}" for name, other in LEVELS.items() if cell.checkpoint in other.checkpoints_of(model)]
    measured = f"measures {' and '.join(checkpoints)} only" if checkpoints else f"measures nothing of {model.name}"
    return f"level {level.name} {measured}: for {cell.checkpoint} use {' or '.join(others) or 'another model'}"


def describe(planned: Iterable[Planned]) -> list[str]:
    """The plan in lines: how many cells run, and how many are skipped or left out for each reason."""
    cells = list(planned)
    deselected = Counter(cell.deselected for cell in cells if cell.deselected)
    skipped = Counter(cell.skip for cell in cells if cell.skip)
    runs = len(cells) - skipped.total() - deselected.total()
    lines = [f"{len(cells)} cells: {runs} run, {skipped.total()} skipped, {deselected.total()} deselected"]
    lines += [f"  {number:4d} skipped: {reason}" for reason, number in skipped.most_common()]
    lines += [f"  {number:4d} deselected: {reason}" for reason, number in deselected.most_common()]
    return lines


def nothing_selected(matrix: Matrix, deselected: Iterable[str] = ()) -> str:
    """What to say when a selection matches no cell that the level measures; `deselected`: why it leaves cells out."""
    every = [axis for model in matrix.models.values() for axis in model.axes]
    axes = "; ".join(f"{axis.name}: {', '.join(axis.by_name)}" for axis in every)
    levels = "".join(f"; {reason}" for reason in dict.fromkeys(deselected))
    example = " and ".join(axis.values[-1].name for axis in every[:2])
    how = f'no cell of this level matches the selection; -k and -m take axis values, as in -k "{example}"'
    return f"{how}. They are: {axes}{levels}"
