"""A cell's record beside its baseline's, both with counters, as what explains a change looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from reports.records.counters import CountersRecord
from reports.records.metrics import unit
from reports.records.schema import CellRecord
from reports.verdicts.rules import Status
from reports.verdicts.shares import between_parts, by_stage, shares

TIMES = ("latency", "step_latency")
COUNTED = (
    "host_syncs", "kernel_launches", "launch_calls", "aten_calls", "python_calls", "copies", "copied", "allocations",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records of one cell. `compared`: gated metric -> its status. `steps`: as in the counters' record.

    `interleaved`: the time metrics that interleaved rounds judged -> what both sides took there, seconds. The two
    records were then timed minutes apart, so that neither their stages' times nor the card's clocks explain that
    verdict.
    """

    base: CellRecord
    head: CellRecord
    compared: Mapping[str, Status]
    steps: Mapping[str, int]
    interleaved: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def counted_base(self) -> CountersRecord:
        """The baseline's counters."""
        return _counters(self.base)

    @property
    def counted_head(self) -> CountersRecord:
        """The run's counters."""
        return _counters(self.head)

    @property
    def moved(self) -> set[str]:
        """Metrics that are not the same, or may not be."""
        return {metric for metric, status in self.compared.items() if status is not Status.SAME}

    def same(self, metric: str) -> bool:
        """Whether a metric was compared and is the same."""
        return self.compared.get(metric) is Status.SAME

    @property
    def shifted(self) -> dict[str, tuple[tuple[str, float], ...]]:
        """Counters that are the same in all and not in their parts -> (part, how much more of it there)."""
        parts = {metric: between_parts(self.base, self.head, metric) for metric in COUNTED if self.same(metric)}
        return {metric: moved for metric, moved in parts.items() if moved}

    @property
    def time(self) -> str:
        """`latency` where the stages tell why a round or step got better or worse for certain, else empty."""
        return "latency" if self.direction and not self.interleaved else ""

    @property
    def card_clocks_mhz(self) -> tuple[float, float] | None:
        """Median clock of the card's multiprocessors in the rounds, the baseline's and the run's.

        None where it is not known, or not that of the rounds that were judged.
        """
        if self.interleaved:
            return None
        base, head = self.base.rounds.sm_clock_mhz, self.head.rounds.sm_clock_mhz
        return (median(base), median(head)) if base and head else None

    @property
    def direction(self) -> str:
        """How a sentence about the cell begins: empty where its time is the same or unclear."""
        for metric in reversed(TIMES):
            if self.compared.get(metric) in (Status.WORSE, Status.BETTER):
                return "slower: " if self.compared[metric] is Status.WORSE else "faster: "
        return ""

    def difference(self, metric: str, part: str) -> float:
        """More of a metric in one part of the run than in the baseline's."""
        return self.differences(metric).get(part, 0)

    def differences(self, metric: str) -> dict[str, float]:
        """Part -> more of a metric in it than in the baseline's."""
        before, after = by_stage(self.base, metric), by_stage(self.head, metric)
        return {part: after.get(part, 0) - before.get(part, 0) for part in {**before, **after}}

    def shares(self, metric: str) -> dict[str, float]:
        """Part -> its share of the change of a metric, largest first."""
        return shares(by_stage(self.base, metric), by_stage(self.head, metric))

    def lead(self, metric: str) -> str:
        """The part that carries most of a metric's change; empty where no part changed."""
        return next(iter(self.shares(metric)), "")

    def unit(self, metric: str) -> str:
        """The unit of a metric."""
        return unit(metric)

    def per_step(self, part: str, difference: float) -> float | None:
        """A difference of the counted generation, a pass of the part's model; None where those are not known."""
        return difference / self.steps[part] if part in self.steps else None

    def rate(self, part: str, difference: float) -> tuple[float, str]:
        """A difference as it is best said: a token or pass, where there is at least one to each, else in all."""
        each = self.per_step(part, difference)
        if part in self.head.of.steps and each is not None and abs(each) >= 1:
            return each, self.head.of.steps[part]
        return difference, "in the counted generation"


def _counters(record: CellRecord) -> CountersRecord:
    if record.counters is None:
        raise ValueError(f"{record.cell} has no counters")
    return record.counters
