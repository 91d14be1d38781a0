"""The cells of a run that somebody could choose, and how many could not be, by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.records.metrics import Kind
from reports.records.schema import Benchmark, CellOutcome, CellRecord, RunFile
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
    """A measured cell whose optimizations were proven to be on; `record` is the run's.

    `slowest_s`: its slowest round. `memory_bytes` is of the metric `memory`, RESERVED or ALLOCATED. `context_bytes`:
    what the driver counted for the process beyond it, None where that is not known. `audio_s`: seconds of audio of
    each sample, None where that is not known. `drift`: metric -> value, of those that were measured.
    """

    cell: str
    record: CellRecord
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
        return self.batch / self.latency_s

    @property
    def batch(self) -> int:
        """Samples a generation."""
        return self.record.batch

    @property
    def checkpoint(self) -> str:
        """The short name of its weights, with its model's where the run has several."""
        return self.record.checkpoint_name

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

    def asked(checkpoint: str, batch: int | None) -> bool:
        return (not checkpoints or checkpoint in checkpoints) and (not batches or batch is None or batch in batches)

    left_out: Counter[tuple[str, str]] = Counter()
    outcomes = run.outcomes()
    for outcome in run.suite.cells:
        if outcome.outcome != "measured" and all(asked(*work) for work in _work_named(run, outcome)):
            left_out[outcome.outcome, outcome.reason] += 1
    work = _usual_work(run)
    found = []
    for benchmark in run.benchmarks:
        cell = benchmark.extra_info
        failed = outcomes[cell.cell].outcome == "failed"  # said above
        if failed or cell.test or not asked(cell.checkpoint_name, cell.batch):
            continue
        problem = _problem(run, benchmark, work)
        if problem:
            left_out["measured", problem] += 1
        else:
            found.append(_candidate(benchmark))
    return Choice(tuple(found), left_out)


def _work_named(run: RunFile, outcome: CellOutcome) -> list[tuple[str, int | None]]:
    """Checkpoint and batch of a cell that was not measured, as far as its name tells; empty where it tells nothing."""
    named = run.by_name(outcome)
    if named is None:
        return []
    model, axes = named
    return [(model.checkpoint_of(axes), next((value for value in axes.values() if isinstance(value, int)), None))]


def _usual_work(run: RunFile) -> dict[tuple[str, int], str]:
    """Checkpoint and batch -> the workload that most of their cells did."""
    work: dict[tuple[str, int], Counter[str]] = {}
    for cell in run.cells.values():
        work.setdefault((cell.checkpoint_name, cell.batch), Counter())[cell.workload.digest] += 1
    return {group: digests.most_common(1)[0][0] for group, digests in work.items()}


def _problem(run: RunFile, benchmark: Benchmark, work: Mapping[tuple[str, int], str]) -> str:
    """Why a measured cell cannot be chosen; empty where it can."""
    cell = benchmark.extra_info
    if not cell.proofs:
        return "without a proof that its optimizations were on"
    if not 1 <= cell.batch <= MOST_BATCH:
        return "of a batch that no card holds"
    times = (cell.metrics["latency"].value, *benchmark.stats.data)
    if not (CLOCK[0] <= min(times) and max(times) <= CLOCK[1]):
        return "with a time that no clock gives"
    if cell.workload.digest != work[cell.checkpoint_name, cell.batch]:
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
        record=cell,
        latency_s=metrics["latency"],
        slowest_s=max(rounds),
        timing=timing(metrics["latency"], rounds, cell.batch, cell.accepted, cell.environment),
        memory_bytes=metrics[memory],
        memory=memory,
        allocated_bytes=metrics[ALLOCATED],
        context_bytes=process - metrics[memory] if process is not None and process > metrics[memory] else None,
        audio_s=metrics["latency"] / factor / cell.batch if factor > CLOCK[0] else None,
        drift={name: metrics[name] for name in DRIFT if name in metrics},
    )
