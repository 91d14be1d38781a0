"""The records of a run file, and what is true of each field: see `reports/records/runfile.py`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    PrivateAttr,
    model_validator,
)

from reports.records.bounds import MOST_ROUNDS, Name, Named, PerCell, Rows, Text
from reports.records.counters import CountersRecord
from reports.records.model import ModelRecord

SCHEMA_VERSION = 2

AxisValue: TypeAlias = Name | Annotated[int, Field(strict=True)]

MOST_LAUNCHES = 16
"""Of one cell; a rerun makes two. Each is held against all of the baseline's rounds."""

Outcome = Literal["measured", "failed", "skipped", "not run", "not asked for"]
"""`not run`: the session ended before. `not asked for`: left out by -k, -m, a node id, --lf, the level or a shard."""


Seconds: TypeAlias = Annotated[float, Field(ge=1e-12, le=1e9)]
"""A duration that a clock can give, up to thirty years: the ratio of two is a number above 0."""

PerRound: TypeAlias = Annotated[list[Seconds], Field(max_length=MOST_ROUNDS), FailFast()]
"""One number a round. A list of nothing but errors is refused at the first."""


Marks: TypeAlias = Annotated[list[NonNegativeInt], Field(max_length=MOST_ROUNDS), FailFast()]


class _Record(BaseModel):
    model_config = ConfigDict(extra="allow")


class MetricValue(_Record):
    """A metric's value in the unit of the metric table. `definition`: which of the metric's definitions it follows."""

    value: FiniteFloat = Field(ge=0, strict=True)
    unit: Name
    definition: PositiveInt = 1


class StageRecord(_Record):
    """One stage of the generation: its metrics, and what it produced a sample."""

    metrics: Named[MetricValue]
    tokens: int


class WorkloadRecord(_Record):
    """What was generated; two cells are comparable only if all of it is equal.

    `inputs`: digest of the token ids and masks that the model was fed; empty in a file that does not know it. `batch`:
    samples a generation.
    """

    digest: Name
    source: Name
    inputs: Name = ""
    batch: int = 1


class CheckpointRecord(_Record):
    """Which weights were loaded: `hub` or `synthetic`, and the commit or digest."""

    source: Name
    digest: Name


class Rounds(_Record):
    """What is known of the timed rounds beside their seconds.

    `step_p10_s`: the 10th percentile of each round's decoding steps, seconds; empty where no step was timed.
    `host_probe_s`: how long the host took for a fixed piece of work just before each round; may be empty.
    `launches`: how many of the rounds belong to each load of the model; a rerun is a load of its own.
    `sm_clock_mhz`, `memory_clock_mhz`, `temperature_c`, `power_w`: of the card at the end of each round; empty where it
    does not tell. `marked`: what throttled or contended the card -> the rounds it was so in, from 0, which count all
    the same. `dropped`: the same -> how many rounds do not count and were measured again. `device_paced`: the host did
    not wait for a step before it asked for the next, so a step is its share of the stage's time.
    """

    device_paced: bool = False
    step_p10_s: PerRound = Field(default_factory=list)
    host_probe_s: PerRound = Field(default_factory=list)
    launches: list[PositiveInt] = Field(default_factory=list, max_length=MOST_LAUNCHES)
    sm_clock_mhz: list[PositiveInt] = Field(default_factory=list, max_length=MOST_ROUNDS)
    memory_clock_mhz: list[PositiveInt] = Field(default_factory=list, max_length=MOST_ROUNDS)
    temperature_c: list[FiniteFloat] = Field(default_factory=list, max_length=MOST_ROUNDS)
    power_w: list[FiniteFloat] = Field(default_factory=list, max_length=MOST_ROUNDS)
    marked: Named[Marks] = Field(default_factory=dict)
    dropped: Named[PositiveInt] = Field(default_factory=dict)

    def by_launch(self) -> list[tuple[list[float], list[float]]]:
        """Step p10 and host probes of each launch's rounds."""
        ends = list(itertools.accumulate(self.launches)) or [len(self.step_p10_s)]
        return [
            (self.step_p10_s[start:end], self.host_probe_s[start:end]) for start, end in itertools.pairwise([0, *ends])
        ]


class AudioRecord(_Record):
    """A cell's sample: `file` lies beside the run file, as `audio/NAME.wav` and nowhere else; `duration_s` of it."""

    file: str = Field(pattern=r"^audio/\w[\w.-]*\.wav$", max_length=300)
    duration_s: PositiveFloat


class FloorRecord(_Record):
    """What the floor of one stage is made of; `bound`: what most of it is spent on. Bytes and operations."""

    bound: Literal["memory", "compute", "transfer"]
    passes: int
    flops: int
    moved_bytes: int
    transferred_bytes: int = 0


