"""A run's cells beside the published figures. Data only, no layout."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reports.errors import ReportError
from reports.records.model import Axes, ModelRecord, PublishedRow, PublishedSource
from reports.records.schema import CellRecord, RunFile
from reports.render import tables

LATENCY, PEAK, THROUGHPUT = (tables.METRICS.index(name) for name in ("latency", "peak_allocated", "throughput"))
"""Where each metric stands in a row's values and changes."""

FUSED = ("bettertransformer", "sdpa")
"""Fused attention, in order of preference: the study's own, and this suite's for transformers without it."""

BLOG_LANE = "blog"
"""The lane whose fused attention is the study's own; in every other, sdpa stands in."""


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One published row and the run's cell for it; `own` has values only where the cell was `measured`.

    `published_changes` are fractions against the published reference, from the printed relative table where there is
    one, else computed from the printed values. All values have the order and units of `tables.METRICS`.
    """

    own: tables.Row
    published: PublishedRow
    published_changes: tuple[float | None, ...]
    record: CellRecord | None
    is_reference: bool

    @property
    def measured(self) -> bool:
        """Whether the run holds the cell."""
        return self.record is not None

    @property
    def peak_difference(self) -> float | None:
        """Peak memory against the published one, a fraction of it; None if not measured or not comparable."""
        if self.published.incomparable_peak:
            return None
        return tables.changes(self.own.values, self.published.values)[PEAK]

    @property
    def relative_peak_difference(self) -> float | None:
        """Change of peak memory less the published change, a fraction of the reference; None if not measured."""
        own, published = self.own.changes[PEAK], self.published_changes[PEAK]
        return None if own is None or published is None else own - published


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one published table. `reference` is the label of the row that changes are against."""

    model: ModelRecord
    source: PublishedSource
    batch: int
    reference: str
    reference_measured: bool
    rows: tuple[StudyRow, ...]

    @property
    def title(self) -> str:
        """What the tables hold."""
        return f"{self.checkpoint}, batch {self.batch}"

    @property
    def checkpoint(self) -> str:
        """The weights that all rows have."""
        return self.model.checkpoint_of(self.model.axes_of(self.source, self.rows[0].published))


@dataclass(frozen=True, slots=True)
class Study:
    """A run beside the study (`sections`: one a batch size) and its notebook (None where the run has none of it).

    `fused` is the fused attention of all rows.
    """

    run: RunFile
    fused: str
    sections: tuple[Section, ...]
    notebook: Section | None

    @property
    def stands_in(self) -> bool:
        """Whether another fused attention than the study's own is shown."""
        return self.fused != FUSED[0]

    @property
    def rows(self) -> list[StudyRow]:
        """The rows of the study's tables, without the notebook's."""
        return rows_of(self.sections)

    @property
    def all_rows(self) -> list[StudyRow]:
        """The rows of every table, the notebook's too."""
        return rows_of([*self.sections, *([self.notebook] if self.notebook else [])])

    @property
    def missing(self) -> list[str]:
        """Identifiers of the cells that are shown but were not measured."""
        return [row.own.cell for row in self.all_rows if not row.measured]


def reproduce(run: RunFile, where: str, *, notebook_suffices: bool = True) -> Study:
    """A run's cells beside the published rows.

    Args:
        run: the run.
        where: names the run in messages.
        notebook_suffices: whether a run will do that holds cells of the notebook only.

    Raises:
        ReportError: the run holds no cell of the study, or no model of which there is one.
    """
    model = next((model for model in run.suite.models.values() if model.published), None)
    if model is None:
        raise ReportError(f"{where} holds no model of which figures were published")
    fused = fused_attention(run, model)
    main, *others = model.published
    batches = sorted({row.batch for row in main.rows})
    sections = tuple(_section(run, model, main, batch, fused) for batch in batches)
    notebook = _section(run, model, others[0], others[0].rows[0].batch, fused) if others else None
    shown = notebook if notebook and any(row.measured for row in notebook.rows) else None
    found = Study(run, fused, sections, shown)
    if not any(row.measured for row in found.rows) and not (notebook_suffices and found.notebook):
        raise ReportError(
            f"{where} holds no cell of the study, such as {found.rows[0].own.cell}: "
            "measure on a GPU with `pytest benchmarks/ --level=nightly`"
        )
    return found


def fused_attention(run: RunFile, model: ModelRecord) -> str:
    """The fused attention to show: the first of `FUSED` that the run measured, else its lane's."""
    checkpoints = {model.checkpoint_of(model.axes_of(source, row)) for source in model.published for row in source.rows}
    cells = [cell for cell in run.cells.values() if cell.model == model.name and not cell.test]
    measured = {cell.axes.get("attention") for cell in cells if cell.checkpoint_name in checkpoints}
    lanes_own = FUSED[0] if run.suite.lane == BLOG_LANE else FUSED[-1]
    return next((attention for attention in FUSED if attention in measured), lanes_own)


def rows_of(sections: Iterable[Section]) -> list[StudyRow]:
    """The rows of several sections, in order."""
    return [row for section in sections for row in section.rows]


def _axes(model: ModelRecord, source: PublishedSource, row: PublishedRow, fused: str) -> Axes:
    axes = model.axes_of(source, row)
    return axes | {"attention": fused} if axes.get("attention") in FUSED else axes


def _section(run: RunFile, model: ModelRecord, source: PublishedSource, batch: int, fused: str) -> Section:
    wanted = [(row, _axes(model, source, row, fused)) for row in source.rows if row.batch == batch]
    references = tables.references(model, batch)
    printed, axes = next((each for each in wanted if tables.is_one_of(each[1], references)), wanted[0])
    reference = _find(run, model, axes)
    rows = tuple(
        _row(model, row, own_axes, _find(run, model, own_axes), printed, reference) for row, own_axes in wanted
    )
    return Section(model, source, batch, model.label_of(axes), reference is not None, rows)


def _row(
    model: ModelRecord,
    printed: PublishedRow,
    axes: Axes,
    record: CellRecord | None,
    printed_reference: PublishedRow,
    reference: CellRecord | None,
) -> StudyRow:
    own, base = (tables.columns(cell) if cell else (None,) * len(tables.METRICS) for cell in (record, reference))
    cell = record.cell if record else model.name_of(axes)
    return StudyRow(
        tables.Row(cell, model.label_of(axes), own, tables.changes(own, base)),
        printed,
        printed.changes or tables.changes(printed.values, printed_reference.values),
        record,
        printed is printed_reference,
    )


def _find(run: RunFile, model: ModelRecord, wanted: Axes) -> CellRecord | None:
    cells = (cell for cell in run.cells.values() if cell.model == model.name and not cell.test)
    return next((cell for cell in cells if tables.is_one_of(cell.axes, [wanted])), None)
