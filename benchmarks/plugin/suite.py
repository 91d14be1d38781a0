"""A session of the suite: measures cells, records them, judges them. Knows nothing of pytest's hooks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from pytest_benchmark.storage.file import FileStorage
from pytest_benchmark.utils import get_machine_id

from benchmarks.plugin.base_side import BaseSide
from benchmarks.plugin.options import Settings
from benchmarks.plugin.plan import cell_in
from benchmarks.plugin.progress import RunProgress
from benchmarks.plugin.recorder import Recorder, cell_record, digest
from benchmarks.plugin.sharding import Durations, Split, measured
from benchmarks.plugin.traces import Traces
from fixtures.cells import Cell
from fixtures.checkpoints.source import CheckpointSource
from fixtures.errors import OutOfMemoryError, SuiteError, guarded
from fixtures.loading import Job, ProvenModel
from fixtures.machine.limits import Limits, probe
from fixtures.machine.switches import refuse_changed
from fixtures.machine.workers import Worker
from fixtures.measure import measure, measure_again
from fixtures.measurement import Measurement, Sample
from fixtures.reference import References
from fixtures.rounds import Report, RoundPolicy, quietly
from reports.errors import ReportError
from reports.records import audio, baselines
from reports.records.model import ModelRecord
from reports.records.schema import SCHEMA_VERSION, CellRecord, RunFile
from reports.render import acceptance, summary
from reports.verdicts.attribution import attribute
from reports.verdicts.compare import compare, compare_cell, rerun_reason
from reports.verdicts.invariants import refuse_broken
from reports.verdicts.sides import compare_cell_sides, compare_sides
from reports.verdicts.thresholds import NONE, Overrides, overrides
from reports.verdicts.verdict import Comparison, Verdict
from reports.verdicts.wall import can_settle, settled


@dataclass(slots=True)
class Suite:
    """One session. `baseline` is set once it was found; `baseline_name` is where it is, or should be."""

    settings: Settings
    recorder: Recorder
    checkpoints: CheckpointSource
    references: References = field(default_factory=References)
    progress: RunProgress | None = None
    machine_info: dict[str, Any] = field(default_factory=dict)
    baseline: RunFile | None = None
    baseline_name: str = ""
    overrides: Overrides = NONE
    split: Split | None = None
    """Set where `--shard` asks for a part of the plan."""
    rerun_s: float = 0.0
    """Seconds spent on timing cells again."""
    traces: Traces | None = None
    """Set where `--trace-dir` asks for traces."""
    switches: dict[str, str] = field(default_factory=dict)
    """Process-wide switches of torch as the session found them."""
    began: bool = False
    """Whether the first cell was got ready for."""
    ending: bool = False
    """Whether the session has run its last test: no signal interrupts it any more."""
    limits_known: bool = False
    """Whether the device was probed for its limits."""
    base_side: BaseSide | None = None
    """Set with `--against`."""
    worker: Worker | None = None
    """Set where this process is one of several that measure at once."""
    awaits_parts: bool = False
    """Whether workers measure for this process, and what they measured is yet to be joined."""

    def measure(self, cell: Cell, policy: RoundPolicy | None = None) -> Measurement:
        """Measure one cell; progress goes to the terminal. A `policy` takes the place of the session's own.

        Raises:
            SuiteError: the cell could not be measured.
        """
        refuse_changed(self.switches)
        job = self.job(cell)
        if self.progress:
            self.progress.start(cell.id)
        try:
            return measure(
                job,
                policy or self.policy,
                self.report,
                self.references,
                partial(self.traces.keep, cell.id) if self.traces else None,
                self._limits(),
            )
        finally:
            if self.progress:
                self.progress.finish()

    def job(self, cell: Cell) -> Job:
        """All that it takes to load a cell.

        Raises:
            SuiteError: its checkpoint cannot be had.
        """
        model, chosen = self.settings.matrix.model_of(cell), self.settings
        checkpoint = self.checkpoints.get(model, cell.checkpoint)
        workload = model.workload(cell, checkpoint.source, chosen.level.tokens_of(model))
        return Job(model, cell, checkpoint, workload, chosen.machine.device, chosen.drill)

    def own_record(self, key: str, test: str, cell: Cell, rounds_s: Sequence[float]) -> dict[str, Any]:
        """The `extra_info` of a user's own benchmark of a cell."""
        job = self.job(cell)
        return {
            "schema_version": SCHEMA_VERSION,
            "cell": key,
            "test": test,
            "model": cell.model,
            "axes": cell.coordinates,
            "environment": self.machine_info.get("environment", ""),
            "workload": job.workload.record(),
            "checkpoint": {"source": job.checkpoint.source, "digest": job.checkpoint.digest},
            "metrics": {"latency": {"value": min(rounds_s), "unit": "s"}},
            "stages": {},
            "rounds": {"launches": [len(rounds_s)]},
        }

    def proven(self, cell: Cell) -> ProvenModel:
        """The cell's model, for a benchmark of a user's own.

        Raises:
            SuiteError: it cannot be loaded or proven.
        """
        refuse_changed(self.switches)
        return ProvenModel(self.job(cell))

    def durations(self) -> Durations:
        """How long cells take, as far as a baseline tells.

        Raises:
            ReportError: the baseline cannot be read.
        """
        chosen = self.settings
        return measured(chosen.matrix, chosen.baseline_root, chosen.hardware, chosen.machine.lane, chosen.level)

    @property
    def report(self) -> Report:
        """Takes how far a cell is."""
        return self.progress.update if self.progress else quietly

    def _limits(self) -> Limits | None:
        """What the device can do at most, measured before the first cell; None where that did not go."""
        if not self.limits_known:
            self.limits_known = True
            device = self.settings.machine.device
            formats = sorted(
                {self.settings.matrix[cell_in(outcome.cell)].compute for outcome in self.recorder.asked_for}
            )
            try:
                self.recorder.limits = guarded(f"the probe of {device}'s limits", lambda: probe(device, formats))
            except OutOfMemoryError as error:
                self.warn(f"{error}; cells are measured without the floor under their latency")
        return self.recorder.limits

    @property
    def policy(self) -> RoundPolicy:
        """When a cell has enough rounds: the level's policy, ended early once they have settled, or cannot any more."""
        return replace(self.settings.level.rounds, settled=settled, can_settle=can_settle)

    def confirm(self, measurement: Measurement) -> Measurement:
        """Time a cell once more where its wall verdict needs it and `--rerun-budget` allows it; else as it was."""
        cell = measurement.job.cell.id
        verdicts = self.verdicts(cell_record(measurement, self.machine_info.get("environment", "")))
        reason = rerun_reason(verdicts) if len(measurement.launches) < 2 else ""
        if not reason:
            return measurement
        if self.rerun_s >= self.settings.rerun_budget_s:
            self.warn(
                f"{cell} was not timed again, --rerun-budget={self.settings.rerun_budget_s:g} s is spent: {reason}"
            )
            return measurement
        if self.progress:
            self.progress.start(cell, f"again, {reason}")
        started = time.monotonic()
        try:
            return measure_again(measurement, self.policy, self.report)
        except SuiteError as error:
            self.warn(f"{cell} could not be timed again: {error}")
            return measurement
        finally:
            self.rerun_s += time.monotonic() - started
            if self.progress:
                self.progress.finish()

    def warn(self, line: str) -> None:
        """Keep a line for the run file and show it at the end."""
        self.recorder.warnings.append(line)

    def record(self, measurement: Measurement) -> dict[str, Any]:
        """The cell's `extra_info`."""
        record = cell_record(measurement, self.machine_info.get("environment", ""))
        if self.worker:
            record["worker"] = self.worker.record()
        if measurement.sample:
            record["audio"] = self._kept_sample(measurement.job.cell.id, measurement.sample)
        return record

    def _kept_sample(self, cell: str, sample: Sample) -> dict[str, Any] | None:
        try:
            return audio.write(self.settings.report_dir, cell, sample.pcm, sample.rate_hz)
        except ReportError as error:
            self.warn(f"the audio sample of {cell} was not kept: {error}")
            return None

    def verdicts(self, record: dict[str, Any]) -> list[Verdict]:
        """The verdicts of one cell against base or baseline; none where there is neither."""
        if not self.base_side and (not self.settings.compare or self.baseline is None):
            return []
        head = self._validated(record)
        base, environment = self._base(head)
        judge_cell = compare_cell_sides if self.base_side else compare_cell
        return judge_cell(base, head, environment, self.machine_info, self.overrides)

    def _validated(self, record: dict[str, Any]) -> CellRecord:
        model = ModelRecord.model_validate(self.recorder.models[record["model"]])
        return CellRecord.model_validate(record).described(model)

    def _base(self, head: CellRecord) -> tuple[CellRecord | None, dict[str, Any]]:
        """What a cell is held against, and the environment that was measured in."""
        if self.base_side:
            base = head.against.record if head.against else None
            return base, self.recorder.environments.get(base.environment, self.machine_info) if base else {}
        base = self.baseline.cells.get(head.cell) if self.baseline else None
        return base, self.baseline.environment_of(base) if self.baseline and base else {}

    def properties(self, record: dict[str, Any]) -> list[tuple[str, str]]:
        """What `--junitxml` says of a cell: each metric with its unit, and the verdicts where it was judged."""
        return summary.properties(self._validated(record), self.verdicts(record))

    def regression(self, record: dict[str, Any]) -> str:
        """The message of a cell that got worse than its baseline; empty where it did not, or nothing was asked."""
        verdicts = self.verdicts(record)
        if not any(verdict.fails for verdict in verdicts):
            return ""
        head = self._validated(record)
        base, environment = self._base(head)
        return summary.cell_message(verdicts, attribute(base, head, verdicts, environment, self.machine_info))

    def judge(self, run: RunFile) -> Comparison | None:
        """The comparison of the whole run with its base or its baseline, if one was asked for."""
        if run.suite.against:
            return compare_sides(run, self.overrides)
        if not self.settings.compare:
            return None
        return compare(
            self.baseline,
            run,
            baseline=self.baseline_name,
            overrides=self.overrides,
        )

    def load_baseline(self, *, needed: bool = False) -> None:
        """Find the baseline as pytest-benchmark would, and read it, before anything is measured.

        Args:
            needed: by `--benchmark-compare-fail`, which otherwise has nothing to judge and says so at the end.

        Raises:
            SuiteError: what `--benchmark-compare` or `--benchmark-storage` names cannot be searched, or there is none.
            ReportError: the baseline or the thresholds cannot be read.
        """
        wanted = self.settings.compare_with
        self.overrides = overrides()
        storage = self.settings.storage
        if self.settings.storage_is_ours:
            storage = str(self.settings.baseline_folder)
        elif not storage.startswith("file://") and "://" in storage:
            raise SuiteError(f"--benchmark-storage={storage}: only file:// storages can be compared with")
        storage = storage.removeprefix("file://")
        try:
            search = FileStorage(storage, logger=None, default_machine_id=get_machine_id())
            matching = search.query(wanted or "[0-9][0-9][0-9][0-9]_*")
        except (ValueError, NotImplementedError) as error:  # the latter of an absolute path where no file is
            reason = "there is no such file" if Path(wanted or "").is_absolute() else error
            raise SuiteError(f"--benchmark-compare={wanted}: {reason}") from error
        if matching:
            self.baseline_name = shown(matching[-1])
            self.baseline = baselines.read(matching[-1])
        else:
            self.baseline_name = f"in {shown(Path(storage))}" + (f" matching {wanted!r}" if wanted else "")
            if needed:
                raise SuiteError(
                    f"--benchmark-compare-fail has nothing to judge, as there is no baseline {self.baseline_name}: "
                    "leave it out, or name a stored run with --benchmark-compare"
                )

    def update_baseline(self, run: RunFile) -> list[str]:
        """Accept the run as `--update-baselines` asks; returns what changed, in lines."""
        assert self.settings.update is not None
        path, changes = baselines.accept(
            run,
            self.settings.baseline_root,
            which=self.settings.update,
            reason=self.settings.reason,
            check=refuse_broken,
        )
        return [f"baseline {shown(path)}:", *(f"  {line}" for line in acceptance.lines(changes))]


def shown(path: Path) -> str:
    """A path relative to the working directory where it is inside."""
    absolute = path.resolve()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)


def environment_record(groups: dict[str, Any], commit: str) -> dict[str, Any]:
    """Environment groups with the commit and a digest over all, as `machine_info` holds them."""
    described = groups | {"commit": commit}
    return described | {"environment": digest(described)}