class LimitsRecord(_Record):
    """What the device was seen to do at most: bytes a second of its memory and from the host.

    `matrix_flops_per_s`: precision -> floating-point operations a second.
    """

    memory_bytes_per_s: PositiveFloat
    matrix_flops_per_s: Named[PositiveFloat] = Field(default_factory=dict)
    transfer_bytes_per_s: PositiveFloat | None = None


class PairsRecord(_Record):
    """Interleaved rounds of two live processes on one device, in seconds; index `i` of each list is one pair.

    `launches`: how many of the pairs belong to each fresh launch of both sides. `family`: the cell is one of many that
    were judged at once.
    """

    base_step_p10_s: PerRound
    head_step_p10_s: PerRound
    base_s: PerRound
    head_s: PerRound
    launches: list[PositiveInt] = Field(max_length=MOST_LAUNCHES)
    family: bool = False


class AgainstRecord(_Record):
    """What `--against` measured of a cell: the base's own record, and interleaved rounds of base and head.

    `record` was measured while the head was idle; None where the base could not, and `problem` says why.
    `rounds_s`: seconds of its rounds. `broken`: a side's process died, hung or made no sense, or the run ended before
    the cell was through, so that nothing follows.
    """

    record: CellRecord | None = None
    rounds_s: PerRound = Field(default_factory=list)
    pairs: PairsRecord | None = None
    problem: Text = ""
    broken: bool = False


UNMEASURED = {"problem": "the run ended before the base was measured", "broken": True}
"""Of an `AgainstRecord`: what holds of a cell until the base has measured it."""


class WorkerRecord(_Record):
    """Which of several workers of one host measured a cell, `of` at once.

    `gpu`: the place of its card among the visible ones, None on the CPU; the environment says which card it is.
    `cores`: of the host, that it had for itself, as the kernel lists them (`0-3,8`).
    """

    name: Text
    of: PositiveInt
    gpu: NonNegativeInt | None = None
    cores: Text


class CellRecord(_Record):
    """`extra_info` of one benchmark: everything that pytest-benchmark has no field for.

    `cell` is unique among all models of a run; a benchmark of a user's own is `TEST[CELL]`, and `test` names it.
    `accepted`: in a baseline, the date of the run that the cell came from, which finds its entry in `suite.accepted`.
    `against`: of a run with `--against`. `worker`: in a run of several workers at once.
    """

    schema_version: int
    model: Name
    cell: Name
    test: Name = ""
    axes: Named[AxisValue]
    environment: Name
    workload: WorkloadRecord
    checkpoint: CheckpointRecord
    metrics: Named[MetricValue]
    stages: Named[StageRecord]
    rounds: Rounds = Field(default_factory=Rounds)
    counters: CountersRecord | None = None
    roofline: Named[FloorRecord] = Field(default_factory=dict)
    audio: AudioRecord | None = None
    proofs: Named[Text] = Field(default_factory=dict)
    phases: Named[FiniteFloat] = Field(default_factory=dict)
    worker: WorkerRecord | None = None
    accepted: Name = ""
    against: AgainstRecord | None = None
    _of: ModelRecord | None = PrivateAttr(default=None)

    def described(self, model: ModelRecord) -> CellRecord:
        """This record, which knows its model from now on, and so does the base's."""
        self._of = model
        if self.against and self.against.record:
            self.against.record._of = model
        return self

    @property
    def of(self) -> ModelRecord:
        """The model that it is a cell of."""
        assert self._of is not None, "a record of no run file"
        return self._of

    @property
    def checkpoint_name(self) -> str:
        """The short name of its weights."""
        return self.of.checkpoint_of(self.axes)

    @property
    def batch(self) -> int:
        """Samples a generation."""
        return self.workload.batch

    @property
    def label(self) -> str:
        """Its optimizations, for people, with the name of a user's own benchmark."""
        label = self.of.label_of(self.axes)
        return f"{self.test}: {label}" if self.test else label

    @property
    def group(self) -> str:
        """What it is shown under, with the cells that do the same work."""
        return self.of.group_of(self.axes)

    @property
    def compute(self) -> str:
        """The number format of its matrix products."""
        return next((value.compute for value in self.of.traits(self.axes) if value.compute), "fp32")


