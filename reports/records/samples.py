"""Repeated launches of unchanged code: what `calibrate` needs of their run files, and a compact file to keep it in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field, FiniteFloat, ValidationError

from reports.errors import ReportError
from reports.records import runfile
from reports.records.bounds import MOST_CELLS, MOST_ROUNDS, Named, Text
from reports.records.files import write_atomically
from reports.records.gather import gather
from reports.records.metrics import METRICS
from reports.records.schema import Benchmark, CellRecord, RunFile, Seconds
from reports.records.track import Track, untracked

SAMPLES_VERSION: Final = 1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Launch(_Frozen):
    """One cell in one process.

    Attributes:
        run: names the process: launches of several cells with one name are not independent of each other.
        code: commit and a digest of the software's versions, to tell whether the code was really unchanged.
        rounds_s: each timed round, in seconds, in order.
        steps_s: the step p10 of the same rounds, in seconds; empty where the run did not store it.
        metrics: name -> value, in the unit of the metric table.
    """

    run: Text
    code: Text
    rounds_s: Annotated[tuple[Seconds, ...], Field(min_length=1, max_length=MOST_ROUNDS), FailFast()]
    steps_s: Annotated[tuple[Seconds, ...], Field(max_length=MOST_ROUNDS), FailFast()] = ()
    metrics: Named[FiniteFloat]


class Group(_Frozen):
    """Launches of one cell that did equal work on one model of GPU (`none` without one)."""

    cell: Text
    workload: Text
    gpu: Text
    launches: Annotated[tuple[Launch, ...], Field(min_length=1, max_length=MOST_CELLS), FailFast()]


class SamplesFile(_Frozen):
    """The compact file."""

    samples_version: Literal[1] = SAMPLES_VERSION
    groups: Annotated[tuple[Group, ...], Field(max_length=MOST_CELLS), FailFast()]


class Samples(_Frozen):
    """All groups of at least two launches, and what a reader of the numbers should know."""

    groups: tuple[Group, ...]
    notes: tuple[str, ...]


def collect(paths: Sequence[Path], track: Track = untracked) -> Samples:
    """The groups of launches in run files, samples files, and folders of them. A launch that is met twice counts once.

    Raises:
        ReportError: a file that was named cannot be used, or no cell has two launches.
    """
    gathered = gather(paths, groups_of, track)
    launches: dict[tuple[str, str, str], dict[tuple[float, ...], Launch]] = {}
    met = 0
    for group in (group for groups in gathered.items for group in groups):
        known = launches.setdefault((group.cell, group.workload, group.gpu), {})
        for launch in group.launches:
            met += 1
            # Rounds are measured to nanoseconds: equal ones are the same measurement, stored twice.
            known.setdefault(launch.rounds_s, launch)
    groups = [
        Group(cell=cell, workload=workload, gpu=gpu, launches=tuple(sorted(found.values(), key=lambda one: one.run)))
        for (cell, workload, gpu), found in sorted(launches.items())
    ]
    kept = tuple(group for group in groups if len(group.launches) >= 2)
    if not kept:
        raise ReportError(
            f"no cell has two launches in {len(gathered.items)} files, and one says nothing of the noise between two: "
            "run `pytest benchmarks/` of unchanged code at least twice, in separate processes on one model of GPU, "
            "keep each reports/latest/run.json under a name of its own, and give all of them (about 60 settle a rate)"
        )
    notes = [f"left out {reason}" for reason in gathered.left_out]
    repeated = met - sum(len(group.launches) for group in groups)
    if repeated:
        notes.append(f"{repeated} launches were met more than once and count once")
    if len(groups) > len(kept):
        notes.append(f"{len(groups) - len(kept)} cells with a single launch are left out")
    notes += _not_one_code(kept)
    return Samples(groups=kept, notes=tuple(notes))


def _not_one_code(groups: Iterable[Group]) -> list[str]:
    changed = sum(len({launch.code for launch in group.launches}) > 1 for group in groups)
    if not changed:
        return []
    return [
        f"{changed} cells were measured with more than one commit or set of software: "
        "what differs between them counts as noise here"
    ]


def groups_of(document: Any, where: str) -> tuple[Group, ...]:
    """The launches in one file: a run file (one launch of each of its cells) or a samples file.

    Raises:
        ReportError: it is neither, damaged, or a drill.
    """
    if isinstance(document, dict) and "samples_version" in document:
        if document["samples_version"] != SAMPLES_VERSION:
            raise ReportError(
                f"{where} has samples version {document['samples_version']!r} and this suite reads {SAMPLES_VERSION}: "
                "update the suite"
            )
        return _validated(SamplesFile, document, where).groups
    run = runfile.parse(document, where)
    runfile.refuse_drill(run, where)
    return tuple(_group(run, benchmark, where) for benchmark in run.benchmarks)


def _group(run: RunFile, benchmark: Benchmark, where: str) -> Group:
    cell = benchmark.extra_info
    environment = run.environment_of(cell)
    commit = str(run.commit_info.get("id"))
    software = sorted((environment.get("software") or {}).items())
    steps = _steps(cell, len(benchmark.stats.data), where)
    launch = {
        "run": f"{run.datetime} {commit[:12]} {cell.environment}",
        "code": f"{commit[:12]} {hashlib.sha256(repr(software).encode()).hexdigest()[:8]}",
        "rounds_s": _to_nanoseconds(benchmark.stats.data),
        "steps_s": _to_nanoseconds(steps),
        "metrics": {name: metric.value for name, metric in cell.metrics.items() if name in METRICS},
    }
    gpu = str((environment.get("gpu") or {}).get("model", "none"))
    content = {"cell": cell.cell, "workload": cell.workload.digest, "gpu": gpu, "launches": [launch]}
    return _validated(Group, content, where)


def _steps(cell: CellRecord, rounds: int, where: str) -> list[Any]:
    """The step p10 of each round; empty where the run did not store it, as older ones did not."""
    stored = cell.model_dump().get("rounds")
    steps = stored.get("step_p10_s") if isinstance(stored, dict) else stored
    if steps is None:
        return []
    if not isinstance(steps, list) or len(steps) not in (0, rounds):
        found = f"{len(steps)} step p10" if isinstance(steps, list) else f"{steps!r} for their step p10"
        raise ReportError(f"{where} is damaged: {cell.cell} has {rounds} rounds and {found}; measure again")
    return steps


def _to_nanoseconds(seconds: Any) -> Any:
    """The clock's own resolution: the digits beyond it double the size of a samples file and say nothing."""
    return [round(one, 9) if isinstance(one, float) else one for one in seconds]


Model = TypeVar("Model", bound=BaseModel)


def _validated(model: type[Model], content: Any, where: str) -> Model:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ReportError(f"{where} is damaged at {place}: {first['msg']}; restore it or measure again") from error


def save(path: Path, groups: Sequence[Group]) -> None:
    """Write a samples file, one launch a line so that git shows what was added.

    Raises:
        ReportError: it cannot be written.
    """
    lines = []
    for group in groups:
        head = json.dumps(group.model_dump(exclude={"launches"}))[:-1]
        body = ",\n".join(launch.model_dump_json() for launch in group.launches)
        lines.append(f'{head}, "launches": [\n{body}\n]}}')
    write_atomically(path, f'{{"samples_version": {SAMPLES_VERSION}, "groups": [\n' + ",\n".join(lines) + "\n]}\n")
