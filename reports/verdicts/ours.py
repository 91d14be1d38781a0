"""This suite's own wall rules in the form that `calibrate` replays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reports.verdicts.paired import judge_pairs
from reports.verdicts.resample import Array, Rounds, Rule
from reports.verdicts.rules import Status
from reports.verdicts.wall import PAIRS_A_LAUNCH, RULES, Screen, confirmed, decided, enough, screen

PAIRED_LAUNCHES = RULES.looks[-1].pairs // PAIRS_A_LAUNCH
"""Of each side, as the paired rule's largest look is made up."""


def _until_enough(values: Array) -> list[float]:
    """The rounds that the stopping rule takes, looking after each as a run does."""
    rounds: list[float] = values.tolist()
    taken = (n for n in range(RULES.fewest_rounds, len(rounds)) if enough(rounds[:n]))
    return rounds[: next(taken, len(rounds))]


def _screened(base: Rounds, head: Rounds) -> Screen:
    return screen(_until_enough(base.steps_s), _until_enough(head.steps_s))


def _screen(base: Sequence[Rounds], head: Sequence[Rounds], random: np.random.Generator) -> Status:
    return _screened(base[0], head[0]).status


def _screen_whole_rounds(base: Sequence[Rounds], head: Sequence[Rounds], random: np.random.Generator) -> Status:
    return screen(_until_enough(base[0].rounds_s), _until_enough(head[0].rounds_s)).status


def _rerun(base: Sequence[Rounds], head: Sequence[Rounds]) -> Screen:
    """A candidate, or a first run that could not be judged, is measured again in another launch of head."""
    first = _screened(base[0], head[0])
    if not first.candidate and first.status is not Status.UNCLEAR:
        return first
    return confirmed(first, _screened(base[0], head[1]))


def _screen_and_rerun(base: Sequence[Rounds], head: Sequence[Rounds], random: np.random.Generator) -> Status:
    return _rerun(base, head).status


def _gate(base: Sequence[Rounds], head: Sequence[Rounds], random: np.random.Generator) -> Status:
    """What fails a run: a confirmed change beyond what launches of one code differ by."""
    return decided(_rerun(base, head)).status


def _paired(base: Sequence[Rounds], head: Sequence[Rounds], random: np.random.Generator) -> Status:
    """Stored launches were not interleaved: a pair shares no burst, and so says less than a real one."""
    ours, theirs = ([launch.first(PAIRS_A_LAUNCH) for launch in side] for side in (base, head))
    return judge_pairs(
        np.concatenate([launch.steps_s for launch in ours]).tolist(),
        np.concatenate([launch.steps_s for launch in theirs]).tolist(),
        base_walls=np.concatenate([launch.rounds_s for launch in ours]).tolist(),
        head_walls=np.concatenate([launch.rounds_s for launch in theirs]).tolist(),
    ).status


OURS = (
    Rule("this suite", _gate, head=2, needs_steps=True),
    Rule("screen and rerun", _screen_and_rerun, head=2, needs_steps=True),
    Rule("screen alone", _screen, needs_steps=True),
    Rule("screen on whole rounds", _screen_whole_rounds),
    Rule("paired 8 x 5, not interleaved", _paired, base=PAIRED_LAUNCHES, head=PAIRED_LAUNCHES, needs_steps=True),
)
