"""A history read the plain way: every run file by the run file's reader, every value in a dictionary.

What the fast reading has to agree with, and simple enough to be seen to be right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reports.records import runfile
from reports.records.condense import moment
from reports.records.metrics import Metric
from reports.verdicts.comparability import must_match
from reports.verdicts.history import Point
from reports.verdicts.versions import versions

SeriesOf = dict[tuple[str, str, tuple[Any, ...]], list[Point]]


def slow_history(paths: Sequence[Path], metrics: Sequence[Metric]) -> SeriesOf:
    """(cell, metric, what must match) -> points in the order of time; `paths` in order, all of them usable."""
    found: dict[tuple[str, str, tuple[Any, ...]], dict[tuple[float, ...], Point]] = defaultdict(dict)
    for path in paths:
        run = runfile.read(path)
        for benchmark in run.benchmarks:
            cell = benchmark.extra_info
            environment = run.environment_of(cell)
            for metric in metrics:
                if metric.name in cell.metrics:
                    needed = must_match(metric.kind, environment, metric.needs_same).values.values()
                    fields = (run.suite.lane, cell.workload.digest, *needed)
                    value = cell.metrics[metric.name].value
                    commit = str(run.commit_info.get("id", "unknown"))
                    point = Point(str(path), moment(run.datetime), commit, versions(environment, cell), value)
                    found[cell.cell, metric.name, fields].setdefault(tuple(benchmark.stats.data), point)
    return {key: sorted(points.values(), key=lambda point: point.time) for key, points in found.items()}
