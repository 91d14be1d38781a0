"""How far every cell is from the least time that its device could take for its work."""

from __future__ import annotations

from collections.abc import Sequence

from reports.records.schema import CellRecord
from reports.records.units import quantity
from reports.render.html import figures, values
from reports.render.html.figures import Bars, Figure
from reports.render.html.report import Report

BAR, MARGIN = 24, 110
"""Pixels of the chart's height: for each cell, and for the axis."""


MOST, MOST_STAGES = 200, 12
"""Cells of a chart, the farthest ones, and stages with a column: more cannot be told apart on a screen."""


def limits(report: Report) -> list[Figure]:
    """A chart for each checkpoint and batch size whose limit the run knows: a bar a cell, the farthest first."""
    groups: dict[str, list[CellRecord]] = {}
    for record in report.run.cells.values():
        if values.LIMIT in record.metrics:
            groups.setdefault(record.group, []).append(record)
    return [
        _figure(
            f"{group}: times the limit",
            sorted(records, key=_times, reverse=True)[:MOST],
            len(records),
        )
        for group, records in sorted(groups.items())
    ]


def _figure(title: str, records: Sequence[CellRecord], of: int) -> Figure:
    names = [record.label for record in records]
    ratios = [_times(record) for record in records]
    texts = [
        f"{name}: {values.shown(record.metrics, values.LIMIT)}" for name, record in zip(names, records, strict=True)
    ]
    traces, layout = figures.bars(names, [Bars("times the limit", "run", ratios, texts)], "times the limit")
    layout["showlegend"] = False
    stages = list(
        dict.fromkeys(
            name for record in records for name, stage in record.stages.items() if values.LIMIT in stage.metrics
        )
    )[:MOST_STAGES]
    rows = [[name, *_row(record, stages)] for name, record in zip(names, records, strict=True)]
    summary = f"From {texts[-1]} to {texts[0]}." if len(texts) > 1 else f"{texts[0]}."
    summary += f" The {len(records)} farthest of {of:,} cells." if len(records) < of else ""
    header = ("cell", "times the limit", "limit", "latency", *stages)
    return Figure(title, summary, traces, layout, header, rows, height=MARGIN + BAR * len(records))


def _row(record: CellRecord, stages: Sequence[str]) -> list[str]:
    return [
        values.shown(record.metrics, values.LIMIT),
        quantity(values.value(record.metrics, values.FLOOR), "s"),
        values.shown(record.metrics, "latency"),
        *(
            values.shown(record.stages[stage].metrics, values.LIMIT) if stage in record.stages else "-"
            for stage in stages
        ),
    ]


def _times(record: CellRecord) -> float:
    return record.metrics[values.LIMIT].value
