"""The options of a run, built from pytest's configuration in one place and frozen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.plugin import against, conflicts
from benchmarks.plugin.against import Against
from benchmarks.plugin.sharding import Shard, parse_shard
from fixtures.checkpoints.source import SOURCES
from fixtures.errors import SuiteError
from fixtures.faults import POSSIBLE, Fault, Kind, parse_fault
from fixtures.levels import LEVELS, Level, choose_level
from fixtures.machine.gpus import Machine, this_machine
from fixtures.machine.lock import WAIT_S
from fixtures.models import Matrix, models
from reports.records import baselines

ROOT = conflicts.ROOT
PYTEST_BENCHMARK_STORAGE = "file://./.benchmarks"
"""pytest-benchmark's own default of --benchmark-storage: the user named none."""

RUN_FILE = "run.json"

RERUN_BUDGET_S = 300.0
"""Seconds of timing cells again in a run: about ten reruns of a small cell at `pr`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One run's options.

    `storage_is_ours`: the baseline is the reviewed one under `baseline_root`, not in the `storage` that the user named.
    `overrides`: the level's settings that were overridden, name -> value.
    """

    machine: Machine
    matrix: Matrix
    level: Level
    checkpoint_source: str
    checkpoint_revision: str | None
    report_dir: Path
    baseline_root: Path
    compare: bool
    compare_with: str | None
    storage_is_ours: bool
    storage: str
    overrides: dict[str, float]
    update: baselines.Which | None
    reason: str = ""
    rerun_budget_s: float = RERUN_BUDGET_S
    drill: Fault | None = None
    trace_dir: Path | None = None
    shard: Shard | None = None
    gpu_wait_s: float | None = None
    against: Against | None = None

    @property
    def hardware(self) -> str:
        """The slug of the GPU's name, or `cpu`."""
        return baselines.hardware_slug(self.machine.gpu)

    @property
    def baseline_folder(self) -> Path:
        """Where the reviewed baseline of this hardware, lane and level lies."""
        return baselines.folder(self.baseline_root, self.hardware, self.machine.lane, self.level.name)

    @property
    def run_path(self) -> Path:
        """Where this run's file is written."""
        return self.report_dir / RUN_FILE


def add_options(parser: Any) -> None:
    """Add the suite's options to pytest's parser."""
    group = parser.getgroup("bark benchmarks")
    group.addoption(
        "--level", default=None, help=f"how much to measure: {', '.join(LEVELS)} (pr with a GPU, else smoke)"
    )
    group.addoption(
        "--model",
        action="append",
        default=[],
        metavar="NAME",
        help="measure this model (default: all; may be repeated)",
    )
    group.addoption("--tokens", type=int, default=None, help="tokens a sample, in place of the level's")
    group.addoption("--rounds", type=int, default=None, help="timed rounds a cell, exactly, in place of the level's")
    group.addoption(
        "--budget", type=float, default=None, help="seconds of timed rounds a cell, in place of the level's"
    )
    group.addoption(
        "--rerun-budget",
        type=float,
        default=RERUN_BUDGET_S,
        help="seconds that a run, or each of its workers beside the others, may spend on timing cells again whose wall "
        "time is unclear or a candidate for worse",
    )
    group.addoption(
        "--device", default="auto", choices=["auto", "cuda", "cpu"], help="where to run (default: a GPU if any)"
    )
    group.addoption(
        "--checkpoint-source", default="auto", choices=SOURCES, help="real weights, synthetic ones, or what can be had"
    )
    group.addoption("--checkpoint-revision", default=None, help="branch, tag or commit of the real weights")
    group.addoption("--report-dir", default=None, help="where run file and report go (default: reports/latest)")
    group.addoption("--baseline-dir", default=None, help="root of the baselines (default: reports/baselines)")
    group.addoption(
        "--update-baselines",
        nargs="?",
        const="all",
        default=None,
        choices=["all", "new"],
        help="make this run's cells the baseline and print what changed; `new`: only cells it does not hold",
    )
    group.addoption(
        "--baseline-reason", default="", metavar="TEXT", help="why --update-baselines; kept in the baseline"
    )
    group.addoption(
        "--drill",
        default=None,
        metavar="CHANGE",
        help="plant a real change in the measured work, to hear the alarm: "
        + ", ".join(possible.split()[0].replace("%", "%%") for possible in POSSIBLE.values()),
    )
    group.addoption(
        "--trace-dir",
        default=None,
        metavar="DIR",
        help="write a trace of each cell's counted generation there, for Perfetto or chrome://tracing "
        "(--trace is pytest's own: its debugger)",
    )
    group.addoption(
        "--shard",
        default=None,
        metavar="K/N",
        help="measure the Kth of N parts of the selected cells, split by the baseline's durations and the same way on "
        "every host; `python -m reports merge` joins the run files",
    )
    group.addoption(
        "--gpu-wait",
        type=float,
        default=None,
        metavar="SECONDS",
        help="wait so long for a GPU on which another process computes, then stop; 0: stop at once. Without it, "
        f"another run of this suite is waited for {WAIT_S:g} s, and any other process gives a warning",
    )
    against.add_options(group)


