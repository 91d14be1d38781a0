"""The run file of a session: what became of each cell, written after every measured cell.

A cell's samples were timed before pytest-benchmark sees them; they are replayed to it, exactly, through its documented
interface. Rounds during which the card was throttled or shared are said of the run.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.plugin.plan import Planned, test_in
from fixtures.measurement import record_of
from reports.characters import short
from reports.errors import ReportError
from reports.records import audio, runfile
from reports.records.schema import SCHEMA_VERSION, CellOutcome, Outcome, ShardRecord
from reports.render.html import folder

if TYPE_CHECKING:
    from fixtures.machine.limits import Limits
    from fixtures.measurement import Measurement


LONGEST_REASON = 10_000
"""Characters of why a cell failed, which may be the repr of anything; a run file with longer texts is not read."""

REPORT_FILE, PAGE_FILE = "report.md", "index.html"


def digest(content: Any) -> str:
    """A short digest of JSON-like content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def cell_record(measurement: Measurement, environment: str) -> dict[str, Any]:
    """`extra_info` of a measured cell, as `reports.records.CellRecord` reads it."""
    measured = record_of(measurement)
    return {"schema_version": SCHEMA_VERSION, "cell": measured.pop("cell"), "environment": environment, **measured}


@dataclass(slots=True)
class Recorder:
    """Collects a session's outcomes and writes them. A failed write is kept in `problem` and tried again later."""

    path: Path
    level: str
    lane: str
    hardware: str
    outcomes: dict[str, CellOutcome] = field(default_factory=dict)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of the cells, as reports know them."""
    overrides: dict[str, float] = field(default_factory=dict)
    drill: str = ""
    shard: ShardRecord | None = None
    against: dict[str, Any] | None = None
    environments: dict[str, dict[str, Any]] = field(default_factory=dict)
    limits: Limits | None = None
    finished: bool = False
    problem: str = ""
    written: bool = False

    def expect(
        self, cells: Iterable[Planned], asked_for: Collection[str], elsewhere: Mapping[str, int] | None = None
    ) -> None:
        """Note what is known before anything is measured.

        Args:
            cells: the matrix. A cell that cannot run is skipped in a run that ends before its turn, too: it is not
                what the run left undone.
            asked_for: the selected ones that are this session's, and benchmarks of users' own (`plan.own_key`).
            elsewhere: cell -> number of the shard that measures it.
        """
        cells = list(cells)
        for test in dict.fromkeys(["", *map(test_in, sorted(asked_for))]):
            for planned in cells:
                key = f"{test}[{planned.cell.id}]" if test else planned.cell.id
                self.outcomes[key] = self._expected(planned, key, test, key in asked_for)
                holder = (elsewhere or {}).get(planned.cell.id)
                if self.shard and holder:
                    self.outcomes[key].shard = holder
                    self.outcomes[key].reason = f"shard {holder}/{self.shard.of} measures it"

    def _expected(self, planned: Planned, key: str, test: str, asked_for: bool) -> CellOutcome:
        outcome: Outcome = "not asked for"
        reason = planned.deselected
        if asked_for:
            outcome, reason = ("skipped" if planned.skip else "not run"), planned.skip
        return CellOutcome(cell=key, model=planned.cell.model, test=test, outcome=outcome, reason=reason)

    @property
    def asked_for(self) -> list[CellOutcome]:
        """The outcomes of the cells that were asked for."""
        return [outcome for outcome in self.outcomes.values() if outcome.outcome != "not asked for"]

    @property
    def deselected(self) -> list[str]:
        """Why the level leaves cells out, each reason once."""
        reasons = [
            outcome.reason
            for outcome in self.outcomes.values()
            if outcome.outcome == "not asked for" and outcome.shard is None and outcome.reason
        ]
        return list(dict.fromkeys(reasons))

    @property
    def all_warnings(self) -> list[str]:
        """What was noted on the way, and what the card did to the rounds."""
        return [*self.warnings, *disturbed(self.records)]

    def measured(self, cell: str, record: dict[str, Any]) -> None:
        """A cell was measured; it failed where its record says what is missing of it."""
        problem = record.get("problem", "")
        self.records[cell] = record  # first: what a signal leaves half done is not listed as measured
        outcome: Outcome = "failed" if problem else "measured"
        self.outcomes[cell] = self._with(cell, outcome, problem)

    def not_measured(self, cell: str, outcome: Outcome, reason: str) -> None:
        """A cell was skipped or failed; what was measured of it before stands."""
        if cell not in self.records:
            self.outcomes[cell] = self._with(cell, outcome, short(reason, LONGEST_REASON))

    def _with(self, cell: str, outcome: Outcome, reason: str) -> CellOutcome:
        known = self.outcomes.get(cell)
        model, test = (known.model, known.test) if known else ("", "")
        return CellOutcome(cell=cell, model=model, test=test, outcome=outcome, reason=reason)

    def entries(self, benchmarks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """pytest-benchmark's entries, each cell's and each other benchmark's once.

        Of a test that ran twice (pytest-repeat names it anew each time) the last stands. A cell whose entry was made
        and that was not noted before a signal came is left out, as it is not listed as measured.
        """
        entries: dict[str, dict[str, Any]] = {}
        noted = {outcome.cell for outcome in self.outcomes.values() if outcome.outcome in ("measured", "failed")}
        for entry in benchmarks:
            info = entry["extra_info"]
            cell = info["cell"] if "schema_version" in info else ""
            if not cell or cell in noted:
                entries[cell or entry["fullname"]] = entry
        return list(entries.values())

    def suite(self) -> dict[str, Any]:
        """The run file's `suite`."""
        against = {"against": self.against} if self.against else {}
        return against | {
            "schema_version": SCHEMA_VERSION,
            "models": self.models,
            "level": self.level,
            "lane": self.lane,
            "hardware": self.hardware,
            "finished": self.finished,
            "overrides": self.overrides,
            "drill": self.drill,
            "cells": [outcome.model_dump(exclude_none=True) for outcome in self.outcomes.values()],
            "environments": self.environments,
            "warnings": self.all_warnings,
            **({"shards": [self.shard.model_dump()]} if self.shard else {}),
        }

    def inputs(self) -> dict[str, Any]:
        """What `machine_info` says of the device's limits, and of the measured cells' weights and work."""
        limits = {"limits": self.limits.record()} if self.limits else {}
        return limits | {
            "checkpoints": {self._checkpoint_name(record): record["checkpoint"] for record in self.records.values()},
            "workload_digest": runfile.digest_of_work(r["workload"]["digest"] for r in self.records.values()),
        }

    def _checkpoint_name(self, record: dict[str, Any]) -> str:
        """With its model's where several are measured: each may have a `small`."""
        several = len({each["model"] for each in self.records.values()}) > 1
        name = str(record["workload"]["checkpoint"])
        return f"{record['model']}/{name}" if several else name

    def clear(self) -> None:
        """Remove the files of an earlier run, so that nothing of this one is mistaken for them."""
        reports = (self.path.with_name(name) for name in (REPORT_FILE, PAGE_FILE))
        for path in (self.path, *reports, *audio.files(self.path.parent)):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                self.problem = f"cannot remove {path} of an earlier run: {error.strerror or error}"
        try:
            folder.clear(self.path.parent)
        except ReportError as error:
            self.problem = str(error)

    def save(self, document: dict[str, Any]) -> None:
        """Write the run file; a failure is kept in `problem`, and the measurements stay in memory for the next try."""
        try:
            runfile.write_document(self.path, document)
        except ReportError as error:
            self.problem = str(error)
        else:
            self.problem = ""
            self.written = True


