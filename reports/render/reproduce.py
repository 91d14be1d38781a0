"""The commands to type next: those that measure again what a verdict or an alert is about, and accept a run.

They are copied into shells, and what they are made of comes from a run file: a part that is not of the exact form that
this suite writes is left out, never quoted and hoped for. Folders are those of the checkout, or made anew: a fixed one
that all users of a host share may be somebody else's by then.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from reports.records.baselines import refusal
from reports.records.schema import RunFile
from reports.render.summary import against_options
from reports.verdicts.rules import Status
from reports.verdicts.verdict import Comparison

CELLS, CHOSEN = 6, 50
"""Cells that are named one by one, of those that fail and of those that somebody asked for; more of them are measured
with all others."""

BASE, HEAD = "reports/latest/base", "reports/latest/head"
"""Folders of two runs that are compared, of the checkout and ignored by git."""

_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CELL = re.compile(r"(?=.{1,80}$)[A-Za-z0-9_.]+(-[A-Za-z0-9_.]+)*")
COMMIT = re.compile(r"[0-9a-f]{7,64}")
_DRILL = re.compile(r"[a-z]{1,20}=[+-]?[0-9.]{1,20}[A-Za-z%]{0,4}")
_OPTIONS = ("tokens", "rounds", "budget")
_SOURCES = ("hub", "synthetic")


def commands(base: RunFile | None, head: RunFile, comparison: Comparison, *, reviewed: bool) -> tuple[str, ...]:
    """What to type in a checkout on a machine of the run's kind.

    Args:
        base: what the run was judged against.
        head: the run.
        comparison: of the two; its failing cells are measured again.
        reviewed: the baseline is a committed one, which the suite finds itself.

    Returns:
        Commands, one a line; empty where level or lane are not words.
    """
    suite = head.suite
    if not (_WORD.fullmatch(suite.level) and _WORD.fullmatch(suite.lane)):
        return ()
    arguments = _arguments(head, comparison)
    if reviewed:
        return (*_switch(head), f'make bench LANE={suite.lane} ARGS="{arguments}"')
    if comparison.against:
        return (*_switch(head), *_with_base(base, head, arguments, against_options(comparison)))
    drill = f" --drill={suite.drill}" if _DRILL.fullmatch(suite.drill) else ""
    plain = arguments.removesuffix(drill) if drill else arguments
    return (
        *(_switch(base) if base else ()),
        f'make measure LANE={suite.lane} ARGS="{plain} --report-dir={BASE}"',
        *_switch(head),
        f'make measure LANE={suite.lane} ARGS="{arguments} --report-dir={HEAD}"',
        f"python -m reports compare {BASE}/run.json {HEAD}/run.json",
    )


def next_commands(comparison: Comparison, run: RunFile, run_path: str, folders: str = "") -> list[str]:
    """What to type next, each with what it does.

    Args:
        comparison: of the run.
        run: the run.
        run_path: where it can be accepted from; empty where it has no file.
        folders: the options that name other folders than the usual, as `pytest` and `accept` take them.
    """
    commands = []
    statuses = comparison.counts()
    gains = any(verdict.gated and verdict.status is Status.BETTER for verdict in comparison.verdicts)
    failing = {verdict.status for verdict in comparison.failures}
    if failing & {Status.WORSE, Status.FAILED}:
        options = _arguments(run, comparison) if _WORD.fullmatch(run.suite.level) else ""
        which = "" if options and _selection(_failing(comparison), CELLS) else "--lf"
        judge = against_options(comparison) or f"--benchmark-compare {folders}".rstrip()
        words = ("pytest benchmarks/", options, judge, which)
        commands.append(f"{' '.join(filter(None, words))}   (measure the failing cells again)")
    if statuses[Status.MISSING]:
        commands.append("pytest benchmarks/ --collect-only -q   (see why cells are skipped or gone)")
    if comparison.against:
        return commands  # what is worse than the base says nothing of any baseline
    # A cell that failed, or an invariant that is broken, fails whatever the baseline says.
    meant = comparison.problem or failing & {Status.WORSE, Status.MISSING} or statuses[Status.NEW] or gains
    if run_path.isprintable() and run_path and meant and not refusal(run):
        accept = " ".join(filter(None, ("python -m reports accept", shlex.quote(run_path), folders)))
        commands.append(f"{accept}   (make this run the baseline, if the change is meant)")
    return commands


def measuring(run: RunFile, cells: Sequence[str]) -> str:
    """What measures these cells as the run was measured."""
    return " ".join(["pytest benchmarks/", *_options(run), *filter(None, [_selection(cells, CHOSEN)])])


def _with_base(base: RunFile | None, head: RunFile, arguments: str, options: str) -> tuple[str, ...]:
    """Both sides on one machine; where the other is the same commit, only its interpreter can differ."""
    lane = head.suite.lane
    commit = str(base.commit_info.get("id", "")) if base else ""
    if base is None or not COMMIT.fullmatch(commit) or commit == head.commit_info.get("id"):
        return (f'make measure LANE={lane} ARGS="{arguments} {options}"',)
    venv = ".venv" if base.suite.lane == "current" else f".venv-{base.suite.lane}"
    if not _WORD.fullmatch(base.suite.lane):
        return ()
    return (
        "base=$(mktemp -d)",
        f'git worktree add --detach "$base" {commit}',
        f'make -C "$base" setup LANE={base.suite.lane}',
        f'make measure LANE={lane} ARGS="{arguments} --against=$base/{venv}/bin/python --against-tree=$base"',
    )


def _switch(run: RunFile) -> tuple[str, ...]:
    commit = str(run.commit_info.get("id", ""))
    return (f"git switch --detach {commit}",) if COMMIT.fullmatch(commit) else ()


def _arguments(run: RunFile, comparison: Comparison) -> str:
    words = [*_options(run), *filter(None, [_selection(_failing(comparison), CELLS)])]
    if _DRILL.fullmatch(run.suite.drill):
        words.append(f"--drill={run.suite.drill}")
    return " ".join(words)


def _options(run: RunFile) -> list[str]:
    """The run's own level, settings and source of weights."""
    words = [f"--level={run.suite.level}"] if _WORD.fullmatch(run.suite.level) else []
    words += [f"--{name}={value:g}" for name, value in run.suite.overrides.items() if name in _OPTIONS]
    sources = {cell.checkpoint.source for cell in run.cells.values()}
    return words + [f"--checkpoint-source={source}" for source in _SOURCES if sources == {source}]


def _failing(comparison: Comparison) -> list[str]:
    return list(dict.fromkeys(verdict.cell for verdict in comparison.failures))


def _selection(cells: Sequence[str], most: int) -> str:
    """The option that selects the cells; empty where they are too many, or not all of the form of a cell."""
    known = 0 < len(cells) <= most and all(_CELL.fullmatch(cell) for cell in cells)
    return f"-k '{' or '.join(cells)}'" if known else ""
