"""Thresholds of the metric table, overridden in pyproject.toml for some cells, for a time, and for a reason.

[[tool.bark-benchmarks.thresholds]]
metric = "peak_allocated"
cells = "large-*-cpu_offload-*"  # a pattern of cell names; all cells where it is left out
threshold = 0.02  # the relative change that is still "same"
reason = "accelerate 1.16 keeps one buffer more, issue 12"
expires = 2026-12-31
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reports.errors import ReportError, explained
from reports.records.bounds import Name, Text
from reports.records.metrics import METRICS

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
SECTION = "tool.bark-benchmarks.thresholds"


class Override(BaseModel):
    """One entry: the relative change of `metric` that is still `same` for cells that match, until `expires`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: Name
    cells: Name = "*"
    threshold: float = Field(ge=0, allow_inf_nan=False, strict=True)
    reason: Text = Field(min_length=1, pattern=r"\S")
    expires: datetime.date = Field(strict=True)

    def describe(self) -> str:
        """The entry in a few words."""
        return f"{self.metric} of {self.cells} at {self.threshold:.1%} until {self.expires} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Overrides:
    """The entries in the order of the file; of several that match, the last counts."""

    entries: Sequence[Override] = ()

    def find(self, metric: str, cell: str) -> Override | None:
        """The entry for a metric of a cell, if there is one."""
        matching = [entry for entry in self.entries if entry.metric == metric and fnmatchcase(cell, entry.cells)]
        return matching[-1] if matching else None


NONE = Overrides()


def overrides(pyproject: Path = PYPROJECT, today: datetime.date | None = None) -> Overrides:
    """The overrides in a pyproject.toml (this repository's); none where it has none.

    Args:
        pyproject: the file.
        today: the day that entries must not have expired by; the current one if None.

    Raises:
        ReportError: the file is not TOML, an entry is not what it must be, or one has expired.
    """
    try:
        content = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return NONE
    except (OSError, ValueError, RecursionError) as error:
        raise ReportError(f"cannot read thresholds from {pyproject}: {explained(error)}") from error
    section: Any = content
    for key in SECTION.split("."):
        if isinstance(section, dict) and key not in section:
            return NONE
        section = section[key] if isinstance(section, dict) else None
    if not isinstance(section, list):
        raise ReportError(f"{SECTION} in {pyproject} is not an array of tables: write each entry under [[{SECTION}]]")
    found = Overrides(tuple(_entry(item, number, pyproject) for number, item in enumerate(section, 1)))
    for entry in found.entries:
        if entry.expires < (today or datetime.date.today()):
            raise ReportError(
                f"the threshold override {entry.describe()} in {pyproject} has expired: accept a baseline that needs "
                "no override and remove it, or renew it with a reason that holds today"
            )
    return found


def _entry(item: Any, number: int, pyproject: Path) -> Override:
    where = f"entry {number} of [[{SECTION}]] in {pyproject}"
    try:
        entry = Override.model_validate(item)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ReportError(f"{where}: {place}: {first['msg']}") from error
    if entry.metric not in METRICS:
        raise ReportError(f"{where}: unknown metric {entry.metric!r}; choose from {', '.join(METRICS)}")
    return entry
