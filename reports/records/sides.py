"""The base of a run that was measured with `--against`, as a run of its own, so that two runs can be compared."""

from __future__ import annotations

from reports.errors import ReportError
from reports.records.schema import AgainstRecord, Benchmark, CellOutcome, RunFile, Stats


def base_of(run: RunFile) -> RunFile | None:
    """The base's cells, each measured while the head was idle; None for a run without `--against`."""
    against = run.suite.against
    if against is None:
        return None
    benchmarks = [
        benchmark.model_copy(
            update={
                "stats": Stats(data=found.rounds_s, min=min(found.rounds_s)),
                "extra_info": found.record,
            }
        )
        for benchmark, found in _found(run)
        if found.record and found.rounds_s
    ]
    suite = run.suite.model_copy(
        update={
            "lane": against.lane,
            "cells": [CellOutcome(cell=one.extra_info.cell, outcome="measured") for one in benchmarks],
            "against": None,
            "drill": "",
            "warnings": [],
        }
    )
    return run.model_copy(update={"benchmarks": benchmarks, "commit_info": against.commit_info, "suite": suite})


def require_base(run: RunFile, where: str) -> RunFile:
    """The base of a run.

    Raises:
        ReportError: the run was measured without `--against`.
    """
    base = base_of(run)
    if base is None:
        raise ReportError(f"{where} was not measured with --against: name the run to compare it with")
    return base


def _found(run: RunFile) -> list[tuple[Benchmark, AgainstRecord]]:
    return [(one, one.extra_info.against) for one in run.benchmarks if one.extra_info.against]
