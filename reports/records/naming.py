"""What a cell's name says of it: all that is known of a cell that was not measured."""

from __future__ import annotations

from reports.records.schema import Axes

AXES: tuple[str, ...] = tuple(Axes.model_fields)
"""The axes, in the order of a cell's name."""


def values_in(cell: str) -> tuple[str, ...]:
    """The axis values in the name of a cell, the batch without its word; empty where it has not as many parts."""
    parts = cell.split("-")
    return (*parts[:-1], parts[-1].removeprefix("batch")) if len(parts) == len(AXES) else ()
