"""Every measured cell of a history as columns, for metrics that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.records.metrics import METRICS, Metric
from reports.records.store import Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Setting:
    """What a cell was measured with: its work, its weights, and where (`environment`: JSON of gpu, host, software)."""

    cell: str
    workload: str
    checkpoint: str
    weights: str
    environment: str
    lane: str


@dataclass(frozen=True, slots=True)
class Measurements:
    """Measured cells, in the order of their files' paths: arrays of one length.

    Attributes:
        settings: those that occur.
        setting: counts in `settings`.
        place: of the run, as in `StoredRun`.
        rounds: a fingerprint of the timed rounds.
        values: metric -> value in the unit of the metric table; NaN where the cell lacks it.
    """

    settings: tuple[Setting, ...]
    setting: NDArray[np.int64]
    place: NDArray[np.int64]
    rounds: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]


_SETTINGS = (
    "CREATE OR REPLACE TEMP TABLE settings AS SELECT row_number() OVER () - 1 AS id, * FROM "
    "(SELECT DISTINCT cell, workload, checkpoint, weights, environment, lane FROM cells WHERE cell IS NOT NULL)"
)


def measurements(store: Store, metrics: Sequence[Metric]) -> Measurements:
    """Every measured cell of every run in a store, with these metrics."""
    connection = store.connection
    connection.execute(_SETTINGS)
    found = connection.execute(
        "SELECT cell, workload, checkpoint, weights, environment, lane FROM settings ORDER BY id"
    )
    settings = tuple(Setting(*row) for row in found.fetchall())
    # Names are those of the metric table; a metric of no other origin comes into the statement.
    names = [name for name in METRICS if any(metric.name == name for metric in metrics)]
    values = "".join(f', coalesce(metrics."{name}", \'nan\'::DOUBLE) AS "{name}"' for name in names)
    columns = connection.execute(
        f"SELECT place::BIGINT AS place, id::BIGINT AS id, rounds{values} FROM cells "  # noqa: S608
        "JOIN settings USING (cell, workload, checkpoint, weights, environment, lane) ORDER BY place"
    ).fetchnumpy()
    return Measurements(
        settings=settings,
        setting=columns["id"],
        place=columns["place"],
        rounds=columns["rounds"],
        values={name: columns[name] for name in names},
    )
