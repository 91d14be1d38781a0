"""What the counter pass of a cell saw, as the run file holds it: a short generation's counts, in all and by part."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveFloat, PositiveInt

from reports.records.bounds import Named

Number = int | FiniteFloat

COMPOSED: Mapping[str, tuple[str, ...]] = {
    "copies": ("copies_to_device", "copies_to_host", "copies_on_device"),
    "copied": ("copied_to_device_bytes", "copied_to_host_bytes", "copied_on_device_bytes"),
    "gpu_busy": ("gpu_busy_s",),
}
"""Metric -> the counters whose sum it is, where its name is not a counter's own."""


class CountersRecord(BaseModel):
    """Counters of one short generation (fixtures/meters/counters.py).

    - `total`, `parts`: name -> number; of the whole, and of each stage and `other`.
    - `top`: part -> list (`operator_calls`, `kernel_launches`: exact; `kernel_us`: microseconds) -> name -> number.
    - `steps`: stage -> passes of its model in the counted generation; a token each in the semantic and coarse stages.
    - `scale`: stage -> how many times the counted work a timed round does. Both are empty in older run files.
    """

    model_config = ConfigDict(extra="allow")

    total: Named[Number]
    parts: Named[Named[Number]]
    top: Named[Named[Named[Number]]] = Field(default_factory=dict)
    steps: Named[PositiveInt] = Field(default_factory=dict)
    scale: Named[PositiveFloat] = Field(default_factory=dict)

    def by_part(self, metric: str) -> dict[str, float]:
        """Part -> value of a metric, in the metric's unit; only parts in which it was counted."""
        names = COMPOSED.get(metric, (metric,))
        return {
            part: sum(counted[name] for name in names)
            for part, counted in self.parts.items()
            if all(name in counted for name in names)
        }

    def uses(self, part: str, kind: str) -> dict[str, float]:
        """Name -> number in one of the part's lists of what it used most."""
        return dict(self.top.get(part, {}).get(kind, {}))
