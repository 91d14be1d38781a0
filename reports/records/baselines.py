"""Baselines: reviewed run files under `<root>/<hardware>/<lane>/<level>/`, found by pytest-benchmark as they are.

There is one file a folder, `0001_baseline.json`, and git keeps its history. It changes only through `accept`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from reports.characters import short
from reports.errors import ReportError
from reports.records import runfile
from reports.records.document import SHOWN
from reports.records.files import locked
from reports.records.metrics import METRICS, Better
from reports.records.schema import Acceptance, Benchmark, CellOutcome, CellRecord, RunFile

DEFAULT_ROOT = Path(__file__).resolve().parents[1] / "baselines"
FILE = "0001_baseline.json"

HISTORY = 20
"""Acceptances that a baseline remembers; git has the rest."""

LONGEST_REASON = 10_000

NOTHING = "nothing to accept: the run holds no measured cell that was asked for"

Which = Literal["all", "new"]


def hardware_slug(gpu_model: str | None) -> str:
    """The folder of a card: `NVIDIA H200` is `nvidia-h200`; without a GPU, `cpu`."""
    if gpu_model is None:
        return "cpu"
    slug = re.sub(r"[^a-z0-9]+", "-", gpu_model.lower()).strip("-")
    if not slug:
        raise ReportError(f"the GPU's name {gpu_model!r} has no letter or digit to name a baseline folder by")
    return slug


def folder(root: Path, hardware: str, lane: str, level: str) -> Path:
    """The folder of the baselines of one card, lane and level.

    Raises:
        ReportError: a part would leave the folder.
    """
    for part in (hardware, lane, level):
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,99}", part):
            raise ReportError(
                f"{short(part, SHOWN)!r} cannot name a folder of baselines or runs: up to 100 small letters, digits, - "
                "and _ only"
            )
    return root / hardware / lane / level


def path_for(root: Path, run: RunFile) -> Path:
    """Where the baseline of a run's kind lies."""
    return folder(root, run.suite.hardware, run.suite.lane, run.suite.level) / FILE


def read(path: Path) -> RunFile:
    """Read a run file to compare others with.

    Raises:
        ReportError: it cannot be read, or is a drill.
    """
    run = runfile.read(path)
    runfile.refuse_drill(run, str(path))
    return run


@dataclass(frozen=True, slots=True)
class Change:
    """What accepting a run did to one cell, and its metrics before and after."""

    cell: str
    action: Literal["added", "replaced", "kept", "removed"]
    before: dict[str, float]
    after: dict[str, float]
    rounds: int = 0

    @property
    def moved(self) -> dict[str, tuple[float, float]]:
        """Gated metric -> its values before and after, where they differ."""
        return {
            name: (self.before[name], value)
            for name, value in self.after.items()
            if name in METRICS and METRICS[name].gated and name in self.before and self.before[name] != value
        }

    @property
    def lost(self) -> list[str]:
        """The gated metrics that a replaced cell does not have any more: nothing later can fail by them."""
        gated = [name for name in self.before if name in METRICS and METRICS[name].gated]
        return [name for name in gated if name not in self.after] if self.action == "replaced" else []

    @property
    def worse(self) -> list[str]:
        """The gated metrics that got worse, by however little."""
        return [
            name
            for name, (before, after) in self.moved.items()
            if (after > before) == (METRICS[name].better is Better.LOWER)
        ]


