"""A pytest plugin for tests of the suite's own options: cells are not generated but made up, in milliseconds.

Loaded with `-p tests.fake_measure`. The environment variable FAKE_CELLS holds JSON: cell -> what to do, either
metric overrides (`{"peak_allocated": 1e9, "step": 0.002, "again": 0.001}`, the last for a rerun's steps), rounds that
another process disturbed (`{"marked": 2, "dropped": 3}`), or
`{"raise": "suite" | "crash" | "interrupt" | "terminate" | "kill" | "break"}`, or a `problem` that leaves a part
unmeasured; a `kill` or a `break`, which breaks the process's CUDA
context, happens once where `once` names a file. FAKE_CARD is the
UUID of a GPU that is then there by its name alone, and FAKE_PROCESS the name of another process that computes on it.
FAKE_REFUSED is why torch cannot use the GPU.
FAKE_HUB is the worker of pytest-xdist that finds the weights on the Hub; others have synthetic ones.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_benchmark import plugin

from benchmarks.plugin import session, suite
from fixtures.checkpoints.source import CheckpointSource
from fixtures.errors import SuiteError
from fixtures.loading import Job
from fixtures.machine import context, environment, gpus, lock, workers
from fixtures.machine.limits import Limits
from fixtures.measurement import Measurement
from fixtures.meters.latency import Round, Steps
from fixtures.meters.memory import MemoryReading
from fixtures.meters.telemetry import Telemetry
from fixtures.model import Checkpoint
from fixtures.models.bark.stages import STAGES
from fixtures.pairs import process as pairs
from fixtures.rounds import RoundPolicy

CARD, OTHER = os.environ.get("FAKE_CARD"), os.environ.get("FAKE_PROCESS")
if CARD:  # now: the options are checked before any plugin's own hooks
    gpus.visible_gpu = lambda: "NVIDIA H200"
    others = [gpus.Process(7, OTHER, 20_100_000_000)] if OTHER else []
    vars(lock).update(visible_uuid=lambda: CARD, other_processes=lambda uuid=None: others)
    card = [workers.Device("NVIDIA H200", "0", CARD)]
    workers.devices = lambda device="auto": [workers.Device("CPU")] if device == "cpu" else card

WORKER = os.environ.get("PYTEST_XDIST_WORKER")

BROKEN: list[str] = []
"""What CUDA says in this process, once its context is broken."""


def measure(
    job: Job,
    policy: RoundPolicy,
    report: Callable[[Any], None],
    references: Any,
    keep_trace: Any = None,
    limits: Any = None,
) -> Measurement:
    """What `fixtures.measure.measure` would return, from made-up numbers."""
    cell, device = job.cell, job.device
    wanted: dict[str, Any] = json.loads(os.environ.get("FAKE_CELLS", "{}")).get(cell.id, {})
    if wanted.get("raise") == "suite":
        raise SuiteError(f"{cell.id} on {device} ran out of memory: Tried to allocate 20.00 GiB")
    if wanted.get("raise") == "crash":
        raise RuntimeError("the driver fell over")
    if wanted.get("raise") == "break" and not already(wanted.get("once")):
        BROKEN.append("CUDA error: an illegal memory access was encountered")
    if BROKEN:
        raise RuntimeError(BROKEN[0])
    if wanted.get("raise") == "terminate":
        signal.raise_signal(signal.SIGTERM)
    if wanted.get("raise") == "interrupt":
        raise KeyboardInterrupt
    if wanted.get("raise") == "kill" and not already(wanted.get("once")):
        os.kill(os.getpid(), signal.SIGKILL)
    if keep_trace:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"traceEvents": [{"name": cell.id}]}, file)
            file.flush()
            keep_trace(Path(file.name))
    latency = wanted.get("latency", 0.125)
    peak = 60_000_000 if cell.name("precision") == "fp32" else 32_000_000
    step = Steps(16, wanted.get("step", latency / 100))
    one = Round(latency, latency, dict.fromkeys(STAGES, latency / 4), {}, {"semantic": step})
    contended = replace(one, telemetry=Telemetry(marks=("contended",)))
    return Measurement(
        job=job,
        load_s=0.5,
        cold_start_s=0.25,
        rounds=(contended,) * wanted.get("marked", 0) + (one,) * (policy.minimum - wanted.get("marked", 0)),
        dropped=(contended,) * wanted.get("dropped", 0),
        memory=MemoryReading(int(wanted.get("peak_allocated", peak)), None, None, None, None, 500_000_000),
        weights_bytes=int(wanted.get("weights", 38_000_000)),
        work=job.workload.work,
        proofs={"attention": "made up"},
        phases_s={"load": 0.5, "rounds": latency * policy.minimum},
        problem=wanted.get("problem", ""),
    )


def already(once: str | None) -> bool:
    """Whether what is to happen once has happened; notes that it has."""
    if once is None or Path(once).exists():
        return once is not None
    Path(once).touch()
    return False


def measure_again(first: Measurement, policy: RoundPolicy, report: Callable[[Any], None]) -> Measurement:
    """As many rounds again, with the `again` seconds a step of FAKE_CELLS."""
    wanted: dict[str, Any] = json.loads(os.environ.get("FAKE_CELLS", "{}")).get(first.job.cell.id, {})
    one = replace(first.rounds[0], steps={"semantic": Steps(16, wanted["again"])})
    more = (one,) * len(first.rounds)
    return replace(first, rounds=(*first.rounds, *more), launches=(len(more), len(more)))


def refuse_unusable(machine: gpus.Machine) -> None:
    """Whatever the machine, as FAKE_REFUSED says."""
    if "FAKE_REFUSED" in os.environ:
        raise SuiteError(os.environ["FAKE_REFUSED"])


def pytest_configure() -> None:
    """Put the made-up parts in the place of the real ones."""
    software = json.loads(os.environ.get("FAKE_SOFTWARE", '{"torch": "2.13.0"}'))
    vars(suite).update(measure=measure, measure_again=measure_again, probe=lambda device, formats: Limits(4e12))
    vars(context).update(refuse_unusable=refuse_unusable, refuse_without_cuda=lambda machine: None)
    context.broken = lambda device: BROKEN[0] if BROKEN else ""
    pairs.MODULE = "tests.fake_worker"
    plugin.get_cpu_info = lambda: {"brand_raw": "made up"}  # the real one starts a process of its own
    session.quiet_libraries = lambda: None
    vars(session).update(switches=dict)
    vars(suite).update(refuse_changed=lambda at_start: None)
    host = {"cpu_model": "made up", "cpu_count": 2, "torch_threads": 2}
    gpu = {"model": os.environ["FAKE_GPU"], "card": WORKER} if "FAKE_GPU" in os.environ else None
    environment.describe = lambda machine=None: {"gpu": gpu, "host": host, "software": software}
    hub = os.environ.get("FAKE_HUB", "none") == WORKER
    source = "hub" if hub else "synthetic"
    CheckpointSource.get = lambda self, model, name: Checkpoint(name, source, "/nowhere", None, "c0ffee")  # type: ignore[method-assign]
