"""Runs that hold the published figures, for tests of what stands beside them."""

from __future__ import annotations

from typing import Any

from reports.records.model import ModelRecord, PublishedRow, schema_1_models
from reports.records.schema import RunFile
from reports.render import markdown, study_words, terminal
from reports.render.study import Study, reproduce
from tests.builders import cell_document, run_of

STUDY, NOTEBOOK = ModelRecord.model_validate(schema_1_models()["bark"]).published


def cell_of(row: PublishedRow, checkpoint: str, fused: str = "bettertransformer") -> str:
    axes = row.axes | ({"attention": fused} if row.axes["attention"] == "bettertransformer" else {})
    return "{}-{attention}-{precision}-{placement}-dynamic-batch{batch}".format(checkpoint, **axes)


def measured(row: PublishedRow, checkpoint: str, fused: str, peak: float, tokens: int) -> dict[str, Any]:
    """A cell whose latency and throughput are the published ones, and whose peak memory is `peak` times that."""
    values = {"latency": row.latency_s, "throughput": row.batch / row.latency_s, "peak_allocated": row.peak_mb * 1e6}
    values["peak_allocated"] *= peak
    return cell_document(cell_of(row, checkpoint, fused), values, tokens=tokens)


def run_as_published(
    *, fused: str = "bettertransformer", peak: float = 1.0, tokens: int = 256, without: str = "", **options: Any
) -> RunFile:
    """A run that reproduces the study, but for a factor on memory, without the cells whose name holds `without`."""
    rows = [(row, str(source.axes["checkpoint"])) for source in (STUDY, NOTEBOOK) for row in source.rows]
    cells = [measured(row, checkpoint, fused, peak, tokens) for row, checkpoint in rows]
    kept = [cell for cell in cells if not without or without not in cell["extra_info"]["cell"]]
    return run_of(*kept, **{"lane": "blog", "level": "nightly"} | options)


def found_in(run: RunFile) -> Study:
    return reproduce(run, "run.json")


def everything(found: Study) -> dict[str, str]:
    """Format -> the whole output."""
    plain = terminal.to_text(terminal.beside_published(found), width=300, colour=False)
    return {
        "terminal": "\n".join([plain, *study_words.closing(found)]),
        "markdown": markdown.beside_published(found).replace("\\", ""),
    }
