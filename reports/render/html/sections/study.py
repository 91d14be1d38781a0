"""The study's tables: each checkpoint and batch size, and the run beside the published figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.errors import ReportError
from reports.render import study_grids, study_words, tables
from reports.render.html.report import Report
from reports.render.study import reproduce

UNFOLDED = 48
"""Rows of all tables together that are shown unfolded: what the nightly matrix has."""


@dataclass(frozen=True, slots=True)
class Group:
    """One table: a row a cell, each column's value and its change against the reference."""

    title: str
    against: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Published:
    """The run beside the published study: a table, its caption, where memory agrees, and where that was published."""

    grid: study_grids.Grid
    caption: Sequence[str]
    agreements: Sequence[str]
    source: str
    url: str


@dataclass(frozen=True, slots=True)
class StudySection:
    """`published` is None where the run holds none of the study's cells."""

    groups: Sequence[Group]
    published: Published | None

    @property
    def unfolded(self) -> bool:
        """Whether the tables are few enough rows to stand open."""
        return sum(len(group.rows) for group in self.groups) <= UNFOLDED


def study(report: Report) -> StudySection:
    """The tables of a run."""
    groups = [
        Group(
            one.title,
            f"relative to {one.reference}" if one.reference else "its reference was not measured",
            (header := _header(one)),
            [_row(row, header) for row in one.rows],
        )
        for one in tables.study_tables(report.run)
    ]
    return StudySection(groups, _published(report))


def _header(table: tables.StudyTable) -> list[str]:
    limit = [name for name in tables.headers(table, relative=False) if name not in tables.HEADERS]
    return ["cell", *(name for column in tables.HEADERS for name in (column, "relative")), *limit]


def _row(row: tables.Row, header: Sequence[str]) -> list[str]:
    absolute, relative = (tables.shown(row, header, relative=relative) for relative in (False, True))
    pairs = zip(absolute, relative, strict=False)  # the distance to the limit has no relative column
    return [row.label, *(text for pair in pairs for text in pair), *absolute[len(relative) :]]


def _published(report: Report) -> Published | None:
    try:
        found = reproduce(report.run, report.run_path, notebook_suffices=False)
    except ReportError:  # none of the study's cells: nothing to stand beside the published figures
        return None
    source = found.sections[0].source
    return Published(
        study_grids.combined(found),
        study_words.caption(found, found.rows),
        study_words.agreements(found),
        f"{source.name}, {source.protocol}",
        source.link,
    )