REMEDIES = {
    "contended": "another process computed on the card; end it (nvidia-smi names it) or choose another card with "
    "CUDA_VISIBLE_DEVICES",
    "sw_power_cap": "the card is at its power limit (nvidia-smi -q -d POWER shows it)",
    "hw_power_brake_slowdown": "the power supply holds the card back; ask who runs the machine",
    "hw_slowdown": "the card protects itself from heat or its power supply; ask who runs the machine",
    "sw_thermal_slowdown": "the card is too hot; let it cool or improve its airflow",
    "hw_thermal_slowdown": "the card is too hot; let it cool or improve its airflow",
}
"""Mark of a round -> what it means and what to do."""

NAMED = 3
"""Cells that a line names."""


def disturbed(records: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for each kind of disturbed round: how many, of which cells, whether they count, what to do.

    Args:
        records: cell -> its `extra_info`.
    """
    kept: dict[str, Counter[str]] = {}
    dropped: dict[str, Counter[str]] = {}
    for cell, record in records.items():
        rounds = record.get("rounds", {})
        for reason, numbers in rounds.get("marked", {}).items():
            kept.setdefault(reason, Counter())[cell] += len(numbers)
        for reason, number in rounds.get("dropped", {}).items():
            dropped.setdefault(reason, Counter())[cell] += number
    lines = []
    for reason in dict.fromkeys([*kept, *dropped]):
        said = []
        if reason in kept:
            said.append(f"{_rounds(kept[reason])} count all the same, as measuring again did not end it")
        if reason in dropped:
            said.append(f"{_rounds(dropped[reason])} do not count and were measured again")
        lines.append(f"rounds marked {reason}: {'; '.join(said)}: {_remedy(reason)}")
    return lines


def _rounds(cells: Counter[str]) -> str:
    """`12 of small-..., large-..., tiny-... and 2 more`."""
    first, *others = cells
    named = ", ".join([first, *others[: NAMED - 1]])
    if len(cells) > NAMED:
        named += f" and {len(cells) - NAMED} more"
    return f"{cells.total()} of {named}"


def _remedy(reason: str) -> str:
    parts: Iterable[str] = reason.split(" + ")
    return "; ".join(dict.fromkeys(REMEDIES.get(part, "see nvidia-smi -q -d PERFORMANCE") for part in parts))


class ReplayTimer:
    """A timer for pytest-benchmark's `timer` marker: each round starts at 0 and ends at the next sample.

    A round then lasts the sample to the last bit, since 0 is subtracted from it.
    """

    __name__ = "ReplayTimer"

    def __init__(self) -> None:
        self._readings: Iterator[float] = iter(())

    def load(self, samples_s: Sequence[float]) -> None:
        """Set the seconds of the rounds to come."""
        self._readings = iter([reading for sample in samples_s for reading in (0.0, sample)])

    def __call__(self) -> float:
        """The next reading in seconds."""
        return next(self._readings)


def replay(benchmark: Any, timer: ReplayTimer, samples_s: Sequence[float]) -> None:
    """Make `samples_s` the rounds of a pytest-benchmark fixture whose marker carries `timer`."""
    timer.load(samples_s)
    benchmark.pedantic(lambda: None, rounds=len(samples_s))
