"""The metric table: one row is the metric, everywhere. Unit, direction, kind, threshold, what must match.

A kind says how much two measurements of identical code differ, and so what may gate:

- exact: not at all (bytes of weights, counts). Must match: the workload; for kernels the GPU model.
- steady: far under a percent (peak memory). Must match: the workload and the GPU model.
- wall: 20 % on a shared host (latency). Must match: the workload, the GPU model with its caps, and the host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How repeatable a metric is."""

    EXACT = "exact"
    STEADY = "steady"
    WALL = "wall"


class Better(StrEnum):
    """Which direction is an improvement."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `threshold` is the relative change above which a difference counts (0.005 is 0.5 %).

    `gated`: whether `worse` fails a run. A metric that is not gated is stored, shown and compared, and its verdict
    is for reading only; `why` says why. A difference of at most `tolerance`, in the metric's unit, never counts: it
    keeps rounding errors of a value near 0 from looking like large relative changes. `needs_same`: what must be the
    same beside what the kind asks for, software (its major and minor release), a property of a CPU run's host, or
    the GPU's model; `half_needs_same`: in half precision only. `by_rounds`: judged by the rules for rounds
    (reports/verdicts/wall.py), not by the one value. `across_cards`: the threshold between two cards of one model,
    where that is another; a card that is not known is another. `definition`: raised whenever the same work would give
    another value; values of two definitions are not compared.
    """

    name: str
    unit: str
    better: Better
    kind: Kind
    threshold: float
    gated: bool
    why: str
    tolerance: float = 0.0
    needs_same: tuple[str, ...] = ()
    half_needs_same: tuple[str, ...] = ()
    by_rounds: bool = False
    across_cards: float | None = None
    definition: int = 1


GPU_MODEL = "GPU model"
"""In `needs_same`: the GPU's model, for an exact metric that depends on it."""

WALL_THRESHOLD = 1.0
"""Twice as slow, or twice as fast, at the minimum of the rounds, against a stored baseline: a simple rule that does
not cry wolf. Identical code differs by up to 8 % at its floor with 25 to 80 rounds on an H200's host; five rounds on
two shared cores were seen to differ by 49 %."""

STEP_THRESHOLD = 0.08
"""What two launches of identical code differ by at the floor of their step p10 (reports/verdicts/wall.py)."""

ENERGY_THRESHOLD = 0.25
"""Energy is power times time, so it moves with the host's speed as wall time does, and the counter behind it in steps
of 100 ms (fixtures/meters/telemetry.py)."""

