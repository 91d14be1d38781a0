"""What a session does with its base side (`--against`): starts it, and measures each cell there too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from benchmarks.plugin.base_side import BaseSide
from benchmarks.plugin.plan import plan
from benchmarks.plugin.suite import Suite, environment_record
from fixtures.levels import Level
from fixtures.machine.gpus import PACKAGES, Machine
from fixtures.meters.memory import give_back
from fixtures.models import Matrix
from fixtures.pairs.protocol import Order
from reports.verdicts.thresholds import overrides


def start_base(suite: Suite, commit_info: dict[str, Any]) -> None:
    """Start the base side, so that one that cannot measure ends the run before anything is measured.

    Args:
        suite: the session, whose own environment and progress are known.
        commit_info: of this checkout.

    Raises:
        SuiteError: the base cannot measure.
        ReportError: the thresholds cannot be read.
    """
    chosen = suite.settings
    assert chosen.against is not None
    suite.overrides = overrides()
    if suite.split:  # the shards are judged as the one run that they make
        cells = len(suite.split.held_by)
    else:
        cells = suite.progress.total if suite.progress else len(suite.recorder.asked_for)
    suite.base_side = BaseSide(chosen.against, cells, suite.recorder.drill)
    suite.base_side.check(commit_info, suite.machine_info["gpu"])
    lost = cells_lost(suite.base_side.description, chosen.matrix, chosen.level, chosen.machine)
    suite.recorder.against = suite.base_side.record() | {"only_there": lost}


def measure_base(suite: Suite, cell: str, result: dict[str, Any], save: Callable[[], None]) -> None:
    """Measure the cell on the base side, then interleave rounds of both.

    Args:
        suite: the session.
        cell: its ID.
        result: the cell's `against` in the run file, filled as it is measured.
        save: writes the run file as it stands.
    """
    base = suite.base_side
    assert base is not None
    chosen, limits, progress = suite.settings, suite.recorder.limits, suite.progress
    order = Order(
        cell,
        chosen.level.tokens_of(chosen.matrix.model_of(chosen.matrix[cell])),
        chosen.checkpoint_source,
        chosen.checkpoint_revision,
        chosen.machine.device,
        chosen.level.rounds.minimum,
        limits=limits.record() if limits else None,
    )
    environment = environment_record(base.description["environment"], str(base.commit_info.get("id")))
    if progress:
        progress.start(cell, f"against {base.against.name}")
    suite.recorder.records[cell]["against"] = result
    if environment["environment"] != suite.machine_info.get("environment"):
        suite.recorder.environments[environment["environment"]] = environment
    try:
        give_back(chosen.machine.device)
        base.measure(order, environment["environment"], result, suite.report, save)
    finally:
        if progress:
            progress.finish()
    if result.get("problem"):
        suite.warn(f"{cell}: {result['problem']}")


def cells_lost(
    description: Mapping[str, Any], matrix: Matrix, level: Level, machine: Machine
) -> dict[str, Literal["packages", "tree"]]:
    """The cells that the base can run, and that the head skips or no longer has.

    Args:
        description: the base worker's; an older checkout does not say what it can run, so that nothing is lost to it.
        matrix: the head's.
        level: the run's; the base's own checkpoints of that level count.
        machine: the head's.

    Returns:
        Cell -> what makes the difference: the base's `packages`, with which the head would run it too, or its `tree`.
    """
    base_runs = set(map(str, description.get("runs", {}).get(machine.device, ())))
    base_level = set(description.get("levels", {}).get(level.name, ()))
    software = description["environment"].get("software", {})
    base_packages = {name: software[name] for name in PACKAGES if name in software}
    with_base_packages = plan(matrix, level, Machine(machine.gpu, base_packages))
    here = list(plan(matrix, level, machine))
    why: dict[str, Literal["packages", "tree"] | None] = {
        planned.cell.id: None if planned.runs else "packages" if other.runs else "tree"
        for planned, other in zip(here, with_base_packages, strict=True)
    }
    return {
        cell: difference
        for cell in sorted(base_runs & base_level)
        if (difference := why.get(cell, "tree"))  # a cell that the head does not know has left the matrix
    }
