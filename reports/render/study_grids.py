"""The study's tables as cells of text, which the terminal and Markdown only lay out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.records.metrics import METRICS
from reports.records.units import change, points, quantity
from reports.render import tables
from reports.render.study import LATENCY, PEAK, THROUGHPUT, Section, Study, StudyRow

NOT_MEASURED = "not measured"
SEE_REMARK = "see below"
"""Where a published figure cannot be compared: `study_words.remarks` says why."""

STUDY, DIFFERENCE = "study", "differs by"
"""Headers of a published column and of the difference from it; short, for narrow terminals."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as text; the first `left` columns are names, the others numbers."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1


def combined(found: Study) -> Grid:
    """All rows of the study in one table, what is relative beside the published relative figure."""
    header = ["batch", "cell", "latency", STUDY, "relative latency", STUDY]
    header += ["peak memory", STUDY, DIFFERENCE, "relative throughput", STUDY]
    rows = [
        [
            str(row.published.batch),
            row.own.label,
            *_values(row, LATENCY),
            *_changes(row, LATENCY),
            *_values(row, PEAK),
            _peak_difference(row),
            *_changes(row, THROUGHPUT),
        ]
        for row in found.rows
    ]
    return _grid(f"{found.sections[0].checkpoint} checkpoint", header, rows, left=2)


def study(found: Study) -> list[Grid]:
    """The study's tables: absolute and relative for each batch size."""
    return [layout(section) for section in found.sections for layout in (absolute, relative)]


def absolute(section: Section) -> Grid:
    """Latency, peak memory and, where it was published, throughput, each beside the published value."""
    header = ["cell", "latency", STUDY, "peak memory", STUDY, DIFFERENCE]
    rows = [[row.own.label, *_values(row, LATENCY), *_values(row, PEAK), _peak_difference(row)] for row in section.rows]
    if _has_throughput(section):
        header += [METRICS["throughput"].unit, STUDY]
        rows = [[*cells, *_values(row, THROUGHPUT, unit="")] for cells, row in zip(rows, section.rows, strict=True)]
    return _grid(f"{section.title}: absolute performance", header, rows)


def relative(section: Section) -> Grid:
    """Each column's change against the section's reference, beside the published change."""
    header = ["cell", "latency", STUDY, "peak memory", STUDY, DIFFERENCE]
    rows = [
        [
            row.own.label,
            *_changes(row, LATENCY, NOT_MEASURED),
            *_changes(row, PEAK, NOT_MEASURED),
            points(row.relative_peak_difference),
        ]
        for row in section.rows
    ]
    if _has_throughput(section):
        header += ["throughput", STUDY]
        rows = [
            [*cells, *_changes(row, THROUGHPUT, NOT_MEASURED)] for cells, row in zip(rows, section.rows, strict=True)
        ]
    but = "" if section.reference_measured else ", which was not measured"
    return _grid(f"{section.title}: relative performance, against {section.reference}{but}", header, rows)


def notebook(section: Section) -> Grid:
    """The notebook's rows, with the relative latency of both."""
    header = ["cell", "latency", STUDY, "relative latency", STUDY, "peak memory", STUDY, DIFFERENCE]
    rows = [
        [row.own.label, *_values(row, LATENCY), *_changes(row, LATENCY), *_values(row, PEAK), _peak_difference(row)]
        for row in section.rows
    ]
    return _grid(f"{section.title}: {section.source.name}", header, rows)


def _grid(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> Grid:
    return Grid(title, tuple(header), tuple(tuple(cells) for cells in rows), left)


def _has_throughput(section: Section) -> bool:
    return any(row.published.throughput is not None for row in section.rows)


def _values(row: StudyRow, column: int, unit: str | None = None) -> tuple[str, str]:
    """The run's value and the published one; `unit` in place of the metric's own, where the header has that."""
    shown = METRICS[tables.METRICS[column]].unit if unit is None else unit
    own = row.own.values[column]
    printed = f"{row.published.latency_s:.2f} s" if column == LATENCY else quantity(row.published.values[column], shown)
    return NOT_MEASURED if own is None else quantity(own, shown), printed


def _changes(row: StudyRow, column: int, unmeasured: str = "-") -> tuple[str, str]:
    """The run's change against its reference and the published change."""
    own = change(row.own.changes[column]) if row.measured else unmeasured
    return own, change(row.published_changes[column])


def _peak_difference(row: StudyRow) -> str:
    if row.published.incomparable_peak:
        return SEE_REMARK
    return change(row.peak_difference, digits=1)
