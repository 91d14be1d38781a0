"""Latency against memory, and the cells that no other beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.records.schema import CellRecord
from reports.records.units import quantity
from reports.render.html import figures, values
from reports.render.html.figures import Dots, Figure, Role
from reports.render.html.report import Report
from reports.verdicts import pareto


@dataclass(frozen=True, slots=True)
class Place:
    """A cell in the plane of latency (s) and peak memory (B)."""

    label: str
    latency_s: float
    peak_bytes: float


def tradeoffs(report: Report) -> list[Figure]:
    """A chart for each checkpoint and batch size with at least two cells."""
    groups: dict[str, list[CellRecord]] = {}
    for record in report.run.cells.values():
        if record.test:
            continue
        groups.setdefault(record.group, []).append(record)
    return [
        _figure(f"{group}: latency against memory", [_place(record) for record in records])
        for group, records in sorted(groups.items())
        if len(records) > 1
    ]


def front(places: Sequence[Place]) -> list[Place]:
    """The places that no other beats, fastest first."""
    return pareto.front(places, lambda place: (place.latency_s, place.peak_bytes))


def _place(record: CellRecord) -> Place:
    metrics = record.metrics
    return Place(record.label, metrics["latency"].value, metrics["peak_allocated"].value)


def _figure(title: str, places: Sequence[Place]) -> Figure:
    best = front(places)
    unbeaten = set(best)
    rest = [place for place in places if place not in unbeaten]
    sets = [_dots("Pareto front", "front", best, joined=True), _dots("beaten by another", "muted", rest)]
    traces, layout = figures.dots(sets, "latency (s)", "peak memory (MB)")
    fastest, smallest = best[0], best[-1]
    summary = (
        f"{len(best)} of {len(places)} cells are on the front: from {fastest.label} ({_at(fastest)}) "
        f"to {smallest.label} ({_at(smallest)})."
        if len(best) > 1
        else f"{fastest.label} is both the fastest and the smallest ({_at(fastest)})."
    )
    ordered = sorted(places, key=lambda place: place.latency_s)
    rows = [
        [
            place.label,
            quantity(place.latency_s, "s"),
            quantity(place.peak_bytes, "B"),
            "on the front" if place in unbeaten else "",
        ]
        for place in ordered
    ]
    header = ("cell", *(values.title(name) for name in ("latency", "peak_allocated")), "Pareto front")
    return Figure(title, summary, traces, layout, header, rows, height=420)


def _at(place: Place) -> str:
    return f"{quantity(place.latency_s, 's')}, {quantity(place.peak_bytes, 'B')}"


def _dots(name: str, role: Role, places: Sequence[Place], *, joined: bool = False) -> Dots:
    return Dots(
        name,
        role,
        [place.latency_s for place in places],
        [place.peak_bytes / 1e6 for place in places],
        [f"{place.label}: {_at(place)}" for place in places],
        joined,
        [place.label for place in places] if joined else [],
    )
