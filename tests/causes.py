"""From what the counter pass really saw before and after something was planted, to the sentence about it."""

from __future__ import annotations

from typing import Any

from fixtures.cells import parse
from fixtures.checkpoints.source import Checkpoint
from fixtures.measurement import counter_metrics, steps_of
from fixtures.meters.counters import COUNTED, COUNTER_TOKENS, CounterReading, count
from fixtures.models.bark.loading import LoadedBark, load
from fixtures.models.bark.workload import Workload, expected_tokens, prompts_for
from reports.verdicts.compare import compare
from reports.verdicts.verdict import Attribution
from tests.builders import H200, cell_document, run_of

LAYERS = 2
"""Of the tiny checkpoint."""


def tiny_bark(tiny: Checkpoint, cell: str, device: str) -> LoadedBark:
    """The tiny checkpoint, loaded as the cell says."""
    return load(parse(cell), tiny, Workload("tiny", "synthetic", COUNTER_TOKENS, prompts_for(1)), device)


def counted(ready: LoadedBark) -> CounterReading:
    """One counter pass, as a measurement makes it."""
    return count(ready.model, lambda: ready.generate(COUNTED), ready.device)


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
        "steps": steps_of(expected_tokens(COUNTER_TOKENS)),
        "scale": {},
    }
    return entry
