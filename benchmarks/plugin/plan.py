"""Which cells run and which are skipped, with the reason, decided before anything is loaded."""

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
    """A cell and why it is skipped; `skip` is empty where it runs."""

    scenario: Scenario
    skip: str


def measures_a_cell(arguments: Iterable[str]) -> bool:
    """Whether a test with these arguments is the suite's own; one of a user may have a `cell` that is another thing."""
    return {"cell", "bark_suite"} <= set(arguments)


def plan(level: Level, machine: Machine) -> Iterator[Planned]:
    """Every cell of the product with its decision; of several reasons to skip a cell, the first is shown."""
    for scenario in product():
        reasons = [*other_level(scenario, level), *scenario.unmet_needs(machine)]
        yield Planned(scenario, reasons[0] if reasons else "")


def other_level(scenario: Scenario, level: Level) -> list[str]:
    """Why a level leaves a cell's checkpoint out; empty where it does not."""
    if scenario.checkpoint in level.checkpoints:
        return []
    others = [name for name, other in LEVELS.items() if scenario.checkpoint in other.checkpoints]
    return [
        f"level {level.name} measures {' and '.join(level.checkpoints)} only: for {scenario.checkpoint} use "
        + " or ".join(f"--level={name}" for name in others)
    ]


def describe(planned: Iterable[Planned]) -> list[str]:
    """The plan in lines: how many cells run, and how many are skipped for each reason."""
    cells = list(planned)
    reasons = Counter(cell.skip for cell in cells if cell.skip)
    lines = [f"{len(cells)} cells: {len(cells) - reasons.total()} run, {reasons.total()} skipped"]
    lines += [f"  {number:4d} skipped: {reason}" for reason, number in reasons.most_common()]
    return lines


def nothing_selected() -> str:
    """What to say when a selection matches no cell."""
    axes = "; ".join(f"{axis.name}: {', '.join(axis.by_name)}" for axis in AXES)
    return f'no cell matches the selection; -k and -m take axis values, as in -k "small and sdpa". They are: {axes}'
