"""What a run file says of a model under test: reports cannot import one, and read this in its place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator
from pydantic_core import PydanticCustomError

from reports.records.bounds import Name, Named, Text

MOST = 64
"""Axes of a model, values of an axis, stages, invariants."""

Axes = Mapping[str, str | int]
"""Where a cell lies: axis -> value."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="allow")


class ValueRecord(_Record):
    """One value of an axis. `name` stands in a cell's name, `value` in its axes.

    `compute`: the number format of matrix products, empty where another axis decides. `fused`: attention is one
    operator. `moves_weights`: each generation brings weights from the host.
    """

    name: Name
    value: Name | int
    compute: Name = ""
    fused: bool = False
    moves_weights: bool = False


class AxisRecord(_Record):
    """One axis, its values in order. `optimizes`: they do the same work, the first without any optimization.

    `checkpoint`: its values name the weights.
    """

    name: Name
    values: list[ValueRecord] = Field(min_length=1, max_length=MOST)
    optimizes: bool = True
    checkpoint: bool = False


class InvariantRecord(_Record):
    """A metric of cells with `value` on an axis must lie below `bound` times that of the cells with `other`.

    All other axes are equal. Where `metrics` names several, the first that both cells have is judged. `above` turns
    the comparison round; `needs_gpu`: a shared CPU's wall time proves nothing.
    """

    axis: Name
    value: Name | int
    other: Name | int
    metrics: list[Name] = Field(min_length=1, max_length=MOST)
    why: Text
    bound: FiniteFloat = 1.0
    above: bool = False
    needs_gpu: bool = False


class PublishedRow(_Record):
    """One printed row and the axis values it stands for, those of its source apart.

    `latency_s`: seconds a generation; `peak_mb`: peak memory, 1e6 B; `throughput`: samples/s, None where not printed.
    `percents`: the relative table's row (latency, memory, throughput), whole percents; None where there is no such
    table. `incomparable_peak`: why the printed memory is not this row's, empty where it is.
    """

    axes: dict[Name, Name | int] = Field(max_length=MOST)
    latency_s: FiniteFloat = Field(gt=0)
    peak_mb: FiniteFloat = Field(gt=0)
    throughput: FiniteFloat | None = None
    percents: tuple[int, int, int | None] | None = None
    incomparable_peak: Text = ""

    @property
    def batch(self) -> int:
        """Samples a generation."""
        batch = self.axes.get("batch", 1)
        return batch if isinstance(batch, int) else 1

    @property
    def values(self) -> tuple[float | None, ...]:
        """Latency (s), peak memory (B), throughput (samples/s)."""
        return (self.latency_s, self.peak_mb * 1e6, self.throughput)

    @property
    def changes(self) -> tuple[float | None, ...] | None:
        """The relative table's row as fractions (-27 % is -0.27), in the order of `values`."""
        if self.percents is None:
            return None
        return tuple(None if percent is None else percent / 100 for percent in self.percents)


class PublishedSource(_Record):
    """Where figures of a model were published. `protocol`: on which card they were measured, and how.

    `axes`: what all rows have in common, beside the values without optimization. `tokens`: stage -> the most tokens
    that a sample had in it.
    """

    name: Text
    url: Text
    protocol: Text
    axes: dict[Name, Name | int] = Field(default_factory=dict, max_length=MOST)
    tokens: Named[int] = Field(default_factory=dict)
    rows: list[PublishedRow] = Field(min_length=1, max_length=MOST)

    @property
    def link(self) -> str:
        """Where it can be read; empty for anything but a plain address, as anybody may have written the file."""
        return self.url if re.fullmatch(r"https://[\w.~/?#=&%+:-]+", self.url, re.ASCII) else ""


