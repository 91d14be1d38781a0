"""The run file: pytest-benchmark's JSON, with this suite's schema in `extra_info` and under the key `suite`.

Anything that reads pytest-benchmark's JSON reads a run file as it is. What the suite adds is versioned by
`SCHEMA_VERSION`; a reader refuses a newer one, and a file of another suite, with a message that says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from reports.errors import ReportError
from reports.records.files import write_atomically

SCHEMA_VERSION = 1

Outcome = Literal["measured", "failed", "skipped", "not run"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="allow")


class MetricValue(_Record):
    """A metric's value in the unit of the metric table."""

    value: FiniteFloat
    unit: str


class StageRecord(_Record):
    """One stage of the generation: its metrics, and what it produced a sample."""

    metrics: dict[str, MetricValue]
    tokens: int


class WorkloadRecord(_Record):
    """What was generated; two cells are comparable only if all of it is equal."""

    digest: str
    source: str


class CheckpointRecord(_Record):
    """Which weights were loaded: `hub` or `synthetic`, and the commit or digest."""

    source: str
    digest: str


class CellRecord(_Record):
    """`extra_info` of one benchmark: everything that pytest-benchmark has no field for."""

    schema_version: int
    cell: str
    axes: dict[str, str | int]
    environment: str
    workload: WorkloadRecord
    checkpoint: CheckpointRecord
    metrics: dict[str, MetricValue]
    stages: dict[str, StageRecord]
    proofs: dict[str, str] = Field(default_factory=dict)
    phases: dict[str, FiniteFloat] = Field(default_factory=dict)


class Benchmark(_Record):
    """One entry of pytest-benchmark's `benchmarks`; `stats.data` holds the rounds' seconds."""

    name: str
    fullname: str
    stats: dict[str, Any]
    extra_info: CellRecord


class CellOutcome(_Record):
    """What became of one cell of the matrix, measured or not, with the reason where not."""

    cell: str
    outcome: Outcome
    reason: str = ""


class SuiteRecord(_Record):
    """What is true of the whole run.

    `finished`: nothing was cut short. `narrowed`: a part of the matrix was asked for (`-k`, `-m`, a node id), so that
    a cell which is not in `cells` was not asked for. `environments` holds those of cells that came from other runs.
    """

    schema_version: int
    level: str
    lane: str
    hardware: str
    finished: bool
    narrowed: bool = False
    cells: list[CellOutcome]
    environments: dict[str, dict[str, Any]] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)


class RunFile(_Record):
    """A run of the suite."""

    machine_info: dict[str, Any]
    commit_info: dict[str, Any]
    benchmarks: list[Benchmark]
    datetime: str
    version: str
    suite: SuiteRecord

    @property
    def cells(self) -> dict[str, CellRecord]:
        """Cell identifier -> record, for the cells that were measured."""
        return {benchmark.extra_info.cell: benchmark.extra_info for benchmark in self.benchmarks}

    def environment_of(self, cell: CellRecord) -> dict[str, Any]:
        """The environment a cell was measured in: groups `gpu`, `host`, `software`."""
        if cell.environment == self.machine_info.get("environment"):
            return self.machine_info
        return self.suite.environments.get(cell.environment, self.machine_info)

    def outcomes(self) -> dict[str, CellOutcome]:
        """Cell identifier -> what became of it."""
        return {outcome.cell: outcome for outcome in self.suite.cells}


def parse(document: Any, where: str) -> RunFile:
    """A run file from decoded JSON.

    Args:
        document: what `json.loads` gave.
        where: names the source in messages.

    Raises:
        ReportError: not pytest-benchmark's JSON, not this suite's, or of a newer schema.
    """
    if not isinstance(document, dict) or not isinstance(document.get("benchmarks"), list):
        raise ReportError(f"{where} is not a run file: it lacks pytest-benchmark's `benchmarks`")
    suite = document.get("suite")
    if not isinstance(suite, dict) or "schema_version" not in suite:
        raise ReportError(
            f"{where} was not written by this suite (no `suite` key): run `pytest benchmarks/` and use its run file"
        )
    version = suite["schema_version"]
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise ReportError(
            f"{where} has schema {version!r} and this suite reads up to {SCHEMA_VERSION}: update the suite"
        )
    ours = [entry for entry in document["benchmarks"] if not _is_foreign(entry)]
    try:
        run = RunFile.model_validate(document | {"benchmarks": ours})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ReportError(f"{where} is damaged at {place}: {first['msg']}; restore it or measure again") from error
    twice = duplicates(benchmark.extra_info.cell for benchmark in run.benchmarks)
    if twice:
        raise ReportError(f"{where} holds {', '.join(twice)} more than once: measure again")
    return run


def digest_of_work(digests: Iterable[str]) -> str:
    """One digest over the workload digests of several cells, in whatever order."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()[:16]


def _is_foreign(entry: Any) -> bool:
    """Whether an entry is another benchmark of the same pytest session, not a cell."""
    return isinstance(entry, dict) and "schema_version" not in (entry.get("extra_info") or {})


def read(path: Path) -> RunFile:
    """Read a run file.

    Raises:
        ReportError: it is missing, unreadable, cut off, or not a run file of this suite.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ReportError(f"there is no run file {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"cannot read {path}: {error}") from error
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReportError(
            f"{path} is not complete JSON ({error}): it was cut off or damaged; "
            "restore it (git checkout) or measure again"
        ) from error
    return parse(document, str(path))


def write(path: Path, run: RunFile) -> None:
    """Write a run file through a temporary name."""
    write_document(path, run.model_dump(mode="json"))


def write_document(path: Path, document: dict[str, Any]) -> None:
    """Write a run file's JSON through a temporary name."""
    write_atomically(path, json.dumps(document, indent=1, default=str, allow_nan=False) + "\n")


def duplicates(names: Iterable[str]) -> list[str]:
    """Names that occur more than once, sorted."""
    seen: set[str] = set()
    twice: set[str] = set()
    for name in names:
        (twice if name in seen else seen).add(name)
    return sorted(twice)
