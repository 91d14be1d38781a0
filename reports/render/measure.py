"""The command that measures cells as a run did."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from reports.records.schema import RunFile

SOURCES = ("hub", "synthetic")
"""Sources of weights that a run can ask for by `--checkpoint-source`."""


def command(run: RunFile, cells: Sequence[str]) -> str:
    """What measures these cells: the run's own level, options and source of weights. Safe to paste into a shell."""
    suite = run.suite
    sources = {cell.checkpoint.source for cell in run.cells.values()}
    options = [f"--level={suite.level}", *(f"--{name}={value:g}" for name, value in suite.overrides.items())]
    options += [f"--checkpoint-source={source}" for source in SOURCES if sources == {source}]
    words = ["pytest", "benchmarks/", *options, "-k", " or ".join(cells)]
    return shlex.join(" ".join(word.split()) for word in words)
