"""What accepting a run changed in its baseline, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from reports.records.baselines import Change
from reports.records.metrics import METRICS
from reports.records.units import step
from reports.verdicts.compare import percent

ORDER = {"replaced": 1, "added": 2, "removed": 3, "kept": 4}

STILL = {"replaced": "in which no gated metric moved", "kept": "that the baseline holds already"}


def lines(changes: Iterable[Change]) -> list[str]:
    """A line a cell: those that got worse or lost a metric first, then those that only got better, then new and gone.

    Cells in which nothing moved are only counted.
    """
    told = sorted(changes, key=lambda change: 0 if change.worse or change.lost else ORDER[change.action])
    found: list[str] = []
    still: Counter[str] = Counter()
    for change in told:
        if change.action in STILL and not change.moved and not change.lost:
            still[change.action] += 1
        else:
            found.append(sentence(change))
    for action, what in STILL.items():
        if still[action]:
            found.append(f"{action} {still[action]} cell{'s' if still[action] > 1 else ''} {what}")
    return found


def sentence(change: Change) -> str:
    """One cell: what became of it, and the gated metrics that got worse or better, by however little."""
    rounds = f" ({change.rounds} timed rounds)" if change.action in ("added", "replaced") else ""
    better = [name for name in change.moved if name not in change.worse]
    parts = [
        f"{direction} {', '.join(_moved(change, name) for name in names)}"
        for direction, names in (("worse", change.worse), ("better", better))
        if names
    ]
    if change.lost:
        parts.insert(0, f"not gated any more: {', '.join(change.lost)}")
    return f"{change.action} {change.cell}{rounds}" + (f": {'; '.join(parts)}" if parts else "")


def _moved(change: Change, name: str) -> str:
    before, after = change.moved[name]
    relative = percent((after - before) / abs(before) if before else None)
    return f"{name} {step(before, after, METRICS[name].unit)} ({relative})"
