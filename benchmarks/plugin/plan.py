"""Which cells run, which the level leaves out and which cannot run here, decided before anything is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fixtures.cells import Scenario, product
from fixtures.levels import LEVELS, Level
from fixtures.machine.gpus import Machine
from fixtures.models.bark.axes import AXES


@dataclass(frozen=True, slots=True)
class Planned:
    """A cell: `skip` is why it cannot run here, `deselected` why the level does not measure it; empty where it does."""

    scenario: Scenario
    skip: str = ""
    deselected: str = ""

    @property
    def runs(self) -> bool:
        """Whether the cell is measured if it is selected."""
        return not self.skip and not self.deselected


def measures_a_cell(arguments: Iterable[str]) -> bool:
    """Whether a test with these arguments is the suite's own; one of a user may have a `cell` that is another thing."""
    return {"cell", "bark_suite"} <= set(arguments)


def plan(level: Level, machine: Machine) -> Iterator[Planned]:
    """Every cell of the product with its decision; of several reasons to skip a cell, the first is shown."""
    for scenario in product():
        deselected = other_level(scenario, level)
        unmet = [] if deselected else scenario.unmet_needs(machine)
        yield Planned(scenario, unmet[0] if unmet else "", deselected)


def other_level(scenario: Scenario, level: Level) -> str:
    """Why a level leaves a cell's checkpoint out; empty where it does not."""
    if scenario.checkpoint in level.checkpoints:
        return ""
    others = [name for name, other in LEVELS.items() if scenario.checkpoint in other.checkpoints]
    return (
        f"level {level.name} measures {' and '.join(level.checkpoints)} only: for {scenario.checkpoint} use "
        + " or ".join(f"--level={name}" for name in others)
    )


def describe(planned: Iterable[Planned]) -> list[str]:
    """The plan in lines: how many cells run, and how many are skipped or deselected for each reason."""
    cells = list(planned)
    skipped = Counter(cell.skip for cell in cells if cell.skip)
    deselected = Counter(cell.deselected for cell in cells if cell.deselected)
    running = sum(cell.runs for cell in cells)
    lines = [f"{len(cells)} cells: {running} run, {skipped.total()} skipped, {deselected.total()} deselected"]
    lines += [f"  {number:4d} skipped: {reason}" for reason, number in skipped.most_common()]
    lines += [f"  {number:4d} deselected: {reason}" for reason, number in deselected.most_common()]
    return lines


def nothing_selected(deselected: Iterable[str]) -> str:
    """What to say when no cell is left to run or to skip; `deselected` is why the level leaves cells out."""
    axes = "; ".join(f"{axis.name}: {', '.join(axis.by_name)}" for axis in AXES)
    lines = [
        'no cell of this level matches the selection; -k and -m take axis values, as in -k "small and sdpa". '
        f"They are: {axes}",
        *dict.fromkeys(deselected),
    ]
    return "; ".join(lines)
