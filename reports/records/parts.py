"""Whether run files are parts of one plan, and the fields that differ where they are not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.records.runfile import RunFile

NAMED = 8
"""Differing fields that a message names."""


def differences(first: RunFile, other: RunFile) -> list[str]:
    """Why two runs are not parts of one plan: a line a field, `commit: def456 and abc123`, the other's value first.

    A host may differ: each cell keeps the environment that it was measured in.
    """
    ours, theirs = must_agree(first), must_agree(other)
    found = [(name, theirs[name], value) for name, value in ours.items() if theirs[name] != value]
    versions, others = (_software(run) for run in (first, other))
    found += [
        (f"software {name}", others.get(name), versions.get(name))
        for name in sorted({*versions, *others})
        if versions.get(name) != others.get(name)
    ]
    ours, theirs = where_known(first), where_known(other)
    found += [(name, theirs[name], value) for name, value in ours.items() if name in theirs and theirs[name] != value]
    lines = [f"{name}: {_said(there)} and {_said(here)}" for name, there, here in found]
    return lines if len(lines) <= NAMED else [*lines[:NAMED], f"{len(lines) - NAMED} more fields"]


def must_agree(run: RunFile) -> dict[str, Any]:
    """What has to be equal in all parts of a run, by the name shown when it is not."""
    gpu = run.machine_info.get("gpu") or {}
    return {
        "commit": run.commit_info.get("id"),
        "uncommitted changes": run.commit_info.get("dirty"),
        "level": run.suite.level,
        "options": run.suite.overrides,
        "drill": run.suite.drill or "none",
        "lane": run.suite.lane,
        "other side": run.suite.against.model_dump() if run.suite.against else "none",
        "hardware": run.suite.hardware,
        "GPU model": gpu.get("model"),
        "GPU driver": gpu.get("driver"),
    }


def where_known(run: RunFile) -> dict[str, Any]:
    """What has to be equal in the parts that hold it: the plan's split, weights, the work of cells of one kind."""
    found: dict[str, Any] = {}
    for shard in run.suite.shards:
        found |= {"number of shards": shard.of, "split of the plan": shard.split}
    for name, checkpoint in (run.machine_info.get("checkpoints") or {}).items():
        found |= {f"{key} of the {name} weights": checkpoint.get(key) for key in ("source", "digest")}
    for record in run.cells.values():
        kind = f"{record.axes.checkpoint} at batch {record.axes.batch}"
        work = sorted(record.workload.model_dump().items(), key=lambda item: item[0] == "digest")  # it says least
        found |= {f"workload of {kind}, {key}": value for key, value in work}
    return found


def _software(run: RunFile) -> Mapping[str, Any]:
    software = run.machine_info.get("software")
    return software if isinstance(software, Mapping) else {}


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items()) or "none"
    return "none" if value is None else str(value)