class Stats(_Record):
    """pytest-benchmark's statistics of the rounds, in seconds; it writes more of them than are named here."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    data: Annotated[list[FiniteFloat], Field(min_length=1, max_length=MOST_ROUNDS), FailFast()]
    min: FiniteFloat


class Benchmark(_Record):
    """One entry of pytest-benchmark's `benchmarks`; `stats.data` holds the rounds' seconds."""

    name: Text
    fullname: Text
    stats: Stats
    extra_info: CellRecord


class CellOutcome(_Record):
    """What became of one cell of the matrix, measured or not, with the reason where not.

    `shard`: which shard measures the cell, where it is none that this file holds. `model` is empty where one model
    alone is in the file. `test`: of a benchmark of a user's own.
    """

    cell: Name
    model: Name = ""
    test: Name = ""
    outcome: Outcome
    reason: Text = ""
    shard: PositiveInt | None = None


class Acceptance(_Record):
    """One acceptance into a baseline: when its run was measured, of which commit, why, and how many cells came in."""

    date: Name
    commit: Name
    reason: Text
    cells: int


class ShardRecord(_Record):
    """One part of a plan that was split over hosts, `--shard NUMBER/OF`; `split` is the digest of the whole split."""

    number: PositiveInt
    of: PositiveInt
    split: Name


class BaseSideRecord(_Record):
    """The base that this run was interleaved with (`--against`). `name` is for people.

    `only_there`: the cells that it can run and that are skipped here, or left the matrix -> whether its packages make
    the difference, so that this run's own code would measure them too with those, or its source tree. `other_tree`: it
    ran another checkout of the suite than this run's.
    """

    name: Text
    lane: Name
    commit_info: Named[Any] = Field(default_factory=dict)
    other_tree: bool = False
    only_there: PerCell[Literal["packages", "tree"]] = Field(default_factory=dict)


class SuiteRecord(_Record):
    """What is true of the whole run.

    `finished`: nothing was cut short. `cells` lists the whole matrix, those not asked for too. `overrides` names the
    level's settings that were overridden. `drill` is the change that was planted in all cells (`--drill`), empty for a
    run of the code as it is. `environments` holds those of cells that came from other runs. `accepted` is a baseline's
    own history, newest last. `shards` are those whose cells the file holds; empty for a plan that was not split.
    `against`: the base of a run with `--against`. `models` describes those of the cells.
    """

    schema_version: int
    models: Named[ModelRecord]
    level: Name
    lane: Name
    hardware: Name
    finished: bool
    overrides: Named[float] = Field(default_factory=dict)
    drill: Text = ""
    cells: Rows[CellOutcome]
    environments: PerCell[Named[Any]] = Field(default_factory=dict)
    warnings: Rows[Text] = Field(default_factory=list)
    accepted: Rows[Acceptance] = Field(default_factory=list)
    shards: Rows[ShardRecord] = Field(default_factory=list)
    against: BaseSideRecord | None = None


class MachineInfo(_Record):
    """pytest-benchmark's `machine_info`, with the groups that the suite adds."""

    gpu: Named[Any] | None
    host: Named[Any]
    software: Named[Text]
    environment: Name
    limits: LimitsRecord | None = None
    checkpoints: Named[CheckpointRecord] = Field(default_factory=dict)


class RunFile(_Record):
    """A run of the suite."""

    machine_info: Named[Any]
    commit_info: Named[Any]
    benchmarks: Rows[Benchmark]
    datetime: Name
    version: Name
    suite: SuiteRecord

    @model_validator(mode="after")
    def _described(self) -> RunFile:
        for benchmark in self.benchmarks:
            model = self.suite.models.get(benchmark.extra_info.model)
            if model:
                benchmark.extra_info.described(model)
        return self

    @property
    def tests(self) -> set[str]:
        """The tests of which the run lists cells; the suite's own is empty."""
        return {outcome.test for outcome in self.suite.cells}

    def by_name(self, outcome: CellOutcome) -> tuple[ModelRecord, dict[str, str | int]] | None:
        """Model and axes of a cell that was not measured, from its name; None where that has not as many parts."""
        models = self.suite.models
        named = [models[outcome.model]] if outcome.model in models else models.values()
        return next(((model, axes) for model in named if (axes := model.values_in(outcome.cell))), None)

    @property
    def cells(self) -> dict[str, CellRecord]:
        """Cell identifier -> record, for the cells that were measured."""
        return {benchmark.extra_info.cell: benchmark.extra_info for benchmark in self.benchmarks}

    def records(self) -> Iterator[CellRecord]:
        """The records of the run's cells, each followed by the base's where there is one."""
        for record in self.cells.values():
            yield record
            if record.against and record.against.record:
                yield record.against.record

    def environment_of(self, cell: CellRecord) -> dict[str, Any]:
        """The environment a cell was measured in: groups `gpu`, `host`, `software`."""
        if cell.environment == self.machine_info["environment"]:
            return self.machine_info
        return self.suite.environments[cell.environment]

    def outcomes(self) -> dict[str, CellOutcome]:
        """Cell identifier -> what became of it."""
        return {outcome.cell: outcome for outcome in self.suite.cells}
