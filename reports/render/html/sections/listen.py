"""A sample of each cell to listen to, beside how far its output has drifted from the unoptimized model's."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from reports.records.schema import CellRecord
from reports.render.html import values
from reports.render.html.report import Report


@dataclass(frozen=True, slots=True)
class Sample:
    """One cell: `source` is the WAV's address from the page, empty where there is none."""

    cell: str
    label: str
    source: str
    duration: str
    drift: Sequence[str]


@dataclass(frozen=True, slots=True)
class Group:
    """The cells of one checkpoint and batch size, the unoptimized one first: what the others are heard against."""

    title: str
    samples: Sequence[Sample]


@dataclass(frozen=True, slots=True)
class Listen:
    """`metrics` head the figures of drift. `kept`: how many cells have a sample."""

    metrics: Sequence[str]
    groups: Sequence[Group]
    kept: int


def listen(report: Report, kept: Set[str]) -> Listen:
    """The samples of a run.

    Args:
        report: the run.
        kept: the addresses, from the page, of the samples that are really there.
    """
    metrics = values.measured_by(report.run.cells, values.FIDELITY)
    groups: dict[str, list[CellRecord]] = {}
    for record in report.run.cells.values():
        if record.audio or any(name in record.metrics for name in metrics):
            groups.setdefault(record.group, []).append(record)
    return Listen(
        [values.title(name) for name in metrics],
        [
            Group(
                group,
                [
                    _sample(record, metrics, kept)
                    for record in sorted(records, key=lambda record: record.of.optimizations(record.axes))
                ],
            )
            for group, records in sorted(groups.items())
        ],
        len(kept),
    )


def _sample(record: CellRecord, metrics: Sequence[str], kept: Set[str]) -> Sample:
    here = record.audio is not None and record.audio.file in kept
    return Sample(
        record.cell,
        record.label,
        record.audio.file if record.audio and here else "",
        f"{record.audio.duration_s:.1f} s" if record.audio and here else "",
        [values.shown(record.metrics, name) for name in metrics],
    )