class ModelRecord(_Record):
    """A model. `steps`: stage -> what a pass of its model is called, of stages that make several.

    `label`: the optimizing axes in the order in which a cell's label names them; that of the axes, unless said.
    `stage_ratio`: two stages whose steps are set against each other. `published`: the figures of others that a run is
    shown beside, the main source first.
    """

    name: Name
    axes: list[AxisRecord] = Field(min_length=1, max_length=MOST)
    stages: list[Name] = Field(default_factory=list, max_length=MOST)
    steps: Named[Name] = Field(default_factory=dict)
    label: list[Name] = Field(default_factory=list, max_length=MOST)
    stage_ratio: list[Name] = Field(default_factory=list, max_length=2)
    invariants: list[InvariantRecord] = Field(default_factory=list, max_length=MOST)
    published: list[PublishedSource] = Field(default_factory=list, max_length=MOST)

    @model_validator(mode="after")
    def _published_rows_are_cells(self) -> ModelRecord:
        for source in self.published:
            for row in source.rows:
                axes = self.axes_of(source, row)
                flaw = self.flaw(axes) or self.unknown_value(axes)
                if flaw:
                    raise PydanticCustomError(
                        "published_row", "a row of {source}: {flaw}", {"source": source.name, "flaw": flaw}
                    )
        return self

    def axes_of(self, source: PublishedSource, row: PublishedRow) -> dict[str, str | int]:
        """All axes of the cell that a published row stands for."""
        return self.plain() | source.axes | row.axes

    def name_of(self, axes: Axes) -> str:
        """The identifier that the matrix gives to a cell with these axes."""
        names = {(axis.name, value.value): value.name for axis in self.axes for value in axis.values}
        return "-".join(names[axis.name, axes[axis.name]] for axis in self.axes)

    def plain(self) -> dict[str, str | int]:
        """Each optimizing axis -> its value without any optimization."""
        return {axis.name: axis.values[0].value for axis in self.axes if axis.optimizes}

    def label_of(self, axes: Axes) -> str:
        """A cell's optimizations, as in `cpu_offload + sdpa + fp16`; `no optimization` for none."""
        plain = self.plain()
        order = self.label or list(plain)
        return " + ".join(str(axes[axis]) for axis in order if axes[axis] != plain[axis]) or "no optimization"

    def optimizations(self, axes: Axes) -> int:
        """How many optimizations a cell combines."""
        return sum(axes[axis] != plain for axis, plain in self.plain().items())

    def group_of(self, axes: Axes) -> str:
        """What cells that do the same work are shown under: `small, batch 8`."""
        work = [axes[axis.name] for axis in self.axes if not axis.optimizes]
        names = [axis.name for axis in self.axes if not axis.optimizes]
        shown = [
            f"{name} {value}" if isinstance(value, int) else value for name, value in zip(names, work, strict=True)
        ]
        return ", ".join(shown) or self.name

    def rank(self, axes: Axes) -> tuple[int, ...]:
        """Where a cell's group stands among others: by the order of the values on each axis of the work."""
        return tuple(
            next((at for at, value in enumerate(axis.values) if value.value == axes[axis.name]), len(axis.values))
            for axis in self.axes
            if not axis.optimizes
        )

    def checkpoint_of(self, axes: Axes) -> str:
        """The short name of a cell's weights."""
        return next((str(axes[axis.name]) for axis in self.axes if axis.checkpoint), self.name)

    def traits(self, axes: Axes) -> list[ValueRecord]:
        """What is known of the cell's values."""
        return [value for axis in self.axes for value in axis.values if value.value == axes[axis.name]]

    def values_in(self, cell: str) -> dict[str, str | int]:
        """The axes of a cell by its name, all that is known of one that was not measured; empty for another's name."""
        names = (cell[:-1].rpartition("[")[2] if cell.endswith("]") else cell).split("-")
        if len(names) != len(self.axes):
            return {}
        known = [{value.name: value.value for value in axis.values} for axis in self.axes]
        return {axis.name: values.get(name, name) for axis, values, name in zip(self.axes, known, names, strict=True)}

    def flaw(self, axes: Axes) -> str:
        """Why these are no axes of a cell of the model; empty where they are."""
        expected = [axis.name for axis in self.axes]
        if sorted(axes) != sorted(expected):
            return f"its axes are {', '.join(axes) or 'none'}, those of {self.name} are {', '.join(expected)}"
        return ""

    def unknown_value(self, axes: Axes) -> str:
        """Which of these values its axis does not have; empty where there is none."""
        for axis in self.axes:
            if axes[axis.name] not in [value.value for value in axis.values]:
                return f"{axis.name} has no value {axes[axis.name]}"
        return ""


def schema_1_models() -> dict[str, dict[str, Any]]:
    """The one model of files of schema 1, which say nothing of it, as it was then."""
    content: dict[str, Any] = json.loads(Path(__file__).with_name("schema_1_model.json").read_text(encoding="utf-8"))
    return {content["name"]: content}


def upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """A document of schema 1 as one of schema 2."""
    ((name, model),) = schema_1_models().items()

    def described(info: Any) -> Any:
        if not isinstance(info, dict) or "cell" not in info:
            return info
        batch = info["axes"].get("batch", 1) if isinstance(info.get("axes"), dict) else 1
        workload = info.get("workload")
        more = {"workload": {"batch": batch, **workload}} if isinstance(workload, dict) else {}
        against = info.get("against")
        if isinstance(against, dict) and isinstance(against.get("record"), dict):
            more["against"] = against | {"record": described(against["record"])}
        return {"model": name, **info, **more}

    benchmarks = [
        {**entry, "extra_info": described(entry.get("extra_info"))} if isinstance(entry, dict) else entry
        for entry in document["benchmarks"]
    ]
    suite = document["suite"] | {"schema_version": 2, "models": {name: model}}
    return document | {"benchmarks": benchmarks, "suite": suite}
