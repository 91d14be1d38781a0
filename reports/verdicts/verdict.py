"""A verdict on one cell and metric, what a cell's verdicts come from, and all verdicts of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from reports.verdicts.rules import FAILING, Status

Judge = Literal["baseline", "invariant", "paired"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One comparison. `metric` is empty where it is about the whole cell; values are in the metric's unit."""

    cell: str
    metric: str
    status: Status
    reason: str
    base: float | None = None
    head: float | None = None
    change: float | None = None
    threshold: float | None = None
    gated: bool = True
    smallest_change: float | None = None
    """The smallest relative change that this comparison could have seen; None where nothing was compared."""
    judged_by: Judge = "baseline"
    """What the cell was held against: the baseline, what must hold within any run (a metric may fail by both), or
    rounds of another live process interleaved with its own."""
    moved: tuple[tuple[str, float], ...] = ()
    """Of an exact metric that is the same in all: (part, how much more of it there), those with less first; empty where
    no part changed. It is for reading only: the totals gate."""

    @property
    def fails(self) -> bool:
        """Whether this verdict fails the run."""
        return self.gated and self.status in FAILING


@dataclass(frozen=True, slots=True)
class Cause:
    """One line of what changed in a cell.

    `shares`: part of the generation -> its share of the change; values are in `unit`, of the counted generation unless
    they are latencies. `per_step`: the difference a pass of the one part's model (a token of the semantic and coarse
    stages); None where there is no one part, or its passes are not known.
    """

    what: str
    unit: str
    base: float
    head: float
    shares: Mapping[str, float]
    per_step: float | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """Why a cell's verdicts are what they are: one sentence, and the numbers behind it.

    `stage` carries the change, empty where nothing that is counted did. `busy_share`: share of this run's latency in
    which the GPU computes; `bound`: `host` or `GPU` by it, empty where it is not known. `changed`: versions.
    """

    cell: str
    sentence: str
    stage: str
    busy_share: float | None
    bound: str
    changed: tuple[str, ...]
    rows: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All verdicts of a run against a baseline, and what else changed between the two."""

    verdicts: tuple[Verdict, ...]
    changed: tuple[str, ...]
    baseline: str
    problem: str = ""
    """Why the comparison as a whole fails although no verdict does: it had nothing to compare."""
    against: str = ""
    """The base's name, for a run with `--against`."""
    other_tree: bool = False
    """Whether that side ran another checkout of the suite."""
    attributions: tuple[Attribution, ...] = ()
    """Of the cells that moved and whose counters are in both records, in the run's order."""

    @property
    def failures(self) -> list[Verdict]:
        """The verdicts that fail the run."""
        return [verdict for verdict in self.verdicts if verdict.fails]

    @property
    def failed(self) -> bool:
        """Whether the run must not pass."""
        return bool(self.failures or self.problem)

    def counts(self) -> Counter[Status]:
        """How many verdicts of each status."""
        return Counter(verdict.status for verdict in self.verdicts)
