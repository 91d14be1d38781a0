"""What a comparison says in words: the headline, the counts, the verdicts worth showing, the next command."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from reports.characters import visible
from reports.records.metrics import METRICS
from reports.records.schema import CellRecord, RunFile
from reports.records.units import step
from reports.verdicts.rules import Status
from reports.verdicts.verdict import Attribution, Comparison, Verdict

QUIET = frozenset({Status.SAME})
"""Statuses that are counted but not listed."""

CHANGED = 20
"""Versions that are named: an upgrade of everything changes about ten."""


def sentence(verdict: Verdict) -> str:
    """One verdict as a line: cell, metric, both values, the change, the threshold or the reason."""
    if not verdict.metric:
        return visible(f"{verdict.cell}: {verdict.status}: {verdict.reason}")
    unit = METRICS[verdict.metric].unit
    numbers = step(verdict.base, verdict.head, unit)
    advisory = "" if verdict.gated else " (not gated)"
    if verdict.status is Status.UNCLEAR and verdict.smallest_change is not None:
        advisory += f" (changes below {verdict.smallest_change:.0%} cannot be seen)"
    status = f"{verdict.status}, paired" if verdict.judged_by == "paired" else str(verdict.status)
    return visible(f"{verdict.cell}: {verdict.metric} {status}{advisory}: {numbers}, {verdict.reason}")


def reason(verdict: Verdict) -> str:
    """Why a verdict is what it is, and how its metric moved between the stages where it is the same in all."""
    moved = ", ".join(f"{part} {by:+,.0f}" for part, by in verdict.moved)
    return visible(f"{verdict.reason}; moved between stages: {moved}" if moved else verdict.reason)


def cell_message(verdicts: Sequence[Verdict], why: Attribution | None = None) -> str:
    """The failure message of a cell's test: every verdict that fails it, the others that moved, then why."""
    failing = [verdict for verdict in verdicts if verdict.fails]
    others = [verdict for verdict in verdicts if not verdict.fails and verdict.status in (Status.WORSE, Status.BETTER)]
    lines = [sentence(verdict) for verdict in (*failing, *others)]
    return "\n".join([*lines, because(why)] if why else lines)


def properties(cell: CellRecord, verdicts: Sequence[Verdict]) -> list[tuple[str, str]]:
    """A cell as the properties of a JUnit test case: metric -> value and unit, to the last digit; then its verdicts.

    `verdicts` counts them by status; `worse`, `better` and so on each hold a sentence.
    """
    found = [(name, f"{repr(one.value).removesuffix('.0')} {one.unit}".rstrip()) for name, one in cell.metrics.items()]
    if verdicts:
        found.append(("verdicts", tallied(Counter(verdict.status for verdict in verdicts))))
    return found + [(str(one.status), sentence(one)) for one in verdicts if one.status not in QUIET]


def because(why: Attribution) -> str:
    """Why a cell's verdicts are what they are, as a line."""
    return visible(f"why: {why.sentence}")


def headline(comparison: Comparison) -> str:
    """One line: what the run came to."""
    return visible(_headline(comparison))


def _headline(comparison: Comparison) -> str:
    cells = len({verdict.cell for verdict in comparison.failures})
    found = Counter(verdict.status for verdict in comparison.failures)
    failing = ", ".join(f"{number} {status}" for status, number in found.items()) + f" in {cells} cells"
    if comparison.problem:
        return f"FAILED: {comparison.problem}" + (f"; and all the same {failing}" if cells else "")
    if cells:
        return f"FAILED: {failing}, against {comparison.baseline}"
    unjudged = Counter(v.metric or "cell" for v in comparison.verdicts if v.gated and v.status is Status.INCOMPARABLE)
    but = f"; not comparable: {', '.join(f'{n} {name}' for name, n in unjudged.items())}" if unjudged else ""
    unclear = Counter(v.metric for v in comparison.verdicts if v.gated and v.status is Status.UNCLEAR)
    but += f"; unclear: {', '.join(f'{n} {name}' for name, n in unclear.items())}" if unclear else ""
    return f"passed: no regression against {comparison.baseline}{but}"


def alone(failures: Sequence[Verdict]) -> str:
    """One line for a run that is held against no baseline: what failed in itself, which comes first, if anything."""
    cells = sum(verdict.judged_by != "invariant" for verdict in failures)
    invariants = len(failures) - cells
    found = [f"{cells} cell{'s' if cells > 1 else ''} could not be measured"] if cells else []
    found += [f"{invariants} invariant{'s are' if invariants > 1 else ' is'} broken"] if invariants else []
    return f"FAILED: {', '.join(found)}; not compared with a baseline" if found else "Not compared with a baseline"


