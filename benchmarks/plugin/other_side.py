"""The other side of a session: measures a cell alone, then both sides' rounds in turns, by the paired rule.

Workers that time pairs never count: a profiler that was once on may leave a process slower, which would hide in one
side alone. So what is exact comes from a worker of its own, and pairs from two that have done the same.
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
"""Pairs of a fresh launch of both sides."""

SCREEN = wall.RULES.family_looks[0].pairs
"""Pairs of each cell of a family, in launches that all cells share; who stands out is measured afresh."""

ALONE = wall.ALONE
"""Cells up to which each is judged by itself; more are a family."""


@dataclass(slots=True)
class OtherSide:
    """Live workers of both sides. `cells`: how many the session runs. `drill`: planted in this side alone."""

    against: Against
    cells: int
    drill: str = ""
    start: Callable[[Side, float], WorkerProcess] = WorkerProcess
    head: Side = field(default_factory=lambda: Side("this side", sys.executable, ROOT))
    description: dict[str, Any] = field(default_factory=dict)
    commit_info: dict[str, Any] = field(default_factory=dict)
    cores: Callable[[str], QuietCores | None] = quiet_cores
    _alone: WorkerProcess | None = None
    _shared: Launch | None = None

    @property
    def family(self) -> bool:
        """Whether so many cells are judged at once that each needs stronger evidence."""
        return self.cells > ALONE

    def check(self, commit_info: dict[str, Any], gpu: dict[str, Any] | None) -> None:
        """Start the other side once, before anything is measured.

        Args:
            commit_info: of this checkout.
            gpu: what this side says of its card; None on the CPU.

        Raises:
            SuiteError: it cannot measure at all, would measure another card, or its launches can decide nothing.
        """
        self._refuse_few_launches()
        self.description = self._counting().ready()
        here, there = gpu or {}, self.description["environment"].get("gpu") or {}
        if gpu is None:
            self.description["environment"]["gpu"] = None  # a card that it sees and was not asked to use
        elif here.get("card") != there.get("card"):
            raise SuiteError(
                f"{self.against.side.name} sees another GPU ({there.get('model', 'none')}) than this one "
                f"({here.get('model')}): set CUDA_VISIBLE_DEVICES to the card that both can use"
            )
        self.commit_info = commit_info if self.against.tree == ROOT else commit_of(self.against.tree)

    def record(self) -> dict[str, Any]:
        """What the run file says of it."""
        kept = {name: self.commit_info.get(name) for name in ("id", "dirty")}
        return {
            "name": self.against.name,
            "lane": str(self.description.get("lane", "")),
            "commit_info": kept,
            "other_tree": self.against.tree != ROOT,
        }

    def measure(
        self,
        order: Order,
        environment: str,
        found: dict[str, Any],
        report: Report = quietly,
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        """Measure a cell there, and both sides in turns: a cell's `against` in the run file.

        Args:
            order: the cell; both sides get the same, but for the drill.
            environment: the digest of the other side's environment.
            found: takes what is measured, as it comes.
            report: takes progress.
            keep: called when there is more in `found` that is worth writing down.

        What cannot be measured is said in `problem`; nothing that was is lost, whatever ends it. Until then the cell is
        `broken`, so that a run that is ended here does not pass by what it holds.
        """
        found |= UNMEASURED
        try:
            found |= self._record(order, environment, report)
            found["problem"] = "the run ended before all pairs were timed"
            keep()
            if self.against.launches:
                self._pairs(order, found, report, keep)
            del found["problem"], found["broken"]
        except BrokenWorkerError as error:
            self._forget_broken()
            found["problem"] = str(error)
        except OutOfMemoryError as error:
            found |= {"problem": f"{error}{_together(found)}", "broken": False}
        except SuiteError as error:
            found |= {"problem": str(error), "broken": False}

    def close(self) -> None:
        """End all workers."""
        if self._alone:
            self._alone.stop()
        if self._shared:
            self._shared.stop()
        self._alone = self._shared = None

    def _refuse_few_launches(self) -> None:
        fewest = wall.fewest_launches(self.cells)
        if 0 < self.against.launches < fewest:
            cells = f"{self.cells} cells are" if self.cells > 1 else "a cell is"
            raise SuiteError(
                f"--against-launches={self.against.launches}: {cells} judged by {fewest * PAIRS} pairs or more, "
                f"{PAIRS} a launch, so that nothing would ever be found; give {fewest} or more, or 0 for no rounds in "
                "pairs"
            )

    def _record(self, order: Order, environment: str, report: Report) -> dict[str, Any]:
        """The cell as the other side measures it by itself."""
        worker = self._counting()
        answer = worker.ask("measure", order, lambda seen: report(Progress(f"other side: {seen.get('phase', '')}")))
        try:
            record = {"schema_version": SCHEMA_VERSION, "environment": environment, **answer["record"]}
            found = {"record": record, "rounds_s": answer["rounds_s"]}
            AgainstRecord.model_validate(found)
        except (KeyError, TypeError, ValidationError) as error:
            first = error.errors()[0]["loc"] if isinstance(error, ValidationError) else error
            worker.stop()
            raise BrokenWorkerError(f"{self.against.side.name} sent a record that is none, at {first}") from error
        if CellRecord.model_validate(record).cell != order.cell:
            raise BrokenWorkerError(f"{self.against.side.name} measured {record['cell']} in place of {order.cell}")
        return found

    def _pairs(self, order: Order, found: dict[str, Any], report: Report, keep: Callable[[], None]) -> None:
        """Time pairs until the rule has enough of them; the last samples that were taken are those to judge."""
        if self.family and not self._stands_out(order, found, report):
            return
        samples = Samples()
        following: Launch | None = self._begun()
        try:
            for number in range(self.against.launches):
                launch = following or self._begun()
                following = None
                try:
                    if number + 1 < self.against.launches:
                        following = self._begun()  # its imports take as long as loading does here
                    self._in_turns(launch, order, samples, PAIRS, number, found, report, following)
                finally:
                    launch.stop()
                keep()
                if not self.family and enough(samples):  # a family's cell that stood out is judged once, at the end
                    break
        finally:
            if following:
                following.stop()

    def _stands_out(self, order: Order, found: dict[str, Any], report: Report) -> bool:
        """Whether a cell of a family has to be measured in fresh launches, by its first pairs."""
        if self._shared and not self._shared.alive:
            self._shared.stop()  # the side that lives on would hold its part of the device
            self._shared = None
        self._shared = self._shared or self._begun()
        samples = Samples()
        self._in_turns(self._shared, order, samples, SCREEN, 0, found, report)
        steps = samples.base_step_p10_s, samples.head_step_p10_s
        seen = judge_pairs(*steps, base_walls=samples.base_s, head_walls=samples.head_s, family=True)
        return needs_rerun(*steps) or seen.status in (Status.WORSE, Status.BETTER)

    def _in_turns(
        self,
        launch: Launch,
        order: Order,
        samples: Samples,
        pairs: int,
        number: int,
        found: dict[str, Any],
        report: Report,
        following: Launch | None = None,
    ) -> None:
        """One launch's pairs of a cell, timed while nothing of `following` starts any more; kept however it ends."""
        most = pairs if following is None and not number else self.against.launches * pairs
        report(Progress("loading both sides"))
        try:
            with loaded(launch, order, replace(order, drill=self.drill)):
                if following:
                    following.ready()
                cores = self.cores(order.device)
                measure_pairs(launch, samples, pairs, number, lambda done: report(Progress("pairs", done, most)), cores)
        finally:
            if len(samples) >= sum(found.get("pairs", {}).get("launches", (1,))):  # else the screen says more
                found["pairs"] = samples.record() | {"family": self.family}

    def _begun(self) -> Launch:
        """A fresh process of each side, started at the same time and not waited for."""
        base = self._started(self.against.side)
        try:
            return Launch(base, self._started(self.head))
        except SuiteError:
            base.stop()
            raise

    def _counting(self) -> WorkerProcess:
        """The other side's worker that measures cells alone."""
        self._alone = self._alone or self._started(self.against.side)
        return self._alone

    def _started(self, side: Side) -> WorkerProcess:
        return self.start(side, self.against.timeout_s)

    def _forget_broken(self) -> None:
        """End everything, so that the next cell starts with workers that are whole."""
        self.close()


def enough(samples: Samples) -> bool:
    """Whether the rule has nothing to learn from more pairs than these."""
    found = judge_pairs(
        samples.base_step_p10_s,
        samples.head_step_p10_s,
        base_walls=samples.base_s,
        head_walls=samples.head_s,
    )
    return found.next_look is None


def _together(found: dict[str, Any]) -> str:
    """What both sides need at once, as far as it is known."""
    peak = found.get("record", {}).get("metrics", {}).get("peak_allocated", {}).get("value")
    if not peak:
        return ""
    return (
        f"; both sides hold the model at once, about twice {quantity(peak, 'B')}, so free the card or leave the cell's "
        "wall time to a baseline (--against-launches=0)"
    )
