"""Which combination of optimizations to take, under limits of memory and latency."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.errors import ReportError
from reports.records.metrics import METRICS
from reports.records.schema import RunFile
from reports.verdicts.apart import Standing, standing
from reports.verdicts.candidates import DRIFT, Candidate, choice
from reports.verdicts.pareto import front


@dataclass(frozen=True, slots=True)
class Limits:
    """What a cell may take: bytes of the memory it is judged by, and seconds a call of generate. None: no limit."""

    memory_bytes: int | None = None
    latency_s: float | None = None

    def excess(self, cell: Candidate) -> tuple[float, float]:
        """By which share of the limit a cell is above it, in memory and in latency; 0 within."""
        return _excess(cell.memory_bytes, self.memory_bytes), _excess(cell.latency_s, self.latency_s)

    def hold(self, cell: Candidate) -> bool:
        """Whether a cell keeps both."""
        return self._hold(cell.memory_bytes, cell.latency_s)

    def hold_tensors(self, cell: Candidate) -> bool:
        """Whether it would if it needed no more memory than its tensors."""
        return self._hold(cell.allocated_bytes, cell.latency_s)

    def _hold(self, memory_bytes: float, latency_s: float) -> bool:
        return (self.memory_bytes is None or memory_bytes <= self.memory_bytes) and (
            self.latency_s is None or latency_s <= self.latency_s
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """The cells of one checkpoint and some batch sizes; of several, throughput is what they are compared by.

    Attributes:
        checkpoint: of all of them.
        batches: in rising order.
        cells: that could be chosen, by seconds a sample.
        best: what to take; None where none keeps the limits.
        front: of the cells within the limits, those that no other beats in both seconds a sample and memory.
        tied: cells within the limits whose latency cannot be told apart from that of `best`.
        truest: of the tied ones of the same environment, the one of least drift; None where `best` has no more.
        closest: where none keeps the limits, the one that misses them by the smallest share.
        may_fit: not within, because of what the allocator took; their tensors alone would be.
    """

    checkpoint: str
    batches: tuple[int, ...]
    cells: tuple[Candidate, ...]
    best: Candidate | None
    front: tuple[Candidate, ...]
    tied: tuple[Candidate, ...]
    truest: Candidate | None
    closest: Candidate | None
    may_fit: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """What a run says under limits.

    `answers`: by checkpoint, one a batch size, then, where cells of several fit, one over all of them. `left_out`:
    (outcome, reason) -> cells that no answer knows of.
    """

    run: RunFile
    limits: Limits
    answers: tuple[Answer, ...]
    left_out: Mapping[tuple[str, str], int]

    @property
    def found(self) -> bool:
        """Whether any cell keeps the limits."""
        return any(answer.best for answer in self.answers)


def advise(
    run: RunFile, where: str, limits: Limits, checkpoints: Sequence[str] = (), batches: Sequence[int] = ()
) -> Advice:
    """The best cells of a run under limits.

    Args:
        run: measured, no drill.
        where: names the run in messages.
        limits: to keep.
        checkpoints: only these; all where empty.
        batches: only these; all where empty.

    Raises:
        ReportError: the run has no cell to choose, or none of those that were asked for.
    """
    _refuse_unknown(run, where, checkpoints, batches)
    found = choice(run, checkpoints, batches)
    if not found.candidates:
        why = ", ".join(f"{number} {' '.join(key).strip()}" for key, number in found.left_out.items())
        raise ReportError(
            f"{where} has no cell to choose from ({why or 'its matrix is empty there'}): "
            "measure some with `pytest benchmarks/`"
        )
    groups: dict[str, dict[int, list[Candidate]]] = {}
    for cell in found.candidates:
        groups.setdefault(cell.checkpoint, {}).setdefault(cell.batch, []).append(cell)
    answers = []
    ranks = {cell.checkpoint: cell.record.of.rank(cell.record.axes) for cell in reversed(found.candidates)}
    for checkpoint, by_batch in sorted(groups.items(), key=lambda group: (ranks[group[0]], group[0])):
        answers += [answer(checkpoint, by_batch[batch], limits) for batch in sorted(by_batch)]
        together = [cell for cells in by_batch.values() for cell in cells]
        if len({cell.batch for cell in together if limits.hold(cell)}) > 1:
            answers.append(answer(checkpoint, together, limits))
    return Advice(run, limits, tuple(answers), found.left_out)


def answer(checkpoint: str, cells: Sequence[Candidate], limits: Limits) -> Answer:
    """The choice among cells of one checkpoint: at least one."""
    within = [cell for cell in cells if limits.hold(cell)]
    fastest = min(within, key=lambda cell: (cell.costs, cell.cell), default=None)
    best = _best(fastest, within) if fastest else None
    tied = [cell for cell in within if best and cell is not best and _tied(cell, best)]
    return Answer(
        checkpoint,
        tuple(sorted({cell.batch for cell in cells})),
        tuple(sorted(cells, key=lambda cell: (cell.costs, cell.cell))),
        best,
        tuple(front(within, lambda cell: cell.costs)),
        tuple(tied),
        _truest(best, tied) if best else None,
        None if best else min(cells, key=lambda cell: (max(limits.excess(cell)), sum(limits.excess(cell)), cell.cell)),
        tuple(cell for cell in cells if not limits.hold(cell) and limits.hold_tensors(cell)),
    )


def _best(fastest: Candidate, within: Sequence[Candidate]) -> Candidate:
    """Of the cells that are as fast as the fastest, as far as this run can tell, those of least memory; then of drift.

    Cells of another environment are left out of that: there, "as far as the run can tell" spans a factor of two.
    """
    here = fastest.timing.environment
    fast = [cell for cell in within if cell.timing.environment == here and _tied(cell, fastest)]
    least = min(cell.memory_bytes for cell in fast)
    small = [cell for cell in fast if cell.memory_bytes <= least * (1 + METRICS[cell.memory].threshold)]
    return min(small, key=lambda cell: (_drift(cell), cell.costs, cell.cell))


def _truest(best: Candidate, tied: Sequence[Candidate]) -> Candidate | None:
    here = [cell for cell in tied if cell.timing.environment == best.timing.environment]
    truest = min(here, key=lambda cell: (_drift(cell), cell.costs, cell.cell), default=best)
    return truest if _drift(truest) < _drift(best) else None


def _drift(cell: Candidate) -> float:
    return cell.drift.get(DRIFT[0], math.inf)


def _tied(one: Candidate, other: Candidate) -> bool:
    return standing(one.timing, other.timing) is Standing.TIED


def _excess(value: float, limit: float | None) -> float:
    return max(value / limit - 1, 0.0) if limit is not None else 0.0


def _refuse_unknown(run: RunFile, where: str, checkpoints: Sequence[str], batches: Sequence[int]) -> None:
    cells = run.cells.values()
    for name, wanted, known in (
        ("checkpoint", checkpoints, sorted({cell.checkpoint_name for cell in cells})),
        ("batch", batches, sorted({cell.batch for cell in cells})),
    ):
        for one in wanted:
            if one not in known:
                there = ", ".join(map(str, known)) or "none"
                raise ReportError(f"{where} measured no cell of {name} {one}; choose from {there}")
