"""The other side of a run that was measured against one, as a run of its own: what compares and shows two runs fits."""

from __future__ import annotations

from reports.errors import ReportError
from reports.records.schema import AgainstRecord, Benchmark, CellOutcome, RunFile, Stats


def other_side(run: RunFile) -> RunFile | None:
    """The other side's cells, which it measured alone; None where the run was not measured against anything."""
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


def needs_other_side(run: RunFile, where: str) -> RunFile:
    """The other side of a run.

    Raises:
        ReportError: it has none, so that it has to be told what to be compared with.
    """
    found = other_side(run)
    if found is None:
        raise ReportError(f"{where} was not measured with --against: name the run to compare it with")
    return found


def _found(run: RunFile) -> list[tuple[Benchmark, AgainstRecord]]:
    return [(one, one.extra_info.against) for one in run.benchmarks if one.extra_info.against]