def counts(comparison: Comparison) -> str:
    """How many verdicts of each status, in the order of `Status`, and on how many cells."""
    tally = comparison.counts()
    cells = len({verdict.cell for verdict in comparison.verdicts})
    return f"{cells} cells, {tally.total()} verdicts: {tallied(tally)}" if tally.total() else "no verdicts"


def tallied(tally: Counter[Status]) -> str:
    """`2 worse, 12 same`, in the order of `Status`."""
    return ", ".join(f"{tally[status]} {status}" for status in Status if tally[status])


def listed(comparison: Comparison) -> list[Verdict]:
    """The verdicts to show one by one: failures first, then what else moved among the gated metrics."""
    rest = [
        verdict
        for verdict in comparison.verdicts
        if verdict.gated and not verdict.fails and verdict.status not in QUIET | {Status.INCOMPARABLE, Status.NEW}
    ]
    return [*comparison.failures, *rest]


def explained(comparison: Comparison) -> Iterator[tuple[Verdict, Attribution | None, bool]]:
    """The verdicts to show one by one; the last of a cell's failing ones, or of all, comes with why.

    The flag says whether the numbers behind it are shown as well: not where the cell only got better, nor where no
    stage carries a change.
    """
    shown = listed(comparison)
    # What failed in itself, such as an invariant of the run, does not come from a change against the baseline.
    moved = [verdict for verdict in shown if verdict.status is not Status.FAILED]
    last = {v.cell: v for v in moved} | {v.cell: v for v in moved if v.fails}
    why = {attribution.cell: attribution for attribution in comparison.attributions}
    doubted = {verdict.cell for verdict in shown if verdict.fails or verdict.status is Status.UNCLEAR}
    for verdict in shown:
        found = why.get(verdict.cell) if last.get(verdict.cell) is verdict else None
        yield verdict, found, bool(found and found.stage and found.rows and verdict.cell in doubted)


def folded(comparison: Comparison) -> list[str]:
    """What is not listed one by one: `incomparable` and `new` by their reason, and what moved without failing.

    That is what is not gated, and what is the same in all but moved from one stage to another.
    """
    groups: Counter[str] = Counter()
    for verdict in comparison.verdicts:
        if verdict.status in (Status.INCOMPARABLE, Status.NEW):
            groups[f"{verdict.status}: {verdict.reason}"] += 1
        elif not verdict.gated and verdict.status not in QUIET:
            groups[f"{verdict.status}, not gated: {verdict.metric}"] += 1
        elif verdict.moved:
            less = ", ".join(part for part, by in verdict.moved if by < 0)
            more = ", ".join(part for part, by in verdict.moved if by > 0)
            groups[f"same in all, moved from {less} to {more}: {verdict.metric}"] += 1
    return [visible(f"{number} {what}") for what, number in groups.items()]


def since(comparison: Comparison) -> str:
    """What `changed` is about, as a sentence begins: it ends where the versions come."""
    return "differs from the base" if comparison.against else "changed since the baseline"


def changed(comparison: Comparison) -> str:
    """What else changed since the baseline, on one line; of many changes the first ones."""
    names = [visible(name) for name in comparison.changed[:CHANGED]]
    rest = len(comparison.changed) - len(names)
    return ", ".join(names) + (f" and {rest:,} more" if rest else "")


def commit(run: RunFile) -> str:
    """The commit that a run measured, and whether anything differed from it."""
    changed = " with changes not committed" if run.commit_info.get("dirty") else ""
    return str(run.commit_info.get("id", "unknown")) + changed


def against_options(comparison: Comparison) -> str:
    """The options that name the base again, their values left to the reader; empty without `--against`."""
    if not comparison.against:
        return ""
    return "--against=PYTHON --against-tree=DIR" if comparison.other_tree else "--against=PYTHON"


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison for programs: every verdict with its numbers, the counts, and whether it failed."""
    return {
        "failed": comparison.failed,
        "problem": comparison.problem,
        "baseline": comparison.baseline,
        "changed": list(comparison.changed),
        "counts": {str(status): number for status, number in comparison.counts().items()},
        "verdicts": [finite(asdict(verdict)) for verdict in comparison.verdicts],
        "attributions": [finite(asdict(attribution)) for attribution in comparison.attributions],
    }


def finite(value: Any) -> Any:
    """The value as JSON can hold it: the ratio of two absurd numbers, beyond any float, is null."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
