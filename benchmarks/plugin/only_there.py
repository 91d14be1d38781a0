"""`--against`: cells that the other side can run, and this one skips or has no more; what makes the difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from benchmarks.plugin.plan import plan
from benchmarks.plugin.sharding import checkpoint_of
from fixtures.levels import Level
from fixtures.machine.gpus import PACKAGES, Machine


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
    there = set(map(str, description.get("runs", {}).get(machine.device, ())))
    checkpoints = description.get("levels", {}).get(level.name, ())
    software = description["environment"].get("software", {})
    packages = {name: software[name] for name in PACKAGES if name in software}
    with_theirs = plan(level, Machine(machine.gpu, packages))
    here = list(plan(level, machine))
    skipped: dict[str, Literal["packages", "tree"]] = {
        one.scenario.id: "packages" if other.runs else "tree"
        for one, other in zip(here, with_theirs, strict=True)
        if not one.runs
    }
    known = {one.scenario.id for one in here}
    found: dict[str, Literal["packages", "tree"]] = {}
    for cell in sorted(there):
        why = skipped.get(cell) if cell in known else "tree"  # what is not known here has left the matrix
        if why and checkpoint_of(cell) in checkpoints:
            found[cell] = why
    return found
