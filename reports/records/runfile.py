"""The run file: pytest-benchmark's JSON, with this suite's schema in `extra_info` and under the key `suite`.

Anything that reads pytest-benchmark's JSON reads a run file as it is. What the suite adds is versioned by
`SCHEMA_VERSION`; a reader refuses a newer one, and a file of another suite, with a message that says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reports.characters import short
from reports.errors import ReportError
from reports.records.document import SHOWN
from reports.records.document import read_document as read_document
from reports.records.files import write_atomically
from reports.records.layout import laid_out
from reports.records.metrics import METRICS, REQUIRED
from reports.records.model import upgraded
from reports.records.schema import SCHEMA_VERSION, CellRecord, MachineInfo, RunFile


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
    if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION:
        raise ReportError(
            f"{where} has schema {version!r} and this suite reads up to {SCHEMA_VERSION}: update the suite"
        )
    if version == 1:
        document = upgraded(document)
    ours = [entry for entry in document["benchmarks"] if not _is_foreign(entry)]
    try:
        run = RunFile.model_validate(document | {"benchmarks": ours})
        MachineInfo.model_validate(run.machine_info)
        for digest, environment in run.suite.environments.items():
            MachineInfo.model_validate(environment | {"environment": digest})
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(short(str(part), SHOWN) for part in first["loc"])
        raise ReportError(f"{where} is damaged at {place}: {first['msg']}; restore it or measure again") from error
    flaw = next(_flaws(run), None)
    if flaw:
        raise ReportError(f"{where} is damaged: {flaw}; restore it or measure again")
    return run


def refuse_drill(run: RunFile, where: str) -> None:
    """Let pass what was measured of the code as it is.

    Raises:
        ReportError: the run is a drill.
    """
    if run.suite.drill:
        raise ReportError(drilled(run, where))


def drilled(run: RunFile, where: str) -> str:
    """Why a drill is of no use."""
    return (
        f"{where} is a drill: {run.suite.drill} was planted in its cells, so it says nothing of the code; "
        "use a run without --drill"
    )


def _flaws(run: RunFile) -> Iterator[str]:
    """What does not fit together in a run file whose fields are all of the right type."""
    names = [benchmark.extra_info.cell for benchmark in run.benchmarks]
    for twice in duplicates(names):
        yield f"it holds {twice} more than once"
    measured = {outcome.cell for outcome in run.suite.cells if outcome.outcome == "measured"}
    failed = {outcome.cell for outcome in run.suite.cells if outcome.outcome == "failed"}
    for twice in duplicates(outcome.cell for outcome in run.suite.cells):
        yield f"it lists {twice} more than once"
    for cell in sorted((measured ^ set(names)) - (failed & set(names))):  # a part of a failed cell may be measured
        yield f"{cell} is listed as measured without a record, or has a record without being listed"
    if any(outcome.shard for outcome in run.suite.cells) and not run.suite.shards:
        yield "it lists cells of other shards and is none"
    for shard in run.suite.shards:
        if shard.number > shard.of:
            yield f"it is shard {shard.number} of {shard.of}"
    environments = {run.machine_info["environment"], *run.suite.environments}
    for cell, record in run.cells.items():
        yield from _unpaired(record)
        if record.against and record.against.record and record.against.record.cell != cell:
            yield f"the base of {cell} is {record.against.record.cell}"
    for record in run.records():
        model = run.suite.models.get(record.model)
        if model is None:
            yield f"{record.cell} is of the model {record.model!r}, which it does not describe"
        elif flaw := model.flaw(record.axes):
            yield f"{record.cell} is no cell of its model: {flaw}"
        if not 1 <= record.schema_version <= SCHEMA_VERSION:
            yield f"{record.cell} has schema {record.schema_version}, not 1 to {SCHEMA_VERSION}"
        if record.environment not in environments:
            yield f"the environment {record.environment!r} of {record.cell} is not in it"
        for name in ("latency",) if record.test else REQUIRED:
            if name not in record.metrics or record.metrics[name].value <= 0:
                yield f"{record.cell} lacks {name}"
        steps, launches = record.rounds.step_p10_s, record.rounds.launches
        for what, values in (
            ("step times", steps),
            ("host probes", record.rounds.host_probe_s),
            ("SM clocks", record.rounds.sm_clock_mhz),
            ("memory clocks", record.rounds.memory_clock_mhz),
            ("temperatures", record.rounds.temperature_c),
            ("readings of power", record.rounds.power_w),
        ):
            if values and launches and len(values) != sum(launches):
                yield f"{record.cell} has {len(values)} {what} for {sum(launches)} rounds"
        if launches and any(number >= sum(launches) for marked in record.rounds.marked.values() for number in marked):
            yield f"{record.cell} marks a round that it does not have"
        for name, value in record.metrics.items():
            if name in METRICS and value.unit != METRICS[name].unit:
                yield f"{record.cell}: {name} is in {value.unit!r}, not in {METRICS[name].unit!r}"


def _unpaired(record: CellRecord) -> Iterator[str]:
    """Why the pairs of a cell are none."""
    pairs = record.against.pairs if record.against else None
    if pairs:
        lists = (pairs.base_step_p10_s, pairs.head_step_p10_s, pairs.base_s, pairs.head_s)
        if {len(values) for values in lists} != {sum(pairs.launches)}:
            yield f"{record.cell} has pairs of rounds whose halves differ in number"


def digest_of_work(digests: Iterable[str]) -> str:
    """One digest over the workload digests of several cells, in whatever order."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()[:16]


def _is_foreign(entry: Any) -> bool:
    """Whether an entry is another benchmark of the same pytest session, not a cell."""
    extra = entry.get("extra_info") if isinstance(entry, dict) else None
    return isinstance(extra, dict) and "schema_version" not in extra


def read(path: Path) -> RunFile:
    """Read a run file.

    Raises:
        ReportError: it is missing, unreadable, cut off, or not a run file of this suite.
    """
    return parse(read_document(path), str(path))


def write(path: Path, run: RunFile) -> None:
    """Write a run file through a temporary name."""
    # Unset fields stay out: a cell that is only kept in a baseline is written as it was read, whatever the schema has
    # gained since.
    write_document(path, run.model_dump(mode="json", exclude_unset=True))


def write_document(path: Path, document: dict[str, Any]) -> None:
    """Write a run file's JSON through a temporary name.

    Raises:
        ReportError: it holds a number that JSON cannot, or cannot be written.
    """
    try:
        content = laid_out(document)
    except ValueError as error:
        raise ReportError(f"cannot write {path}: {error}; measure again") from error
    write_atomically(path, content)


def duplicates(names: Iterable[str]) -> list[str]:
    """Names that occur more than once, sorted."""
    seen: set[str] = set()
    twice: set[str] = set()
    for name in names:
        (twice if name in seen else seen).add(name)
    return sorted(twice)
