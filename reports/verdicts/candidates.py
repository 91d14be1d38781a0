"""The cells of a run that somebody could choose, and how many could not be, by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.records.metrics import Kind
from reports.records.naming import AXES, values_in
from reports.records.schema import Axes, Benchmark, RunFile
from reports.verdicts.apart import Timing, timing
from reports.verdicts.comparability import WORKERS, must_match

RESERVED, ALLOCATED = "peak_reserved", "peak_allocated"
"""What a cell needs of a card: what the allocator took, graph pools among it; where that is not known, the tensors."""

DRIFT = ("logit_error_mean", "top1_agreement", "stft_distance")
"""What reduced precision costs, against the same weights without any optimization."""

CLOCK, MOST_BATCH = (1e-12, 1e9), 1_000_000
"""Seconds, and samples: what is outside was not measured, and the ratio of two inside is a number."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A measured cell whose optimizations were proven to be on.

    `slowest_s`: its slowest round. `memory_bytes` is of the metric `memory`, RESERVED or ALLOCATED. `context_bytes`:
    what the driver counted for the process beyond it, None where that is not known. `audio_s`: seconds of audio of
    each sample, None where that is not known. `drift`: metric -> value, of those that were measured.
    """

    cell: str
    axes: Axes
    latency_s: float
    slowest_s: float
    timing: Timing
    memory_bytes: float
    memory: str
    allocated_bytes: float
    context_bytes: float | None
    audio_s: float | None
    drift: Mapping[str, float]

    @property
    def throughput(self) -> float:
        """Samples a second."""
        return self.axes.batch / self.latency_s

    @property
    def costs(self) -> tuple[float, float]:
        """Seconds a sample, and bytes."""
        return self.timing.value_s, self.memory_bytes


@dataclass(frozen=True, slots=True)
class Choice:
    """`candidates` in the run's order. `left_out`: (outcome, reason) -> cells that may be as good."""

    candidates: tuple[Candidate, ...]
    left_out: Mapping[tuple[str, str], int]


def choice(run: RunFile, checkpoints: Sequence[str] = (), batches: Sequence[int] = ()) -> Choice:
    """The cells to choose from; empty `checkpoints` or `batches` means all."""

    def asked(checkpoint: str, batch: str) -> bool:
        return (not checkpoints or checkpoint in checkpoints) and (not batches or batch in map(str, batches))

    left_out: Counter[tuple[str, str]] = Counter()
    outcomes = run.outcomes()
    for outcome in run.suite.cells:
        if outcome.outcome != "measured":
            values = dict(zip(AXES, values_in(outcome.cell), strict=False))
            if not values or asked(values["checkpoint"], values["batch"]):
                left_out[outcome.outcome, outcome.reason] += 1
    work = _usual_work(run)
    found = []
    for benchmark in run.benchmarks:
        axes = benchmark.extra_info.axes
        failed = outcomes[benchmark.extra_info.cell].outcome == "failed"  # said above
        if failed or not asked(axes.checkpoint, str(axes.batch)):
            continue
        problem = _problem(run, benchmark, work)
        if problem:
            left_out["measured", problem] += 1
        else:
            found.append(_candidate(benchmark))
    return Choice(tuple(found), left_out)


def _usual_work(run: RunFile) -> dict[tuple[str, int], str]:
    """Checkpoint and batch -> the workload that most of their cells did."""
    work: dict[tuple[str, int], Counter[str]] = {}
    for cell in run.cells.values():
        work.setdefault((cell.axes.checkpoint, cell.axes.batch), Counter())[cell.workload.digest] += 1
    return {group: digests.most_common(1)[0][0] for group, digests in work.items()}


def _problem(run: RunFile, benchmark: Benchmark, work: Mapping[tuple[str, int], str]) -> str:
    """Why a measured cell cannot be chosen; empty where it can."""
    cell = benchmark.extra_info
    if not cell.proofs:
        return "without a proof that its optimizations were on"
    if not 1 <= cell.axes.batch <= MOST_BATCH:
        return "of a batch that no card holds"
    times = (cell.metrics["latency"].value, *benchmark.stats.data)
    if not (CLOCK[0] <= min(times) and max(times) <= CLOCK[1]):
        return "with a time that no clock gives"
    if cell.workload.digest != work[cell.axes.checkpoint, cell.axes.batch]:
        return "with other work than most of its checkpoint and batch"
    # How many measured at once is no other hardware: between environments a factor of 2 alone tells (`apart.py`).
    here, there = (
        must_match(Kind.WALL, environment).without(WORKERS)
        for environment in (run.environment_of(cell), run.machine_info)
    )
    if here.difference(there):
        return "on other hardware than the run's"
    return ""


def _candidate(benchmark: Benchmark) -> Candidate:
    cell, rounds = benchmark.extra_info, benchmark.stats.data
    metrics = {name: metric.value for name, metric in cell.metrics.items()}
    memory = RESERVED if RESERVED in metrics else ALLOCATED
    process, factor = metrics.get("process_gpu_memory"), metrics.get("real_time_factor", 0.0)
    return Candidate(
        cell=cell.cell,
        axes=cell.axes,
        latency_s=metrics["latency"],
        slowest_s=max(rounds),
        timing=timing(metrics["latency"], rounds, cell.axes.batch, cell.accepted, cell.environment),
        memory_bytes=metrics[memory],
        memory=memory,
        allocated_bytes=metrics[ALLOCATED],
        context_bytes=process - metrics[memory] if process is not None and process > metrics[memory] else None,
        audio_s=metrics["latency"] / factor / cell.axes.batch if factor > CLOCK[0] else None,
        drift={name: metrics[name] for name in DRIFT if name in metrics},
    )
