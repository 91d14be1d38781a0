"""The study's two tables from a run: absolute, and relative to a reference cell. Data only, no layout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.records.metrics import METRICS as METRIC_TABLE
from reports.records.schema import Axes, CellRecord, RunFile
from reports.records.units import change, quantity

METRICS = ("latency", "peak_allocated", "throughput")
"""The study's columns: latency a call of generate, peak memory, throughput."""

HEADERS = ("latency", "peak memory", "throughput")
"""The columns' names as shown."""

LIMIT_HEADER = "of the limit"
"""The column beside them: how many times the least that the work takes on this device the latency is."""

FUSED = ("bettertransformer", "sdpa")
"""Fused attention, in order of preference: the study's own, and this suite's for transformers without it."""

PLAIN = {"attention": "eager", "precision": "fp32", "placement": "resident", "decoding": "dynamic"}
"""The cell without any optimization."""


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
    """The cells of one checkpoint and batch size. `reference` is empty where that cell was not measured."""

    checkpoint: str
    batch: int
    reference: str
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """What the table holds."""
        return f"{self.checkpoint}, batch {self.batch}"


def optimizations(axes: Axes) -> int:
    """How many optimizations a cell combines."""
    values = axes.model_dump()
    return sum(values[axis] != plain for axis, plain in PLAIN.items())


def label(axes: Axes) -> str:
    """A cell's optimizations as the study writes them: `cpu_offload + sdpa + fp16`; `no optimization` for none."""
    order = ("placement", "attention", "precision", "decoding")
    values = axes.model_dump()
    return " + ".join(str(values[axis]) for axis in order if values[axis] != PLAIN[axis]) or "no optimization"


def reference_axes(batch: int) -> list[dict[str, str]]:
    """What a table is relative to, as in the study: no optimization for one sample, fused attention for a batch."""
    return [PLAIN] if batch == 1 else [PLAIN | {"attention": attention} for attention in FUSED]


def study_tables(run: RunFile) -> list[StudyTable]:
    """A table for each checkpoint and batch size of a run; rows from no optimization to all combined."""
    groups: dict[tuple[str, int], list[CellRecord]] = {}
    for cell in run.cells.values():
        groups.setdefault((cell.axes.checkpoint, cell.axes.batch), []).append(cell)
    order = {"tiny": 0, "small": 1, "large": 2}
    return [
        _table(checkpoint, batch, cells)
        for (checkpoint, batch), cells in sorted(
            groups.items(), key=lambda item: (order.get(item[0][0], 9), item[0][1])
        )
    ]


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


def _table(checkpoint: str, batch: int, cells: Iterable[CellRecord]) -> StudyTable:
    cells = sorted(cells, key=lambda cell: (optimizations(cell.axes), label(cell.axes)))
    reference = next(
        (c for wanted in reference_axes(batch) for c in cells if wanted.items() <= c.axes.model_dump().items()), None
    )
    return StudyTable(
        checkpoint, batch, label(reference.axes) if reference else "", tuple(_row(cell, reference) for cell in cells)
    )


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
    return Row(cell.cell, label(cell.axes), own, changes(own, base), ratio)
