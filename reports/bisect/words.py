"""What a bisection says: its plan and cost before it begins, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean

from reports.bisect.bisection import Verdict
from reports.bisect.lanes import Difference
from reports.bisect.search import Ending, questions
from reports.bisect.state import State

ENVIRONMENT_S, RUN_S = 240.0, 420.0
"""Until the bisection has seen its own: of an environment with torch for CUDA, and of a run of one cell on an H200 with
all eight launches of both sides."""


ENVIRONMENT_GB = 6
"""Disk of an environment with torch for CUDA."""


def plan(
    units: Mapping[str, Sequence[Difference]],
    versions: Mapping[str, Sequence[str]],
    state: State,
    cells: int | None = 1,
) -> list[str]:
    """What will be done, and what it costs at most, without mixes that have to be skipped.

    Args:
        units: what is taken from one side or the other as a whole.
        versions: lists to search.
        state: what is known already.
        cells: how many the first run measures; None where that is not known.
    """
    longest = max((len(one) for one in versions.values()), default=0)
    asked = questions(len(units), longest)
    left = max(asked - len(state.tried), 0)
    making = mean([one.environment_s for one in state.tried if one.environment_s] or [ENVIRONMENT_S])
    running = mean([one.run_s / one.cells for one in state.tried if one.run_s] or [RUN_S])
    each = len(state.cells) or cells or 1
    seconds = left * (making + running * each) + (0 if state.tried else making)
    number = sum(map(len, units.values()))
    lines = [f"{number} packages differ:", *(f"  {', '.join(map(str, members))}" for members in units.values())]
    for package, listed in versions.items():
        (name,) = (one for one, members in units.items() if package in {member.package for member in members})
        moving = f", the others of {name} as pip chooses them" if len(units[name]) > 1 else ""
        lines.append(f"  {package}, if it is the one: {', '.join(listed)}{moving}")
    lines.append(
        f"plan for one culprit: at most {asked} runs against the good side, in {asked + 1} environments (about "
        f"{ENVIRONMENT_GB} GB each with torch for CUDA, so about {(asked + 1) * ENVIRONMENT_GB} GB); two packages that "
        "need each other, or versions that do not go together, take more"
    )
    if each > 1 and not state.cells:
        lines.append(f"{each} cells are measured first, and then only those of them that got worse")
    by = "by what it took so far" if any(one.run_s for one in state.tried) else "by what an H200 takes"
    counted = "one cell" if each == 1 else f"{each} cells a run"
    if cells is None and not state.cells:
        counted = "if it is one cell: how many run cannot be told in this environment"
    seen = by if each == 1 and state.tried else f"{counted}, {by}"
    known = f"; {len(state.tried)} are known already" if state.tried else ""
    lines.append(f"about {_duration(seconds)} ({seen}){known}")
    return lines


def outcome(verdict: Verdict) -> list[str]:
    """What it came to, and how far that can be trusted."""
    found = verdict.found
    by_name = {name: ", ".join(map(str, members)) for name, members in verdict.units.items()}
    if found.ending is Ending.NOT_BAD:
        return ["no regression: with all packages of the bad side the metric is not worse, so there is nothing to find"]
    if found.ending is Ending.UNTESTABLE:
        return ["not known: the bad side itself could not be compared with the good one, so there is nothing to halve"]
    if found.ending is Ending.NARROWED:
        suspects = ", ".join(by_name[one] for one in found.suspects)
        culprits = " and ".join(by_name[one] for one in found.culprits)
        if not found.need_suspects:
            makes, itself = ("makes", "itself") if len(found.culprits) == 1 else ("make", "themselves")
            return [
                f"narrowed down, not found: {culprits} {makes} the difference, by {itself} or together with one or "
                f"more of {suspects}: {' and '.join(found.culprits)} alone could not be judged"
            ]
        fixed = f"together with {culprits}, " if culprits else ""
        return [
            f"narrowed down, not found: {fixed}one or more of {suspects}; the mixes that would tell them "
            "apart had to be skipped"
        ]
    if len(found.culprits) > 1:
        lines = [
            f"found: {' and '.join(by_name[one] for one in found.culprits)}, together: with any of them left at the "
            "good side's version the others were not worse in the mixes that were run"
        ]
    else:
        lines = [f"found: {by_name[found.culprits[0]]} carries the regression by itself"]
    if verdict.package:
        lines.append(f"{verdict.package}: {verdict.last_good} is not worse, {verdict.first_bad} is")
        others = [one.package for one in verdict.units[found.culprits[0]] if one.package != verdict.package]
        if others:
            lines.append(f"between the two ends of its list {', '.join(others)} had no pin: pip chose the version")
        if verdict.skipped:
            lines.append(f"between them could not be judged: {', '.join(verdict.skipped)}")
    if found.others:
        lines.append("without it the bad side is still worse: another package carries a regression of its own")
    elif found.others is None:
        lines.append("whether another package carries one too is not known: the bad side without it was not judged")
    else:
        lines.append("without it the bad side is not worse")
    return lines


def again(state: State) -> list[str]:
    """What another run of the same command could still find out."""
    unjudged = sum(one.unjudged for one in state.tried)
    if not unjudged:
        return []
    runs = "1 run" if unjudged == 1 else f"{unjudged} runs"
    return [f"{runs} could not judge: the same command measures {'it' if unjudged == 1 else 'them'} again"]


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
