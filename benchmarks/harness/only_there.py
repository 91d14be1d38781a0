"""`--against`: the cells that this side skips and the other one can run, and what makes the difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from benchmarks.harness.plan import plan
from fixtures.machine.gpus import PACKAGES, Machine
from fixtures.matrix.levels import Level


def only_there(
    description: Mapping[str, Any], level: Level, machine: Machine
) -> dict[str, Literal["packages", "tree"]]:
    """Cell -> what makes the difference: its `packages`, with which this tree would run it too, or its `tree`.

    Args:
        description: what the other side's worker says of itself; a checkout that is older does not say what it can run,
            and then nothing is found.
        level: what this side measures; the other measures its own checkpoints at that level.
        machine: this side's.
    """
    there = set(description.get("runs", {}).get(machine.device, ()))
    checkpoints = description.get("levels", {}).get(level.name, ())
    software = description["environment"].get("software", {})
    packages = {name: software[name] for name in PACKAGES if name in software}
    with_theirs = plan(level, Machine(machine.gpu, packages))
    return {
        here.scenario.id: "tree" if other.skip else "packages"
        for here, other in zip(plan(level, machine), with_theirs, strict=True)
        if here.skip and here.scenario.id in there and here.scenario.checkpoint in checkpoints
    }