def from_options(option: Callable[[str], Any], find_machine: Callable[[str], Machine] = this_machine) -> Settings:
    """Check the options and build the settings.

    Args:
        option: pytest's `config.getoption`.
        find_machine: gives the machine for `--device`.

    Raises:
        SuiteError: an option cannot be satisfied; the message says what to do.
    """
    conflicts.refuse_debugger(option)
    machine = find_machine(option("device"))
    matrix = Matrix(models(option("model")))
    level = choose_level(
        option("level"),
        machine.gpu,
        matrix.models.values(),
        tokens=option("tokens"),
        rounds=option("rounds"),
        budget_s=option("budget"),
    )
    if machine.problem and (option("device") == "cuda" or level.needs_gpu):
        raise SuiteError(machine.problem)
    if option("device") == "cuda" and machine.gpu is None:
        raise SuiteError("--device=cuda, but no CUDA GPU is visible: check nvidia-smi and CUDA_VISIBLE_DEVICES")
    if level.needs_gpu and machine.gpu is None and not option("collectonly"):
        raise SuiteError(
            f"--level={level.name} needs a CUDA GPU and none is visible: use --level=smoke, or check nvidia-smi and "
            "CUDA_VISIBLE_DEVICES"
        )
    compare, update, storage = option("benchmark_compare"), option("update_baselines"), option("benchmark_storage")
    if compare == "":
        raise SuiteError("--benchmark-compare= names no run: leave out the = to compare with the baseline")
    if update == "all" and compare:
        raise SuiteError(
            "--update-baselines accepts every change, so there is nothing left for --benchmark-compare to judge: "
            "give one of them, or --update-baselines=new to add new cells only"
        )
    if update and option("tokens") is not None:
        raise SuiteError(
            f"--update-baselines with --tokens={option('tokens')}: a baseline holds its level's own tokens, which "
            "every later run is compared with; leave --tokens out"
        )
    if option("baseline_reason") and not update:
        raise SuiteError("--baseline-reason says why --update-baselines: give both, or leave it out")
    conflicts.refuse(option)
    if option("checkpoint_revision") is not None and option("checkpoint_source") == "synthetic":
        raise SuiteError("--checkpoint-revision is of the real weights, and --checkpoint-source=synthetic takes none")
    default_storage = storage == PYTEST_BENCHMARK_STORAGE
    drill = None if option("drill") is None else chosen_drill(option, machine)
    return Settings(
        machine=machine,
        matrix=matrix,
        level=level,
        checkpoint_source=option("checkpoint_source"),
        checkpoint_revision=option("checkpoint_revision"),
        report_dir=report_folder(option),
        baseline_root=folder_named("--baseline-dir", option("baseline_dir"), baselines.DEFAULT_ROOT),
        compare=bool(compare),
        compare_with=compare if isinstance(compare, str) else None,
        storage_is_ours=default_storage,
        storage=storage,
        overrides={name: float(option(name)) for name in ("tokens", "rounds", "budget") if option(name) is not None},
        update=update,
        reason=option("baseline_reason"),
        rerun_budget_s=rerun_budget(option("rerun_budget")),
        drill=drill,
        shard=chosen_shard(option),
        gpu_wait_s=gpu_wait(option("gpu_wait")),
        against=against.from_options(option),
        trace_dir=trace_folder(option),
    )


