"""What a run was measured with, and what of it differs from the baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.records.schema import CellRecord, Outcome, RunFile
from reports.render import summary
from reports.render.html.report import Report

MOST_REASONS = 500
"""Reasons that are listed one by one; every cell's own is in its row of the matrix."""

GROUPS = ("gpu", "host", "software")
"""Groups of an environment, in the order shown; what else `machine_info` holds is pytest-benchmark's own."""


@dataclass(frozen=True, slots=True)
class Row:
    """One field. `base` is empty where there is no baseline."""

    name: str
    head: str
    base: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Environment:
    """`unmeasured`: (cells, outcome, reason) of the cells without a measurement."""

    rows: Sequence[Row]
    has_baseline: bool
    differing: int
    warnings: Sequence[str]
    unmeasured: Sequence[tuple[str, str, str]]


def environment(report: Report) -> Environment:
    """The environments of a run's cells beside those of the baseline's same cells."""
    run, base = report.run, report.baseline
    cells, theirs = run.cells, base.cells if base else {}
    head = _fields(run, cells.values())
    before = _fields(base, [theirs[cell] for cell in theirs if cell in cells] or theirs.values()) if base else {}
    names = list(dict.fromkeys([*head, *before]))
    rows = [
        Row(name, head.get(name, "-"), before.get(name, "-"), bool(base) and head.get(name) != before.get(name))
        for name in names
    ]
    reasons = Counter(
        (outcome.outcome, outcome.reason)
        for outcome in run.suite.cells
        if outcome.outcome not in ("measured", "not asked for")
    )
    return Environment(
        rows,
        base is not None,
        sum(row.differs for row in rows),
        run.suite.warnings,
        _reasons(reasons),
    )


def _reasons(found: Counter[tuple[Outcome, str]]) -> list[tuple[str, str, str]]:
    """The commonest reasons, and what the others come to."""
    named = found.most_common(MOST_REASONS) if len(found) > MOST_REASONS else list(found.items())
    rows: list[tuple[str, str, str]] = [(str(number), outcome, reason) for (outcome, reason), number in named]
    rest = found.total() - sum(number for _, number in named)
    return [*rows, (str(rest), "…", f"{len(found) - len(named):,} more reasons: see the matrix")] if rest else rows


def _fields(run: RunFile, cells: Iterable[CellRecord]) -> dict[str, str]:
    """Field -> value; the values of cells that were measured in different environments stand together."""
    records = sorted(cells, key=lambda record: record.cell)
    environments = list({record.environment: run.environment_of(record) for record in records}.values())
    found: dict[str, list[str]] = {}
    for group in GROUPS:
        for environment in environments or [run.machine_info]:
            for name, value in _flat(group, environment.get(group)):
                found.setdefault(name, []).append(value)
    for record in records:
        checkpoint = f"{record.checkpoint.source} {record.checkpoint.digest}"
        found.setdefault(f"{record.checkpoint_name} checkpoint", []).append(checkpoint)
    whole = {
        "commit": summary.commit(run),
        "measured": run.datetime,
        "level": run.suite.level,
        "lane": run.suite.lane,
        "overrides": ", ".join(f"{name} {value:g}" for name, value in run.suite.overrides.items()) or "none",
    }
    return {name: "; ".join(sorted(set(values))) for name, values in found.items()} | whole


def _flat(group: str, fields: Any) -> Iterable[tuple[str, str]]:
    if not isinstance(fields, Mapping):
        return [(group, "none")]
    # A package is known by its own name; what a GPU and a host have says whose it is.
    return [
        (name if group == "software" else f"{group} {name.replace('_', ' ')}", str(value))
        for name, value in fields.items()
    ]
