"""Join run files of parts of one plan (other cells, other cards of the same model) into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports.errors import ReportError
from reports.records.baselines import environment_groups
from reports.records.runfile import CellOutcome, RunFile, digest_of_work, duplicates

RANK = {"not asked for": 0, "not run": 1, "skipped": 2, "failed": 3, "measured": 4}
"""Of what two runs say of one cell, the higher stands."""


def must_agree(run: RunFile) -> dict[str, Any]:
    """What has to be equal in all parts of a run, by the name shown when it is not."""
    gpu = run.machine_info.get("gpu") or {}
    return {
        "level": run.suite.level,
        "options": run.suite.overrides,
        "drill": run.suite.drill or "none",
        "lane": run.suite.lane,
        "other side": run.suite.against.model_dump() if run.suite.against else "none",
        "hardware": run.suite.hardware,
        "GPU driver": gpu.get("driver"),
        "software": run.machine_info.get("software"),
        "commit": run.commit_info.get("id"),
        "uncommitted changes": run.commit_info.get("dirty"),
    }


def merge(runs: Sequence[tuple[str, RunFile]]) -> RunFile:
    """One run file that holds the cells of all.

    Args:
        runs: (name for messages, run) pairs, at least one.

    Raises:
        ReportError: the runs are not parts of one plan (the differing field is named), or two measured one cell.
    """
    if not runs:
        raise ReportError("nothing to merge: name at least one run file")
    first_name, first = runs[0]
    for name, run in runs[1:]:
        for field, value in must_agree(run).items():
            expected = must_agree(first)[field]
            if value != expected:
                raise ReportError(f"{name} and {first_name} differ in {field}: {value} and {expected}; not one run")
    twice = duplicates(cell for _, run in runs for cell in run.cells)
    if twice:
        raise ReportError(f"measured in more than one run: {', '.join(twice)}; leave one out")
    outcomes: dict[str, CellOutcome] = {}
    environments: dict[str, dict[str, Any]] = {}
    for _, run in runs:
        for outcome in run.suite.cells:
            known = outcomes.get(outcome.cell)
            if known is None or RANK[outcome.outcome] > RANK[known.outcome]:
                outcomes[outcome.cell] = outcome
        for cell in run.records():
            if cell.environment != first.machine_info.get("environment"):
                environments[cell.environment] = environment_groups(run.environment_of(cell))
    checkpoints = {
        name: entry for _, run in runs for name, entry in (run.machine_info.get("checkpoints") or {}).items()
    }
    suite = first.suite.model_copy(
        update={
            "cells": list(outcomes.values()),
            "environments": environments,
            "finished": all(run.suite.finished for _, run in runs),
            "warnings": [warning for _, run in runs for warning in run.suite.warnings],
        }
    )
    benchmarks = [benchmark for _, run in runs for benchmark in run.benchmarks]
    inputs = {
        "checkpoints": checkpoints,
        "workload_digest": digest_of_work(benchmark.extra_info.workload.digest for benchmark in benchmarks),
    }
    return first.model_copy(
        update={"benchmarks": benchmarks, "machine_info": first.machine_info | inputs, "suite": suite}
    )