ACROSS_CARDS = 0.03
"""GPU busy time of identical work: launches on one H200 lie within 0.2 % of each other, but two H200s up to 2.3 % apart
(37 cells, most in short kernels of a batch of one)."""

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "latency", "s", Better.LOWER, Kind.WALL, WALL_THRESHOLD, True, "minimum over the timed rounds, host clock"
        ),
        Metric(
            "step_latency",
            "s",
            Better.LOWER,
            Kind.WALL,
            STEP_THRESHOLD,
            True,
            "10th percentile of decoding steps, of the fastest round; with CUDA graphs a step's share of its stage",
            by_rounds=True,
        ),
        Metric(
            "host_probe",
            "s",
            Better.LOWER,
            Kind.WALL,
            STEP_THRESHOLD,
            False,
            "a fixed piece of work on the host",
        ),
        Metric("device_latency", "s", Better.LOWER, Kind.WALL, WALL_THRESHOLD, False, "the same rounds by CUDA events"),
        Metric(
            "throughput",
            "samples/s",
            Better.HIGHER,
            Kind.WALL,
            WALL_THRESHOLD,
            False,
            "batch over latency: gated there",
        ),
        Metric(
            "real_time_factor", "s/s", Better.LOWER, Kind.WALL, WALL_THRESHOLD, False, "latency over audio: gated there"
        ),
        Metric(
            "energy",
            "J",
            Better.LOWER,
            Kind.WALL,
            ENERGY_THRESHOLD,
            False,
            "of the whole card a sample: follows time and power, which are gated or set elsewhere",
        ),
        Metric(
            "floor",
            "s",
            Better.LOWER,
            Kind.STEADY,
            0.05,
            False,
            "the least that the work takes at the device's limits: it moves with the work, or with their probe",
        ),
        Metric("limit_ratio", "x", Better.LOWER, Kind.WALL, WALL_THRESHOLD, False, "latency over floor: gated there"),
        Metric(
            "cold_start", "s", Better.LOWER, Kind.WALL, 1.0, False, "the first cell of a process also pays for the next"
        ),
        Metric("load", "s", Better.LOWER, Kind.WALL, 1.0, False, "depends on what the page cache holds"),
        Metric("compile", "s", Better.LOWER, Kind.WALL, 1.0, False, "depends on what the compilers' caches hold"),
        Metric(
            "peak_allocated",
            "B",
            Better.LOWER,
            Kind.STEADY,
            0.005,
            True,
            "the most bytes that tensors held at once, and what CUDA graphs keep from others",
            half_needs_same=("cpu_half_precision",),
        ),
        Metric(
            "peak_reserved", "B", Better.LOWER, Kind.STEADY, 0.02, False, "fragmentation depends on the order of cells"
        ),
        Metric(
            "allocations", "", Better.LOWER, Kind.EXACT, 0.0, True, "how often tensors took GPU memory in a generation"
        ),
        Metric(
            "graph_pool",
            "B",
            Better.LOWER,
            Kind.STEADY,
            0.005,
            True,
            "what CUDA graphs keep for the work in them, a part of the peak",
        ),
        Metric(
            "process_gpu_memory",
            "B",
            Better.LOWER,
            Kind.STEADY,
            0.05,
            False,
            "counts kernels that earlier cells of the process loaded",
        ),
        Metric("host_rss", "B", Better.LOWER, Kind.WALL, 0.25, False, "grows with the cells that ran before"),
        Metric("weights", "B", Better.LOWER, Kind.EXACT, 0.0, True, "parameters and buffers of the loaded model"),
        # Of the counter pass, a generation of 16 semantic tokens (fixtures/meters/counters.py).
        Metric(
            "kernel_launches",
            "",
            Better.LOWER,
            Kind.EXACT,
            0.0,
            True,
            "kernels that ran on the GPU; libraries choose them by its model (an H100 took 0.2 % fewer than an H200)",
            needs_same=(GPU_MODEL,),
        ),
        Metric(
            "launch_calls",
            "",
            Better.LOWER,
            Kind.EXACT,
            0.0,
            True,
            "calls that launched a kernel or a graph",
            needs_same=(GPU_MODEL,),
        ),
        Metric("host_syncs", "", Better.LOWER, Kind.EXACT, 0.0, True, "calls that hold the host until the GPU is done"),
        Metric("copies", "", Better.LOWER, Kind.EXACT, 0.0, True, "between host and GPU, and on the GPU"),
        Metric("copied", "B", Better.LOWER, Kind.EXACT, 0.0, True, "by those copies"),
        Metric(
            "gpu_busy",
            "s",
            Better.LOWER,
            Kind.STEADY,
            0.01,
            True,
            "time in which at least one kernel ran",
            across_cards=ACROSS_CARDS,
        ),
        Metric(
            "aten_calls",
            "",
            Better.LOWER,
            Kind.EXACT,
            0.0,
            True,
            "torch operators called on the host; CPUs without AVX512 or with AMX take other paths in half precision, "
            "and GPUs of another architecture may",
            needs_same=("cpu_capability",),
            half_needs_same=("cpu_half_precision",),
        ),
        Metric(
            "python_calls",
            "",
            Better.LOWER,
            Kind.EXACT,
            0.0,
            True,
            "Python functions called; other versions of Python call others",
            needs_same=("python",),
        ),
        # What the model says, against the same weights without any optimization (fixtures/meters/drift.py).
        Metric("logit_error_mean", "", Better.LOWER, Kind.STEADY, 0.5, True, "of the stage where it is largest", 1e-4),
        Metric(
            "logit_error_max", "", Better.LOWER, Kind.STEADY, 1.0, False, "one score of millions: see the mean", 1e-3
        ),
        Metric(
            "top1_agreement", "", Better.HIGHER, Kind.STEADY, 0.02, True, "share of decisions, under teacher forcing"
        ),
        Metric("stft_distance", "", Better.LOWER, Kind.STEADY, 0.5, True, "of audio decoded from the same codes", 1e-3),
    )
}


REQUIRED = ("latency", "weights", "peak_allocated")
"""What every measured cell has, on any machine; a record without them is damaged."""


def metric(name: str) -> Metric:
    """The row of a metric.

    Raises:
        KeyError: no such metric.
    """
    if name not in METRICS:
        raise KeyError(f"unknown metric {name!r}; the metrics are {', '.join(METRICS)}")
    return METRICS[name]


def redefined(name: str) -> dict[str, int]:
    """What a record says of a metric's definition: nothing of the first."""
    return {"definition": METRICS[name].definition} if name in METRICS and METRICS[name].definition != 1 else {}


def unit(name: str) -> str:
    """The unit of a metric."""
    return metric(name).unit