def chosen_shard(option: Callable[[str], Any]) -> Shard | None:
    """The shard of `--shard`.

    Raises:
        SuiteError: it cannot be read, or the baseline that it is split by would change.
    """
    if option("shard") is None:
        return None
    if option("update_baselines"):
        raise SuiteError(
            "--shard with --update-baselines would change the baseline that the next shard is split by: measure all "
            "shards, join them with `python -m reports merge`, and accept that with `python -m reports accept`"
        )
    return parse_shard(option("shard"))


def chosen_drill(option: Callable[[str], Any], machine: Machine) -> Fault:
    """The drill of `--drill`.

    Raises:
        SuiteError: there is no such drill, it needs a GPU, or its run was to be kept as a baseline.
    """
    drill = parse_fault(option("drill"))
    if option("update_baselines"):
        raise SuiteError(f"--drill={drill} with --update-baselines: a drill is never a baseline; leave one of them out")
    if option("benchmark_save") or option("benchmark_autosave"):
        raise SuiteError(
            f"--drill={drill} with --benchmark-save or --benchmark-autosave stores planted work where later runs are "
            "compared with it: leave one of them out; the run file in --report-dir is written all the same"
        )
    if drill.kind is Kind.GPU and machine.gpu is None and not option("collectonly"):
        raise SuiteError(f"--drill={drill} needs a CUDA GPU and none is used: give --drill=latency=+5%, or another")
    return drill


def rerun_budget(seconds: float) -> float:
    """The seconds of `--rerun-budget`.

    Raises:
        SuiteError: not a number of seconds.
    """
    if not 0 <= seconds < float("inf"):
        raise SuiteError(f"--rerun-budget {seconds}: seconds a run, 0 for none")
    return seconds


def gpu_wait(seconds: float | None) -> float | None:
    """The seconds of `--gpu-wait`; None where it was not given.

    Raises:
        SuiteError: not a number of seconds.
    """
    if seconds is not None and not 0 <= seconds < float("inf"):
        raise SuiteError(f"--gpu-wait {seconds}: seconds to wait for a busy GPU, 0 to stop at once")
    return seconds


def report_folder(option: Callable[[str], Any]) -> Path:
    """The folder of `--report-dir`, which need not exist yet.

    Raises:
        SuiteError: it has no name, or nothing could be written there after hours of measuring.
    """
    folder = folder_named("--report-dir", option("report_dir"), ROOT / "reports" / "latest")
    if not option("collectonly"):
        conflicts.refuse_unwritable("--report-dir", folder, folder)
    return folder


def trace_folder(option: Callable[[str], Any]) -> Path | None:
    """The folder of `--trace-dir`, which need not exist yet; None without traces.

    Raises:
        SuiteError: it has no name, or no file can be written there.
    """
    if option("trace_dir") is None:
        return None
    folder = folder_named("--trace-dir", option("trace_dir"), "no traces")
    if not option("collectonly"):
        conflicts.refuse_unwritable("--trace-dir", folder, folder)
    return folder


def folder_named(name: str, value: str | None, default: Path | str) -> Path:
    """The folder that an option names, or its default where it was not given.

    Raises:
        SuiteError: the option was given without a value, as an unset shell variable does.
    """
    if value == "":
        raise SuiteError(f"{name}= names no folder: give one, or leave the option out for {default}")
    return Path(default if value is None else value)
