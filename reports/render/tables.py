"""The study's two tables from a run: absolute, and relative to a reference cell. Data only, no layout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.records.metrics import METRICS as METRIC_TABLE
from reports.records.model import Axes, ModelRecord
from reports.records.schema import CellRecord, RunFile
from reports.records.units import change, quantity

METRICS = ("latency", "peak_allocated", "throughput")
"""The study's columns: latency a call of generate, peak memory, throughput."""

HEADERS = ("latency", "peak memory", "throughput")
"""The columns' names as shown."""

LIMIT_HEADER = "of the limit"
"""The column beside them: how many times the least that the work takes on this device the latency is."""


@dataclass(frozen=True, slots=True)
class Row:
    """One cell: its label, and each column's value and change against the table's reference (None: not measured)."""

    cell: str
    label: str
    values: tuple[float | None, ...]
    changes: tuple[float | None, ...]
    limit_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class StudyTable:
    """The cells that do the same work. `reference` is empty where that cell was not measured."""

    title: str
    reference: str
    rows: tuple[Row, ...]


def references(model: ModelRecord, batch: int) -> list[Axes]:
    """What a table is relative to, as in the study: no optimization for one sample, fused attention for a batch."""
    plain: Axes = model.plain()
    fused: list[Axes] = [
        {**plain, axis.name: value.value} for axis in model.axes for value in axis.values if value.fused
    ]
    return [plain] if batch == 1 else fused or [plain]


def is_one_of(axes: Axes, wanted: Iterable[Axes]) -> bool:
    """Whether a cell has all values of one of these."""
    return any(each.items() <= axes.items() for each in wanted)


def study_tables(run: RunFile) -> list[StudyTable]:
    """A table for each group of a run's cells; rows from no optimization to all combined."""
    groups: dict[tuple[str, str], list[CellRecord]] = {}
    for cell in run.cells.values():
        if not cell.test:
            groups.setdefault((cell.model, cell.group), []).append(cell)
    ranked = sorted(groups.values(), key=lambda cells: (cells[0].model, cells[0].of.rank(cells[0].axes)))
    return [_table(cells) for cells in ranked]


def headers(table: StudyTable, *, relative: bool) -> list[str]:
    """The names of a table's columns; that of the limit where it is absolute and any row's is known."""
    known = not relative and any(row.limit_ratio is not None for row in table.rows)
    return [*HEADERS, LIMIT_HEADER] if known else list(HEADERS)


def shown(row: Row, header: Sequence[str], *, relative: bool) -> list[str]:
    """A row's columns as text: changes against the reference, or values with their units."""
    if relative:
        return [change(value) for value in row.changes]
    values = [quantity(value, METRIC_TABLE[name].unit) for name, value in zip(METRICS, row.values, strict=True)]
    return [*values, quantity(row.limit_ratio, METRIC_TABLE["limit_ratio"].unit)] if LIMIT_HEADER in header else values


def _table(cells: Sequence[CellRecord]) -> StudyTable:
    cells = sorted(cells, key=lambda cell: (cell.of.optimizations(cell.axes), cell.label))
    wanted = references(cells[0].of, cells[0].batch)
    reference = next((cell for each in wanted for cell in cells if is_one_of(cell.axes, [each])), None)
    rows = tuple(_row(cell, reference) for cell in cells)
    return StudyTable(cells[0].group, reference.label if reference else "", rows)


def columns(cell: CellRecord) -> tuple[float | None, ...]:
    """A cell's values of `METRICS` in the units of the metric table; None where it was not measured."""
    return tuple(cell.metrics[metric].value if metric in cell.metrics else None for metric in METRICS)


def changes(own: Sequence[float | None], base: Sequence[float | None]) -> tuple[float | None, ...]:
    """Each column's change against the reference's as a fraction; None where either is missing or the base is zero."""
    return tuple(
        value / other - 1 if value is not None and other else None for value, other in zip(own, base, strict=True)
    )


def _row(cell: CellRecord, reference: CellRecord | None) -> Row:
    own = columns(cell)
    base = columns(reference) if reference else (None,) * len(METRICS)
    ratio = cell.metrics["limit_ratio"].value if "limit_ratio" in cell.metrics else None
    return Row(cell.cell, cell.label, own, changes(own, base), ratio)
