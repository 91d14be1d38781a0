"""What a session does with its other side (`--against`): starts it, and has each measured cell measured there too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.plugin.only_there import only_there
from benchmarks.plugin.other_side import OtherSide
from benchmarks.plugin.suite import Suite, environment_record
from fixtures.meters.memory import give_back
from fixtures.pairs.protocol import Order
from reports.verdicts.thresholds import overrides


def start_other_side(suite: Suite, commit_info: dict[str, Any]) -> None:
    """Start the other side, so that one that cannot measure ends the run before anything is measured.

    Args:
        suite: the session, whose own environment and progress are known.
        commit_info: of this checkout.

    Raises:
        SuiteError: it cannot.
        ReportError: the thresholds cannot be read.
    """
    chosen = suite.settings
    assert chosen.against is not None
    suite.overrides = overrides()
    if suite.split:  # the shards are judged as the one run that they make
        cells = len(suite.split.held_by)
    else:
        cells = suite.progress.total if suite.progress else len(suite.recorder.asked_for)
    suite.other = OtherSide(chosen.against, cells, suite.recorder.drill)
    suite.other.check(commit_info, suite.machine_info["gpu"])
    lost = only_there(suite.other.description, chosen.matrix, chosen.level, chosen.machine)
    suite.recorder.against = suite.other.record() | {"only_there": lost}


def oppose(suite: Suite, cell: str, found: dict[str, Any], keep: Callable[[], None]) -> None:
    """Have a cell that was just measured measured by the other side, and by both in turns.

    Args:
        suite: the session.
        cell: its ID.
        found: takes the cell's `against` in the run file, as it is measured.
        keep: writes the run file as it stands.
    """
    assert suite.other is not None
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
    there = environment_record(suite.other.description["environment"], str(suite.other.commit_info.get("id")))
    if progress:
        progress.start(cell, f"against {suite.other.against.name}")
    suite.recorder.records[cell]["against"] = found
    if there["environment"] != suite.machine_info.get("environment"):
        suite.recorder.environments[there["environment"]] = there
    try:
        give_back(chosen.machine.device)
        suite.other.measure(order, there["environment"], found, suite.report, keep)
    finally:
        if progress:
            progress.finish()
    if found.get("problem"):
        suite.warn(f"{cell}: {found['problem']}")