def accept(
    run: RunFile,
    root: Path = DEFAULT_ROOT,
    *,
    which: Which = "all",
    keep: Callable[[str], bool] = lambda cell: True,
    reason: str = "",
    check: Callable[[RunFile], None] = lambda baseline: None,
) -> tuple[Path, list[Change]]:
    """Make a run's measured cells the baseline of its hardware, lane and level.

    Args:
        run: the run; cells that failed in it are left as they are in the baseline.
        root: the folder of all baselines.
        which: `all`, or `new` for cells that the baseline does not hold yet.
        keep: which cells to take.
        reason: why; kept in the baseline beside the run's date and commit. Accepting a run again changes nothing,
            except that another reason is noted. A cell that loses a gated metric needs one.
        check: raises ReportError where the baseline as it would be cannot be one (`invariants.refuse_broken`).

    Returns:
        The baseline's path and what became of each cell of the run.

    A cell that is not in the matrix any more leaves the baseline with the next accepted run of the whole matrix.

    Raises:
        ReportError: the run holds nothing to accept, is a drill, did other work than its level's, the baseline at
            hand cannot be read, or the new one fails the check or would gate less without a reason; the baseline at
            hand is then left as it was.
    """
    refused = refusal(run)
    if refused:
        raise ReportError(refused)
    if len(reason) > LONGEST_REASON:
        raise ReportError(
            f"--reason has {len(reason):,} characters: say it in {LONGEST_REASON:,}, and where the rest is"
        )
    path = path_for(root, run)
    chosen = [benchmark for benchmark in _measured(run) if keep(benchmark.extra_info.cell)]
    if not chosen:
        raise ReportError(NOTHING)
    with locked(path):
        old = runfile.read(path) if path.exists() else None
        changes, taken = _changes(run, chosen, old, which)
        if not reason:
            _refuse_losses(changes)
        gone = {change.cell for change in changes if change.action == "removed"}
        if taken or gone:
            baseline = combined(run, taken, old, gone, reason)
            check(baseline)
            runfile.write(path, baseline)
    return path, changes


def _measured(run: RunFile) -> list[Benchmark]:
    """The cells that were measured and did not fail."""
    failed = {outcome.cell for outcome in run.suite.cells if outcome.outcome == "failed"}
    return [benchmark for benchmark in run.benchmarks if benchmark.extra_info.cell not in failed]


def _changes(
    run: RunFile, chosen: list[Benchmark], old: RunFile | None, which: Which
) -> tuple[list[Change], list[Benchmark]]:
    """What accepting the chosen cells of a run does to a baseline, and the cells that it takes in."""
    old_cells = old.cells if old else {}
    taken: list[Benchmark] = []
    changes = []
    for benchmark in chosen:
        cell = benchmark.extra_info
        before = old_cells.get(cell.cell)
        if before is not None and which == "new":
            changes.append(Change(cell.cell, "kept", values(before), values(before)))
            continue
        taken.append(benchmark.model_copy(update={"extra_info": accepted(cell, run.datetime)}))
        changes.append(
            Change(
                cell.cell,
                "replaced" if before else "added",
                values(before) if before else {},
                values(cell),
                len(benchmark.stats.data),
            )
        )
    whole = (
        which == "all"
        and run.suite.finished
        and len(chosen) == len(_measured(run))
        and not any(_left_out(outcome) for outcome in run.suite.cells)
    )
    judged = {cell for cell, record in old_cells.items() if not record.test or record.test in run.tests}
    gone = judged - set(run.outcomes()) if whole else set()
    changes += [Change(cell, "removed", values(old_cells[cell]), {}) for cell in sorted(gone)]
    return changes, taken


def _left_out(outcome: CellOutcome) -> bool:
    """Whether a selection or a split left a cell out; what the level does not measure has a reason and no shard."""
    return outcome.outcome == "not asked for" and (not outcome.reason or outcome.shard is not None)


def _refuse_losses(changes: list[Change]) -> None:
    """Let pass what gates all that the baseline gated.

    Raises:
        ReportError: a cell lacks a gated metric that it had.
    """
    losing = [change for change in changes if change.lost]
    if losing:
        first, more = losing[0], len(losing) - 1
        others = f" (and {more} more cell{'s' if more > 1 else ''} like it)" if more else ""
        raise ReportError(
            f"{first.cell} has no {', '.join(first.lost)} in this run{others}, so no later run could fail by it: "
            'measure again, or say why it is gone: python -m reports accept RUN.json --reason "..."'
        )


