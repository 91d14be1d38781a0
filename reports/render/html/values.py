"""Metrics as the page shows them: by the metric table, or by the record's own unit where the table has no such row."""

from __future__ import annotations

from collections.abc import Mapping

from reports.records.metrics import METRICS
from reports.records.schema import CellRecord, MetricValue
from reports.records.units import quantity

FIDELITY = ("logit_error_mean", "logit_error_max", "top1_agreement", "stft_distance")
"""How far a cell's output has drifted from the unoptimized model's."""

LIMIT = "limit_ratio"
"""How many times its lower bound (`FLOOR`, seconds) a cell or stage takes; in run files that know the bound."""

FLOOR = "floor"


def value(metrics: Mapping[str, MetricValue], name: str) -> float | None:
    """A metric's value; None where it was not measured."""
    return metrics[name].value if name in metrics else None


def shown(metrics: Mapping[str, MetricValue], name: str) -> str:
    """A metric's value with its unit, a dash where it was not measured."""
    if name not in metrics:
        return "-"
    found = metrics[name]
    return quantity(found.value, unit(name, found))


def unit(name: str, found: MetricValue) -> str:
    """The unit of a metric."""
    return METRICS[name].unit if name in METRICS else found.unit


def title(name: str) -> str:
    """A metric's name as a heading: `peak allocated`."""
    return name.replace("_", " ")


def measured_by(records: Mapping[str, CellRecord], names: tuple[str, ...]) -> tuple[str, ...]:
    """Those metrics that at least one of the cells has, in the order given."""
    return tuple(name for name in names if any(name in record.metrics for record in records.values()))
