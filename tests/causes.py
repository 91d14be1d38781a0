"""From what the counter pass really saw before and after something was planted, to the sentence about it."""

from __future__ import annotations

from typing import Any

from fixtures.measurement import counter_metrics
from fixtures.meters.counters import CounterReading
from fixtures.model import Checkpoint
from fixtures.models.bark.loading import LoadedBark, load
from reports.verdicts.compare import compare
from reports.verdicts.verdict import Attribution
from tests.builders import H200, cell_document, run_of
from tests.fixtures.models import WORK, cell

LAYERS = 2
"""Of the tiny checkpoint."""


def tiny_bark(tiny: Checkpoint, name: str, device: str) -> LoadedBark:
    """The tiny checkpoint, loaded as the cell of this name says."""
    return load(cell(name), tiny, WORK, device)


def why(cell: str, before: CounterReading, after: CounterReading) -> Attribution:
    """Why the cell changed, from counts alone: nothing is timed."""
    gpu = H200 if after.total.gpu else None
    runs = [run_of(document(cell, reading), gpu=gpu) for reading in (before, after)]
    (found,) = compare(*runs, baseline="before").attributions
    return found


def document(cell: str, reading: CounterReading) -> dict[str, Any]:
    """The cell's entry of a run file.

    GPU time is left out: it differs between two passes of so small a model, and no plant is told by it.
    """
    exact = {name: value for name, value in counter_metrics(reading.total).items() if name != "gpu_busy"}
    entry = cell_document(cell, exact)
    entry["extra_info"]["counters"] = reading.record() | {
        "steps": {stage: work.steps for stage, work in WORK.short_work.stages.items()},
        "scale": {},
    }
    return entry