def refusal(run: RunFile) -> str:
    """Why no baseline can be made of a run, whatever the baseline at hand; empty where one can."""
    if run.suite.drill:
        return runfile.drilled(run, "this run")
    if "tokens" in run.suite.overrides:
        return (
            f"this run made {run.suite.overrides['tokens']:.0f} semantic tokens a sample, not those of level "
            f"{run.suite.level}: every later run would be incomparable with it; measure again without --tokens"
        )
    return "" if run.benchmarks else NOTHING


def accepted(cell: CellRecord, date: str) -> CellRecord:
    """A cell as a baseline holds it: with the date of its run, and without what stays there: sample, base."""
    kept = cell.model_dump(exclude_unset=True, exclude={"audio", "against"})
    return CellRecord.model_validate(kept | {"accepted": date}).described(cell.of)


def values(cell: CellRecord) -> dict[str, float]:
    """Metric name -> value of a cell."""
    return {name: metric.value for name, metric in cell.metrics.items()}


def acceptances(run: RunFile, cells: int, old: RunFile | None, reason: str) -> list[Acceptance]:
    """The baseline's history with this run's acceptance at its end, `HISTORY` entries at most.

    The same run accepted again for the same reason, or without one, is one entry.
    """
    earlier = list(old.suite.accepted) if old else []
    commit = str(run.commit_info.get("id", "unknown"))
    if not reason:
        given = [known.reason for known in earlier if (known.date, known.commit) == (run.datetime, commit)]
        reason = given[-1] if given else ""
    entry = Acceptance(date=run.datetime, commit=commit, reason=reason, cells=cells)
    return [*(known for known in earlier if known != entry), entry][-HISTORY:]


def combined(run: RunFile, taken: list[Benchmark], old: RunFile | None, gone: set[str], reason: str = "") -> RunFile:
    """The new baseline: the cells taken from the run, and those of the old one that are neither replaced nor gone."""
    replaced = {benchmark.extra_info.cell for benchmark in taken} | gone
    kept = [benchmark for benchmark in (old.benchmarks if old else []) if benchmark.extra_info.cell not in replaced]
    benchmarks = sorted([*kept, *taken], key=lambda benchmark: benchmark.extra_info.cell)
    environments: dict[str, dict[str, Any]] = {}
    for source, entries in ((old, kept), (run, taken)):
        for benchmark in entries:
            assert source is not None
            digest = benchmark.extra_info.environment
            if digest != run.machine_info.get("environment"):
                environments[digest] = environment_groups(source.environment_of(benchmark.extra_info))
    suite = run.suite.model_copy(
        update={
            "models": (old.suite.models if old else {}) | run.suite.models,
            "cells": [_outcome(benchmark.extra_info) for benchmark in benchmarks],
            "environments": environments,
            "finished": True,
            "overrides": {},
            "warnings": [],
            "against": None,
            "accepted": acceptances(run, len(taken), old, reason),
            **({"shards": []} if run.suite.shards else {}),
        }
    )
    checkpoints = (old.machine_info.get("checkpoints", {}) if old else {}) | run.machine_info.get("checkpoints", {})
    work = runfile.digest_of_work(benchmark.extra_info.workload.digest for benchmark in benchmarks)
    machine_info = public(run.machine_info) | {"checkpoints": checkpoints, "workload_digest": work}
    return run.model_copy(update={"benchmarks": benchmarks, "suite": suite, "machine_info": machine_info})


def _outcome(record: CellRecord) -> CellOutcome:
    named = {"cell": record.cell, "model": record.model, "outcome": "measured"}
    return CellOutcome.model_validate(named | ({"test": record.test} if record.test else {}))


def environment_groups(environment: dict[str, Any]) -> dict[str, Any]:
    """The parts of `machine_info` that belong to one environment of several in a file."""
    return {key: environment[key] for key in ("gpu", "host", "software", "commit", "limits") if key in environment}


def public(machine_info: dict[str, Any]) -> dict[str, Any]:
    """`machine_info` fit for a repository: no host name, no list of the processor's flags."""
    shown = {key: value for key, value in machine_info.items() if key != "node"}
    if isinstance(shown.get("cpu"), dict):
        shown["cpu"] = {key: value for key, value in shown["cpu"].items() if key != "flags"}
    return shown
