"""What a worker tells the controller of a cell, and how the controller's run file comes to hold it.

It goes with pytest-xdist's own report of the test, as soon as that is known, so that what was measured outlives the
worker. The worker measures with its own pytest-benchmark; its entry becomes one of the controller's, which writes the
run file, judges and shows as if it had measured itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pytest_benchmark.stats import Metadata

from benchmarks.plugin.session import outcome_of, report_reason
from benchmarks.plugin.suite import BarkSuite
from fixtures.machine.limits import Limits
from reports.records.baselines import environment_groups
from reports.records.schema import Outcome

ATTRIBUTE = "bark_part"
"""Of a test's report."""


@dataclass(frozen=True, slots=True)
class Part:
    """What became of a cell in a worker, as of one phase of its test (`when`: setup, call, teardown).

    `entry` is pytest-benchmark's, empty where nothing was measured; `outcome` is None where the report says nothing.
    `environment`, other `environments`, `limits` and `warnings` are the worker's so far; `trace` is the file kept.
    """

    cell: str
    place: int
    when: str
    outcome: Outcome | None = None
    reason: str = ""
    entry: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    environments: dict[str, dict[str, Any]] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    trace: str = ""

    def packed(self) -> str:
        """As text: a report may hold nothing but what pytest-xdist can send."""
        return json.dumps(asdict(self), default=str)


def unpacked(text: str) -> Part:
    """The part that `Part.packed` gave."""
    return Part(**json.loads(text))


def part_of(suite: BarkSuite, cell: str, report: Any, entries: Sequence[Any]) -> Part:
    """What a worker knows of a cell after one phase of its test.

    Args:
        suite: the worker's.
        cell: the cell.
        report: pytest's, of the phase.
        entries: pytest-benchmark's of the session.
    """
    assert suite.worker is not None
    measured = [entry for entry in entries if entry.fullname == report.nodeid and cell in suite.recorder.records]
    outcome, reason = outcome_of(report.when, report.outcome, report_reason(report)) or (None, "")
    limits = suite.recorder.limits
    trace = suite.traces.written.get(cell) if suite.traces else None
    return Part(
        cell=cell,
        place=suite.worker.place,
        when=report.when,
        outcome=outcome,
        reason=reason,
        entry=measured[-1].as_dict() if measured and report.when == "call" else {},
        environment=suite.machine_info,
        environments=suite.recorder.environments,
        limits=limits.record() if limits else {},
        warnings=suite.recorder.warnings,
        trace=str(trace or ""),
    )


def benchmark_of(entry: dict[str, Any]) -> Any:
    """An entry of pytest-benchmark's own kind that says what `entry`, from another process, says."""
    known = ("name", "fullname", "group", "param", "params", "extra_info")
    fixture = SimpleNamespace(**{name: entry[name] for name in known}, cprofile_stats=None, has_error=False)
    benchmark = Metadata(fixture, iterations=entry["stats"]["iterations"], options=entry["options"])
    for seconds in entry["stats"]["data"]:
        benchmark.stats.update(seconds)
    return benchmark


def other_weights(record: dict[str, Any], others: Iterable[dict[str, Any]]) -> str:
    """Why a cell's record cannot stand in a run: its worker loaded other weights; empty where it did not.

    Each worker looks for the weights itself, so a network that fails at times gives some real and some synthetic ones.
    """
    name, ours = record["axes"]["checkpoint"], record["checkpoint"]
    for other in others:
        theirs = other["checkpoint"]
        if other["axes"]["checkpoint"] == name and theirs != ours:
            return (
                f"{record['cell']} was measured with the {ours['source']} weights {ours['digest']} of {name} and "
                f"{other['cell']} with the {theirs['source']} weights {theirs['digest']}: have all workers load the "
                "same with --checkpoint-source=synthetic or --checkpoint-source=hub"
            )
    return ""


@dataclass(slots=True)
class Merged:
    """The controller's side: parts of all workers become one run.

    `entries` are pytest-benchmark's of the session, `order` the node ids in the order of one process.
    """

    suite: BarkSuite
    entries: list[Any]
    order: dict[str, int] = field(default_factory=dict)
    environments: dict[int, dict[str, Any]] = field(default_factory=dict)
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Digest -> environment, of all that any worker ever told: cells refer to those of workers that are gone, too."""

    def add(self, part: Part) -> bool:
        """Take a part in; whether it holds a measurement that stands."""
        recorder = self.suite.recorder
        mixed = other_weights(part.entry["extra_info"], recorder.records.values()) if part.entry else ""
        if mixed:
            part = replace(part, entry={}, outcome="failed", reason=mixed)
        recorder.warnings += [line for line in part.warnings if line not in recorder.warnings]
        if part.environment:
            self._add_environment(part)
        if part.trace and self.suite.traces:
            self.suite.traces.written[part.cell] = Path(part.trace)
        if part.entry:
            # Of a test that ran twice, the last that was heard of stands.
            others = [one for one in self.entries if one.extra_info.get("cell") != part.cell]
            whole = [*others, benchmark_of(part.entry)]
            self.entries[:] = sorted(whole, key=lambda one: self.order.get(one.fullname, len(self.order)))
            recorder.measured(part.cell, part.entry["extra_info"])
        if part.outcome:
            recorder.not_measured(part.cell, part.outcome, part.reason)
        return bool(part.entry)

    def _add_environment(self, part: Part) -> None:
        """The run's environment is that of the first place; the others' stand beside it."""
        recorder = self.suite.recorder
        self.environments[part.place] = part.environment | ({"limits": part.limits} if part.limits else {})
        first = min(self.environments)
        self.suite.machine_info = dict(self.environments[first])
        limits = self.suite.machine_info.pop("limits", None)
        recorder.limits = Limits(**limits) if limits else None
        self.known |= {str(one["environment"]): environment_groups(one) for one in self.environments.values()}
        recorder.environments |= part.environments | self.known
        recorder.environments.pop(str(self.suite.machine_info["environment"]))
