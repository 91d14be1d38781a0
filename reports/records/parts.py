"""Whether run files are parts of one plan, and the fields that differ where they are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.errors import ReportError
from reports.records.schema import RunFile

NAMED = 8
"""Differing fields that a message names."""

NO_COMMIT = (None, "", "unknown", "unversioned")
"""What stands for a commit where there is no git history (pytest-benchmark's words)."""


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


def facts(run: RunFile) -> dict[str, Any]:
    """All that `differences` looks at: what two parts both have of it has to be equal."""
    return must_agree(run) | {"software": _software(run)} | where_known(run)


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
        **_base(run),
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
        kind = f"{record.checkpoint_name} at batch {record.batch}"
        work = sorted(record.workload.model_dump().items(), key=lambda item: item[0] == "digest")  # it says least
        found |= {f"workload of {kind}, {key}": value for key, value in work}
    return found


def unproven(parts: Sequence[tuple[str, RunFile]]) -> list[str]:
    """Lines for what `differences` cannot see: trees that changes which no commit holds may tell apart.

    Args:
        parts: names and runs, which agree by `differences`.

    Raises:
        ReportError: the commit of a run is not known, so that two unlike ones would look the same.
    """
    if len(parts) < 2:
        return []
    unknown = [name for name, run in parts if run.commit_info.get("id") in NO_COMMIT]
    if unknown:
        raise ReportError(
            f"the commit of {', '.join(unknown)} is not known, so nothing says that they are of one: where there is no "
            "git history, run each part with BARK_BENCHMARKS_COMMIT=COMMIT in the environment"
        )
    lines = []
    first = parts[0][1]
    if first.commit_info.get("dirty"):
        lines.append(
            "parts with uncommitted changes were merged: nothing says that the changes were the same; commit them and "
            "measure again to be sure"
        )
    other = first.suite.against.commit_info if first.suite.against else None
    if other is not None and (other.get("dirty") or other.get("id") in NO_COMMIT):
        lines.append(
            "the merged parts were measured against a base with uncommitted changes or no known commit, which may "
            "have differed between them; to be sure, give --against-tree a clean checkout"
        )
    return lines


def _base(run: RunFile) -> dict[str, Any]:
    """What has to be equal of the base. Its name does not: it holds paths, which are each host's own."""
    against = run.suite.against
    if against is None:
        return {"base": "none", "lane of the base": None, "commit of the base": None}
    return {
        "base": "measured",
        "lane of the base": against.lane,
        "commit of the base": against.commit_info,
    }


def _software(run: RunFile) -> Mapping[str, Any]:
    software = run.machine_info.get("software")
    return software if isinstance(software, Mapping) else {}


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items()) or "none"
    return "none" if value is None else str(value)
