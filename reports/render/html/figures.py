"""A chart as data: what plotly.js draws, a sentence that says what it shows, and the same numbers as a table.

Colours are left to the page, which knows whether it is light, dark or printed: a trace names the role it plays.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Role = Literal["run", "baseline", "front", "muted"]
"""What a trace stands for: this run, the baseline, the best cells, everything else."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart. `traces` and `layout` are plotly's; `rows` below `header` hold the same numbers as text."""

    title: str
    summary: str
    traces: Sequence[dict[str, Any]]
    layout: dict[str, Any]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1
    height: int = 340

    def as_json(self) -> dict[str, Any]:
        """The figure for the page's scripts."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Bars:
    """One set of horizontal bars: a value and a hover text a category, None where there is none."""

    name: str
    role: Role
    values: Sequence[float | None]
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Dots:
    """One set of marks at (x, y), each with its hover text; a line joins them where `joined`, `labels` stand beside."""

    name: str
    role: Role
    x: Sequence[float]
    y: Sequence[float]
    texts: Sequence[str] = field(default_factory=tuple)
    joined: bool = False
    labels: Sequence[str] = field(default_factory=tuple)


def plain(text: str) -> str:
    """Text that plotly shows as it is: it reads a few tags and entities in every label."""
    return html.escape(" ".join(text.split()), quote=False)


def bars(categories: Sequence[str], sets: Sequence[Bars], unit: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Traces and layout of horizontal bars, the first category on top."""
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": plain(one.name),
            "meta": {"role": one.role},
            "y": [plain(category) for category in categories],
            "x": list(one.values),
            "text": [plain(text) for text in one.texts],
            "textposition": "none",
            "hoverinfo": "text",
        }
        for one in sets
    ]
    layout = {
        "xaxis": {"title": {"text": plain(unit)}, "rangemode": "tozero"},
        "yaxis": {"type": "category", "autorange": "reversed", "automargin": True},
        "barmode": "group",
    }
    return traces, layout


def dots(sets: Sequence[Dots], x: str, y: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Traces and layout of a scatter; `x` and `y` title the axes, both from zero."""
    traces = [
        {
            "type": "scatter",
            "mode": "+".join([*(["lines"] if one.joined else []), "markers", *(["text"] if one.labels else [])]),
            "name": plain(one.name),
            "meta": {"role": one.role},
            "x": list(one.x),
            "y": list(one.y),
            "text": [plain(text) for text in one.labels],
            "textposition": "top right",
            "hovertext": [plain(text) for text in one.texts],
            "hoverinfo": "text",
        }
        for one in sets
    ]
    axes = {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}}}
    return traces, {name: axis | {"rangemode": "tozero"} for name, axis in axes.items()}


def spreads(
    sets: Sequence[tuple[str, Role, Sequence[float]]], unit: str
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Traces and layout of boxes with every value as a dot: (name, role, values) a box, the first on top."""
    traces = [
        {
            "type": "box",
            "name": plain(name),
            "meta": {"role": role},
            "x": list(values),
            "boxpoints": "all",
            "jitter": 0.5,
            "pointpos": 0,
            "hoverinfo": "x",
        }
        for name, role, values in sets
    ]
    layout = {
        "xaxis": {"title": {"text": plain(unit)}},
        "yaxis": {"type": "category", "autorange": "reversed", "automargin": True},
        "showlegend": False,
    }
    return traces, layout
