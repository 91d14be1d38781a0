"""Join run files of parts of one plan (shards, workers, other cells, other cards of the same model) into one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reports.errors import ReportError
from reports.records.baselines import environment_groups
from reports.records.parts import differences, facts, unproven
from reports.records.runfile import digest_of_work
from reports.records.schema import Benchmark, CellOutcome, RunFile, ShardRecord

RANK = {"not asked for": 0, "not run": 1, "skipped": 2, "failed": 3, "measured": 4}
"""Of what two runs say of one cell, the higher stands."""

Part = tuple[str, RunFile]
"""A run file's name, for messages, and the run."""


def merge(parts: Sequence[Part], *, allow_missing: bool = False, one_run: bool = False) -> RunFile:
    """One run file that holds the cells of all.

    Args:
        parts: at least one.
        allow_missing: note cells of shards that are not among the parts as not run, which a comparison calls missing,
            instead of refusing.
        one_run: the parts are of the workers of one run. They are of one tree, keep their shard as it is, and where
            several say something of a cell, what was measured last stands.

    Raises:
        ReportError: the runs are not parts of one plan (the differing fields are named with both values), a commit is
            not known, two runs say different things of one cell, or a shard's cells are missing (they are named).
    """
    if not parts:
        raise ReportError("nothing to merge: name at least one run file")
    _refuse_unlike(parts)
    doubts = [] if one_run else unproven(parts)
    outcomes = _outcomes(parts, one_run=one_run)
    benchmarks = _last_benchmarks(parts, list(outcomes)) if one_run else _benchmarks(parts)
    shards = sorted(
        {shard.number: shard for _, run in parts for shard in run.suite.shards}.values(), key=lambda s: s.number
    )
    lost = _of_shards(outcome for outcome in outcomes.values() if outcome.outcome == "not asked for")
    if one_run:
        lost = {}
    if lost and not allow_missing:
        lines = "; ".join(_listed(lost, shards))
        raise ReportError(f"cells are missing: {lines}; add the run file, or give --allow-missing to go on without")
    for number, cells in lost.items():
        reason = f"shard {number}/{shards[0].of} was not merged"
        outcomes |= {cell: CellOutcome(cell=cell, outcome="not run", reason=reason, shard=number) for cell in cells}
    first = parts[0][1]
    suite = first.suite.model_copy(
        update={
            "models": {name: model for _, run in parts for name, model in run.suite.models.items()},
            "cells": list(outcomes.values()),
            "environments": _environments(parts),
            # Not what the parts say of themselves: what one that was cut short left may have been measured by another.
            "finished": all(outcome.outcome != "not run" for outcome in outcomes.values()),
            "warnings": list(dict.fromkeys([*doubts, *_warnings(parts, one_run=one_run)])),
            **({"shards": shards} if shards else {}),
        }
    )
    inputs = {
        "checkpoints": {
            name: entry for _, run in parts for name, entry in (run.machine_info.get("checkpoints") or {}).items()
        },
        "workload_digest": digest_of_work(benchmark.extra_info.workload.digest for benchmark in benchmarks),
    }
    return first.model_copy(
        update={"benchmarks": benchmarks, "machine_info": first.machine_info | inputs, "suite": suite}
    )


def _refuse_unlike(parts: Sequence[Part]) -> None:
    """Let pass parts of one plan. Each is held against what those before it agree on, not against each of them."""
    agreed: dict[str, Any] = {}
    for at, (name, run) in enumerate(parts):
        known = facts(run)
        if any(agreed.get(field, value) != value for field, value in known.items()):
            unequal = ((first_name, differences(first, run)) for first_name, first in parts[:at])
            first_name, fields = next((first_name, fields) for first_name, fields in unequal if fields)
            raise ReportError(f"{name} and {first_name} differ in {'; '.join(fields)}; not one run")
        agreed |= known


def missing(run: RunFile) -> list[str]:
    """Lines that name the cells of a merged run that were asked for and not run, by the shard that would hold them."""
    lost = [outcome for outcome in run.suite.cells if outcome.outcome == "not run"]
    unsplit = [outcome.cell for outcome in lost if outcome.shard is None]
    lines = [f"not run: {', '.join(unsplit)}"] if unsplit else []
    return [*lines, *_listed(_of_shards(lost), run.suite.shards)]


def _of_shards(outcomes: Iterable[CellOutcome]) -> dict[int, list[str]]:
    """Shard -> those of the cells that are its own."""
    found: dict[int, list[str]] = {}
    for outcome in outcomes:
        if outcome.shard is not None:
            found.setdefault(outcome.shard, []).append(outcome.cell)
    return dict(sorted(found.items()))


def _listed(cells: dict[int, list[str]], shards: Sequence[ShardRecord]) -> list[str]:
    return [f"shard {number}/{shards[0].of} would hold {', '.join(own)}" for number, own in cells.items()]


def _benchmarks(parts: Sequence[Part]) -> list[Benchmark]:
    """The measurements of all parts; one that two of them hold, number for number, is taken once."""
    found: dict[str, tuple[str, Benchmark]] = {}
    twice = []
    for name, run in parts:
        for benchmark in run.benchmarks:
            cell = benchmark.extra_info.cell
            known_name, known = found.setdefault(cell, (name, benchmark))
            if known is not benchmark and known != benchmark:
                here, there = (each.extra_info.metrics["latency"].value for each in (known, benchmark))
                twice.append(f"{cell} (latency {here:g} s in {known_name}, {there:g} s in {name})")
    if twice:
        raise ReportError(f"measured in more than one run, with different numbers: {', '.join(twice)}; leave one out")
    return [benchmark for _, benchmark in found.values()]


def _last_benchmarks(parts: Sequence[Part], order: Sequence[str]) -> list[Benchmark]:
    """The last measurement of each cell, in the order of the plan."""
    last = {benchmark.extra_info.cell: benchmark for _, run in parts for benchmark in run.benchmarks}
    return [last[cell] for cell in order if cell in last]


def _outcomes(parts: Sequence[Part], *, one_run: bool) -> dict[str, CellOutcome]:
    """What became of each cell, of the whole plan."""
    found: dict[str, tuple[str, CellOutcome]] = {}
    for name, run in parts:
        for outcome in run.suite.cells:
            known_name, known = found.setdefault(outcome.cell, (name, outcome))
            if {known.outcome, outcome.outcome} == {"failed", "measured"} and not one_run:
                one, other = (known_name, name) if known.outcome == "failed" else (name, known_name)
                raise ReportError(f"{outcome.cell} failed in {one} and was measured in {other}; leave one out")
            if RANK[outcome.outcome] > RANK[known.outcome]:
                found[outcome.cell] = name, outcome
    return {cell: outcome for cell, (_, outcome) in found.items()}


def _environments(parts: Sequence[Part]) -> dict[str, dict[str, Any]]:
    """Those of the cells that were measured in another environment than the first part's."""
    first = parts[0][1]
    return {
        cell.environment: environment_groups(run.environment_of(cell))
        for _, run in parts
        for cell in run.records()
        if cell.environment != first.machine_info.get("environment")
    }


def _warnings(parts: Sequence[Part], *, one_run: bool) -> list[str]:
    """Every part's, each with its shard where the plan was split over hosts."""
    found = []
    for _, run in parts:
        own = run.suite.shards
        where = f"shard {own[0].number}/{own[0].of}: " if len(own) == 1 and not one_run else ""
        found += [where + warning.removeprefix(where) for warning in run.suite.warnings]
    return list(dict.fromkeys(found))
