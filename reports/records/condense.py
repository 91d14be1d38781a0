"""What a history keeps of a run file: a line of JSON, a few percent of the file, once the file was found to be right.

Kept are facts, not what follows from them: which values may be compared is decided when the history is read.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from reports.errors import ReportError
from reports.records import runfile
from reports.records.metrics import METRICS
from reports.records.schema import Benchmark, RunFile

WORTH_PROCESSES_BYTES = 32_000_000
"""From so many bytes of run files on, processes that read in parallel are worth their start of half a second."""

MOST_PROCESSES = 8
BATCH = 4
"""Files that a process is given at once: few, so that all end together."""


def condensed(paths: Sequence[Path], size: int) -> Iterator[str]:
    """A line for each file, in their order; of one that cannot be used, `{"reason": ...}`. `size`: bytes in all."""
    processes = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, MOST_PROCESSES)
    done = 0
    if size >= WORTH_PROCESSES_BYTES and processes >= 2:
        from concurrent.futures import BrokenExecutor

        # Processes die where memory is short, and do not start in a session without a main module to import.
        with suppress(BrokenExecutor):
            for line in _in_parallel(paths, processes):
                yield line
                done += 1
    with _without_garbage_collection():
        yield from map(line_of, paths[done:])


def _in_parallel(paths: Sequence[Path], processes: int) -> Iterator[str]:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Started afresh: a fork of a process that has threads (torch, DuckDB) may hang.
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=gc.disable) as pool:
        batches = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
        yield from chain.from_iterable(pool.map(_lines_of, batches))


def _lines_of(paths: Sequence[Path]) -> list[str]:
    return [line_of(path) for path in paths]


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Decoded JSON holds no circles, and looking for some takes longer than reading: 128 ms of a 3 MB file's 164."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def line_of(path: Path) -> str:
    """One file as a line."""
    try:
        run = runfile.read(path)
        runfile.refuse_drill(run, str(path))
        line = json.dumps(_kept(run, str(path)), ensure_ascii=False)
        line.encode()
    except ReportError as error:
        return _left_out(str(error))
    except UnicodeEncodeError as error:
        return _left_out(f"{path} is damaged: it holds text that is not Unicode ({error.reason}); restore it")
    return line


def _left_out(reason: str) -> str:
    return json.dumps({"reason": reason.encode(errors="backslashreplace").decode(), "cells": [{}]}, ensure_ascii=False)


def time_of(run: RunFile, where: str) -> datetime:
    """When a run was measured, in UTC; one without a time zone is read as UTC.

    Raises:
        ReportError: its date is none.
    """
    try:
        return moment(run.datetime).astimezone(UTC)
    except (ValueError, OverflowError) as error:  # The first and last hours of the calendar have no time in UTC.
        raise ReportError(f"{where} has the date {run.datetime!r}, which is none: restore it") from error


def moment(text: str) -> datetime:
    """A date and time in ISO format, in UTC where it names no zone.

    Raises:
        ValueError: it is none.
    """
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _kept(run: RunFile, where: str) -> dict[str, Any]:
    time_of(run, where)
    measured_in = {benchmark.extra_info.environment: benchmark.extra_info for benchmark in run.benchmarks}
    environments = {digest: _environment(run.environment_of(cell)) for digest, cell in measured_in.items()}
    places = {digest: place for place, digest in enumerate(environments)}
    return {
        "datetime": run.datetime,
        "commit": str(run.commit_info.get("id", "unknown")),
        "hardware": run.suite.hardware,
        "lane": run.suite.lane,
        "level": run.suite.level,
        "finished": run.suite.finished,
        "failed": sum(outcome.outcome == "failed" for outcome in run.suite.cells),
        "environments": list(environments.values()),
        "cells": [_cell(benchmark, places) for benchmark in run.benchmarks] or [{}],
    }


def _environment(environment: dict[str, Any]) -> str:
    return json.dumps({name: environment.get(name) or {} for name in ("gpu", "host", "software")}, sort_keys=True)


def _cell(benchmark: Benchmark, environments: dict[str, int]) -> dict[str, Any]:
    cell = benchmark.extra_info
    return {
        "cell": cell.cell,
        "workload": cell.workload.digest,
        "checkpoint": cell.checkpoint_name,
        "weights": cell.checkpoint.digest,
        "environment": environments[cell.environment],
        "rounds": fingerprint(benchmark.stats.data),
        "metrics": {
            name: metric.value
            for name, metric in cell.metrics.items()
            if name in METRICS and metric.definition == METRICS[name].definition  # a trend breaks where it changed
        },
    }


def fingerprint(rounds: Sequence[float]) -> int:
    """64 bits of a cell's rounds: they are measured to nanoseconds, so equal ones are one measurement, stored twice."""
    packed = struct.pack(f"<{len(rounds)}d", *rounds)
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest(), "little", signed=True)
