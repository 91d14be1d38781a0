"""Thresholds of the metric table, overridden in pyproject.toml under [tool.bark-benchmarks.thresholds]."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from reports.errors import ReportError
from reports.records.metrics import METRICS

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
SECTION = "tool.bark-benchmarks.thresholds"


def overrides(pyproject: Path = PYPROJECT) -> dict[str, float]:
    """Metric name -> relative threshold, from a pyproject.toml (this repository's); empty where it has none.

    Raises:
        ReportError: the file is not TOML, names an unknown metric, or a threshold is not a number of 0 or more.
    """
    try:
        content = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ReportError(f"cannot read thresholds from {pyproject}: {error}") from error
    section: Any = content
    for key in SECTION.split("."):
        section = section.get(key, {}) if isinstance(section, dict) else None
    if not isinstance(section, dict):
        raise ReportError(f"[{SECTION}] in {pyproject} is not a table of metric = relative change")
    for name, value in section.items():
        if name not in METRICS:
            raise ReportError(f"[{SECTION}] in {pyproject}: unknown metric {name!r}; choose from {', '.join(METRICS)}")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
            raise ReportError(f"[{SECTION}] in {pyproject}: {name} = {value!r} is not a relative change of 0 or more")
    return {name: float(value) for name, value in section.items()}
