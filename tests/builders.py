"""Small run files for tests: every field can be set, the defaults agree with each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reports.records import runfile
from reports.records.metrics import METRICS
from reports.records.model import schema_1_models
from reports.records.schema import SCHEMA_VERSION, RunFile

AXES = ("checkpoint", "attention", "precision", "placement", "decoding", "batch")
H200 = {"model": "NVIDIA H200", "driver": "580.1", "mig": False, "sm_clock_max_mhz": 1980, "power_cap_w": 700.0}
HOST = {"cpu_model": "Xeon", "cpu_count": 16}
SOFTWARE = {"python": "3.12.3", "torch": "2.11.0", "transformers": "5.17.0"}
PLAIN = "small-eager-fp32-resident-dynamic-batch1"
FUSED = "small-sdpa-fp16-resident-dynamic-batch1"

VALUES: Mapping[str, float] = {"latency": 2.0, "throughput": 0.5, "peak_allocated": 1e9, "weights": 4e8, "load": 1.0}


def cell_document(
    cell: str,
    values: Mapping[str, float] | None = None,
    *,
    environment: str = "env-a",
    tokens: int = 64,
    source: str = "synthetic",
    digest: str = "c0ffee",
    steps: Sequence[Sequence[float]] = (),
    host: Sequence[float] = (),
) -> dict[str, Any]:
    """One entry of `benchmarks`; `values` are laid over `VALUES`.

    `steps` are the step p10 of the rounds of each launch; with them comes the metric that they are judged by. `host`
    is the host probe beside the rounds of each launch.
    """
    metrics = {**VALUES, **(values or {})}
    flat = [step for launch in steps for step in launch]
    if flat:
        metrics["step_latency"] = min(flat)
    names = cell.split("-")
    axes: dict[str, Any] = dict(zip(AXES, names, strict=True))
    axes["batch"] = int(names[-1].removeprefix("batch"))
    latency = metrics.get("latency", 2.0)
    return {
        "group": None,
        "name": f"test_generate[{cell}]",
        "fullname": f"benchmarks/test_bark.py::test_generate[{cell}]",
        "stats": {"data": [latency, latency * 1.1], "min": latency},
        "extra_info": {
            "schema_version": SCHEMA_VERSION,
            "model": "bark",
            "cell": cell,
            "axes": axes,
            "environment": environment,
            "workload": {
                "digest": f"work-{tokens}-{source}",
                "source": source,
                "semantic_tokens": tokens,
                "batch": axes["batch"],
            },
            "checkpoint": {"source": source, "digest": digest},
            "metrics": {name: {"value": value, "unit": METRICS[name].unit} for name, value in metrics.items()},
            "stages": {"semantic": {"metrics": {}, "tokens": tokens}},
            "rounds": {
                "step_p10_s": flat,
                "host_probe_s": [probe for probe, launch in zip(host, steps, strict=False) for _ in launch],
                "launches": [len(launch) for launch in steps],
            },
        },
    }


def proven_cell(
    name: str,
    latency: float,
    memory: float,
    *,
    rounds: int = 20,
    spread: float = 1.01,
    accepted: str = "",
    environment: str = "env-a",
    proven: bool = True,
    **metrics: float,
) -> dict[str, Any]:
    """A cell whose rounds lie between `latency` seconds and `spread` times as much; `memory` in MB is peak reserved."""
    values = {"latency": latency, "peak_reserved": memory * 1e6, "peak_allocated": memory * 9e5} | metrics
    made = cell_document(name, values, environment=environment)
    made["stats"] = {"data": [latency * (1 + (spread - 1) * at / (rounds - 1)) for at in range(rounds)], "min": latency}
    made["extra_info"] |= {"proofs": {"device": "cuda:0"} if proven else {}, "accepted": accepted}
    return made


def run_document(
    cells: Iterable[str | dict[str, Any]] = (PLAIN, FUSED),
    *,
    gpu: Mapping[str, Any] | None = H200,
    host: Mapping[str, Any] = HOST,
    software: Mapping[str, str] = SOFTWARE,
    outcomes: Mapping[str, tuple[str, str]] | None = None,
    commit: str = "abc123",
    environment: str = "env-a",
    datetime: str = "2026-01-01T00:00:00+00:00",
    **suite: Any,
) -> dict[str, Any]:
    """A whole run file as JSON; `outcomes` adds cells without a measurement as (outcome, reason)."""
    benchmarks = [cell_document(cell) if isinstance(cell, str) else cell for cell in cells]
    listed = [{"cell": b["extra_info"]["cell"], "outcome": "measured"} for b in benchmarks]
    listed += [{"cell": c, "outcome": o, "reason": r} for c, (o, r) in (outcomes or {}).items()]
    return {
        "machine_info": {
            "node": "host.example",
            "cpu": {"brand_raw": "Xeon", "flags": ["avx"]},
            "gpu": dict(gpu) if gpu else None,
            "host": dict(host),
            "software": dict(software),
            "commit": commit,
            "environment": environment,
            "checkpoints": {"small": {"source": "synthetic", "digest": "c0ffee"}},
        },
        "commit_info": {"id": commit, "dirty": False},
        "benchmarks": benchmarks,
        "datetime": datetime,
        "version": "5.3.1",
        "suite": {
            "schema_version": SCHEMA_VERSION,
            "models": schema_1_models(),
            "level": "pr",
            "lane": "current",
            "hardware": "nvidia-h200" if gpu else "cpu",
            "finished": True,
            "cells": listed,
            **suite,
        },
    }


def run_of(*cells: str | dict[str, Any], **options: Any) -> RunFile:
    """A run file with these cells (the plain and the fused one by default)."""
    return runfile.parse(run_document(cells or (PLAIN, FUSED), **options), "test run")
