"""What workers that measure at once do to each other, as a terminal table, as Markdown, and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports.records.metrics import METRICS
from reports.records.units import change, step
from reports.render import markdown
from reports.verdicts.interference import SHOWN, Effect, Interference, Row, Side

TITLES = {
    "step_latency": "floor of a decoding step",
    "latency": "floor of the latency",
    "gpu_busy": "GPU busy time",
    "host_probe": "host probe",
}


def metrics(found: Interference) -> list[str]:
    """The metrics that any cell has."""
    return [name for name in SHOWN if any(name in row.metrics for row in found.rows)]


def cells(row: Row, names: list[str]) -> list[str]:
    """A row as text: the cell, and `alone -> busy (change)` for each metric, with what alone differed by by itself."""
    shown = []
    for name in names:
        pair = row.metrics.get(name)
        text = step(pair.alone, pair.busy, METRICS[name].unit) if pair else "-"
        again = f"; alone {change(pair.drift, 1)}" if pair and pair.drift is not None else ""
        shown.append(f"{text} ({change(pair.change, 1)}{again})" if pair else text)
    return [row.cell, *shown]


def explanation(found: Interference) -> list[str]:
    """What was compared, and each metric's change over all cells."""
    lines = [f"alone: {described(found.alone)}; busy: {described(found.busy)}"]
    lines += [
        f"{TITLES[name]}: {change(effect.median, 1)} in the median of {effect.cells} cells, "
        f"{change(effect.largest, 1)} at most ({effect.cell}){by_itself(effect)}"
        for name, effect in found.effects().items()
    ]
    if all(effect.drift is None for effect in found.effects().values()):
        lines.append(
            "the host may have changed between the two runs: measure the same cells alone once more, and name that run "
            "third, to tell the host's changes from the workers'"
        )
    apart = METRICS["gpu_busy"].across_cards
    if found.other_card and apart and "gpu_busy" in found.effects():
        lines.append(
            f"{found.other_card} of {len(found.rows)} cells were measured on another card than alone: up to "
            f"{apart * 100:g} % of their difference in GPU busy time is that of two cards"
        )
    return [*lines, *(f"left out, {cell}: {why}" for cell, why in found.left_out.items())]


def by_itself(effect: Effect) -> str:
    """What a metric changed by without any other worker, where it is known."""
    if effect.drift is None:
        return ""
    return f"; a cell alone, before and after, differed by up to {effect.drift * 100:.1f} %"


def described(side: Side) -> str:
    """One side's workers."""
    return f"{side.workers} worker{'s' * (side.workers > 1)} with {side.cores} cores{' each' * (side.workers > 1)}"


def terminal(found: Interference) -> RenderableType:
    """For a terminal."""
    names = metrics(found)
    table = Table(box=None, pad_edge=False)
    for index, header in enumerate(["cell", *(TITLES[name] for name in names)]):
        table.add_column(header, justify="left" if index == 0 else "right", overflow="fold")
    for row in found.rows:
        table.add_row(*cells(row, names))
    return Group(table, Text(), *(Text(line) for line in explanation(found)))


def as_markdown(found: Interference) -> str:
    """For a page."""
    names = metrics(found)
    rows = [[markdown.escape(text) for text in cells(row, names)] for row in found.rows]
    lines = [f"- {markdown.escape(line)}" for line in explanation(found)]
    return "\n".join([markdown.table(["cell", *(TITLES[name] for name in names)], rows), "", *lines])


def as_json(found: Interference) -> dict[str, Any]:
    """For programs."""
    effects = {name: asdict(effect) for name, effect in found.effects().items()}
    return asdict(found) | {"effects": effects}
