"""The base side of a session (`--against`): measures each cell there too, then interleaves rounds of base and head.

Workers that time pairs never count: a profiler that was once on may leave a process slower, which would hide in one
side alone. So the exact metrics come from a worker of their own, and the pairs from two that have done the same work.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from benchmarks.plugin.against import ROOT, Against, commit_of
from fixtures.errors import OutOfMemoryError, SuiteError
from fixtures.machine.quiet_core import QuietCores, quiet_cores
from fixtures.pairs.process import BrokenWorkerError, Side, WorkerProcess
from fixtures.pairs.protocol import Order
from fixtures.pairs.rounds import Launch, Samples, loaded, measure_pairs
from fixtures.rounds import Progress, Report, quietly
from reports.records.schema import SCHEMA_VERSION, UNMEASURED, AgainstRecord, CellRecord
from reports.records.units import quantity
from reports.verdicts import wall
from reports.verdicts.paired import judge_pairs, needs_rerun
from reports.verdicts.rules import Status

PAIRS = wall.PAIRS_A_LAUNCH

SCREENING_PAIRS = wall.RULES.family_looks[0].pairs
"""Pairs of each cell of a family, in a launch that all cells share; only cells that stand out get fresh launches."""


@dataclass(slots=True)
class BaseSide:
    """Live workers of base and head. `cells`: how many the session runs. `drill`: injected into the head alone."""

    against: Against
    cells: int
    drill: str = ""
    start: Callable[[Side, float], WorkerProcess] = WorkerProcess
    head: Side = field(default_factory=lambda: Side("the head", sys.executable, ROOT))
    description: dict[str, Any] = field(default_factory=dict)
    commit_info: dict[str, Any] = field(default_factory=dict)
    cores: Callable[[str], QuietCores | None] = quiet_cores
    _counting: WorkerProcess | None = None
    _screening: Launch | None = None

    @property
    def family(self) -> bool:
        """Whether so many cells are judged at once that each needs stronger evidence."""
        return self.cells > wall.ALONE

    def check(self, commit_info: dict[str, Any], gpu: dict[str, Any] | None) -> None:
        """Start the base once, before anything is measured.

        Args:
            commit_info: of this checkout.
            gpu: the head's card; None on the CPU.

        Raises:
            SuiteError: it cannot measure, would measure on another card, or has too few launches for any verdict.
        """
        self._refuse_few_launches()
        self.description = self._counting_worker().ready()
        head_gpu, base_gpu = gpu or {}, self.description["environment"].get("gpu") or {}
        if gpu is None:
            self.description["environment"]["gpu"] = None  # a card that it sees and was not asked to use
        elif head_gpu.get("card") != base_gpu.get("card"):
            raise SuiteError(
                f"{self.against.side.name} sees another GPU ({base_gpu.get('model', 'none')}) than this run "
                f"({head_gpu.get('model')}): set CUDA_VISIBLE_DEVICES to a card that both can use"
            )
        self.commit_info = commit_info if self.against.tree == ROOT else commit_of(self.against.tree)

    def record(self) -> dict[str, Any]:
        """What the run file says of it."""
        return {
            "name": self.against.name,
            "lane": str(self.description.get("lane", "")),
            "commit_info": {name: self.commit_info.get(name) for name in ("id", "dirty")},
            "other_tree": self.against.tree != ROOT,
        }

    def measure(
        self,
        order: Order,
        environment: str,
        result: dict[str, Any],
        report: Report = quietly,
        save: Callable[[], None] = lambda: None,
    ) -> None:
        """Measure a cell on the base side, then interleave rounds of both.

        Whatever ends it, `result` keeps what was measured, and says in `problem` what could not be. Until all is done
        the cell counts as `broken`, so that an interrupted run does not pass by half of its pairs.

        Args:
            order: the cell; both sides get the same, but for the drill.
            environment: the digest of the base's environment.
            result: the cell's `against` in the run file, filled as it is measured.
            report: takes progress.
            save: called whenever `result` holds something new that is worth writing down.
        """
        result |= UNMEASURED
        try:
            result |= self._base_record(order, environment, report)
            result["problem"] = "the run ended before all pairs were timed"
            save()
            if self.against.launches:
                self._time_pairs(order, result, report, save)
            del result["problem"], result["broken"]
        except BrokenWorkerError as error:
            self.close()  # the next cell starts with fresh workers
            result["problem"] = str(error)
        except OutOfMemoryError as error:
            result |= {"problem": f"{error}{_memory_of_both(result)}", "broken": False}
        except SuiteError as error:
            result |= {"problem": str(error), "broken": False}

    def close(self) -> None:
        """End all workers."""
        if self._counting:
            self._counting.stop()
        if self._screening:
            self._screening.stop()
        self._counting = self._screening = None

    def _refuse_few_launches(self) -> None:
        fewest = wall.fewest_launches(self.cells)
        if 0 < self.against.launches < fewest:
            cells = f"{self.cells} cells need" if self.cells > 1 else "a cell needs"
            raise SuiteError(
                f"--against-launches={self.against.launches}: {cells} at least {fewest * PAIRS} pairs ({PAIRS} a "
                f"launch) for any verdict; give {fewest} or more, or 0 to time no pairs"
            )

    def _base_record(self, order: Order, environment: str, report: Report) -> dict[str, Any]:
        """The cell as the base measures it, while the head is idle."""
        worker = self._counting_worker()
        answer = worker.ask("measure", order, lambda progress: report(Progress(f"base: {progress.get('phase', '')}")))
        try:
            record = {"schema_version": SCHEMA_VERSION, "environment": environment, **answer["record"]}
            result = {"record": record, "rounds_s": answer["rounds_s"]}
            AgainstRecord.model_validate(result)
        except (KeyError, TypeError, ValidationError) as error:
            path = error.errors()[0]["loc"] if isinstance(error, ValidationError) else error.args
            worker.stop()
            raise BrokenWorkerError(
                f"{self.against.side.name} sent an invalid record (field {'.'.join(map(str, path))})"
            ) from error
        if CellRecord.model_validate(record).cell != order.cell:
            raise BrokenWorkerError(f"{self.against.side.name} measured {record['cell']} instead of {order.cell}")
        return result

    def _time_pairs(self, order: Order, result: dict[str, Any], report: Report, save: Callable[[], None]) -> None:
        """Time pairs until the rule has enough of them; the last samples taken are the ones to judge."""
        if self.family and not self._needs_fresh_launches(order, result, report):
            return
        samples = Samples()
        following: Launch | None = self._start_launch()
        try:
            for number in range(self.against.launches):
                launch = following or self._start_launch()
                following = None
                try:
                    if number + 1 < self.against.launches:
                        following = self._start_launch()  # its imports take as long as loading does here
                    self._interleave(launch, order, samples, PAIRS, number, result, report, following)
                finally:
                    launch.stop()
                save()
                if not self.family and enough(samples):  # a family's cell that stood out is judged once, at the end
                    break
        finally:
            if following:
                following.stop()

    def _needs_fresh_launches(self, order: Order, result: dict[str, Any], report: Report) -> bool:
        """Screen a cell of a family: whether it stands out by its first pairs."""
        if self._screening and not self._screening.alive:
            self._screening.stop()  # the side that is still alive would hold its memory of the device
            self._screening = None
        self._screening = self._screening or self._start_launch()
        samples = Samples()
        self._interleave(self._screening, order, samples, SCREENING_PAIRS, 0, result, report)
        steps = samples.base_step_p10_s, samples.head_step_p10_s
        verdict = judge_pairs(*steps, base_walls=samples.base_s, head_walls=samples.head_s, family=True)
        return needs_rerun(*steps) or verdict.status in (Status.WORSE, Status.BETTER)

    def _interleave(
        self,
        launch: Launch,
        order: Order,
        samples: Samples,
        pairs: int,
        number: int,
        result: dict[str, Any],
        report: Report,
        following: Launch | None = None,
    ) -> None:
        """Time one launch's pairs of a cell, once `following` has started; they are kept however it ends."""
        most = pairs if following is None and not number else self.against.launches * pairs
        report(Progress("loading both sides"))
        try:
            with loaded(launch, order, replace(order, drill=self.drill)):
                if following:
                    following.ready()
                cores = self.cores(order.device)
                measure_pairs(launch, samples, pairs, number, lambda done: report(Progress("pairs", done, most)), cores)
        finally:
            if len(samples) >= sum(result.get("pairs", {}).get("launches", (1,))):  # else the screening says more
                result["pairs"] = samples.record() | {"family": self.family}

    def _start_launch(self) -> Launch:
        """A fresh process of each side; neither is waited for."""
        base = self._start_worker(self.against.side)
        try:
            return Launch(base, self._start_worker(self.head))
        except SuiteError:
            base.stop()
            raise

    def _counting_worker(self) -> WorkerProcess:
        """The base's worker that measures cells by itself."""
        self._counting = self._counting or self._start_worker(self.against.side)
        return self._counting

    def _start_worker(self, side: Side) -> WorkerProcess:
        return self.start(side, self.against.timeout_s)


def enough(samples: Samples) -> bool:
    """Whether more pairs could not change the verdict."""
    verdict = judge_pairs(
        samples.base_step_p10_s,
        samples.head_step_p10_s,
        base_walls=samples.base_s,
        head_walls=samples.head_s,
    )
    return verdict.next_look is None


def _memory_of_both(result: dict[str, Any]) -> str:
    """What both sides need at once, as far as it is known."""
    peak = result.get("record", {}).get("metrics", {}).get("peak_allocated", {}).get("value")
    if not peak:
        return ""
    return (
        f"; both sides hold the model at once, about twice {quantity(peak, 'B')}, so free the card or leave the cell's "
        "wall time to a baseline (--against-launches=0)"
    )
