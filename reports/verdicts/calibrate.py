"""The detector's own benchmark: false alarms on launches of unchanged code, and the power to find planted slowdowns.

A rate over resamples is no better known than the launches behind it allow: each interval counts only comparisons that
share no launch (`resample.independent`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np

from reports.records.metrics import METRICS, Better, Kind, Metric
from reports.records.samples import Group, Launch, Samples
from reports.records.track import Track, untracked
from reports.verdicts.intervals import wilson
from reports.verdicts.ours import OURS
from reports.verdicts.resample import Rule, draw, independent, usable
from reports.verdicts.rivals import RIVALS
from reports.verdicts.rules import Status, judge
from reports.verdicts.wall import RULES

EFFECTS = (1.0, 1.05, 1.10, 1.20, 1.40)
"""What head is multiplied by: unchanged code first, then planted slowdowns."""

MOST_PAIRS = 2_000
"""Of the pairs of launches of one cell, for exact and steady metrics; more are drawn at random."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a rule said `worse` (with its 95 % interval) and `unclear`, as shares of all comparisons."""

    worse: float
    low: float
    high: float
    unclear: float


@dataclass(frozen=True, slots=True)
class Row:
    """One rule on one kind of metric.

    `independent`: comparisons that share no launch; the intervals count these. `rates`: effect -> rate, with 1.0 for
    unchanged code; empty where there are too few launches for the rule, and `problem` says so.
    """

    kind: Kind
    rule: str
    comparisons: int
    independent: int
    rates: Mapping[float, Rate]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Bias:
    """How far the fastest rounds of two launches of one code lie apart, as relative changes over all pairs."""

    statistic: str
    pairs: int
    median: float
    quantile_95: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """All rows, launch bias, and what they stand on."""

    rows: tuple[Row, ...]
    biases: tuple[Bias, ...]
    cells: int
    runs: int
    resamples: int
    seed: int
    notes: tuple[str, ...]


def calibrate(samples: Samples, *, seed: int, resamples: int, track: Track = untracked) -> Calibration:
    """Measure every rule on the launches.

    Args:
        samples: groups of launches of unchanged code.
        seed: of all chance; the same samples, seed and resamples give the same numbers.
        resamples: comparisons a wall rule is measured on, shared out among the cells.
        track: told which wall rule is measured; the others take no time.
    """
    random = np.random.default_rng(seed)
    rows = [row for kind in (Kind.EXACT, Kind.STEADY) for row in _table_rows(samples.groups, kind, random)]
    rows += _wall_rows(samples.groups, random, resamples, track)
    few = sum(
        len(group.launches) - len(usable(group, RULES.fewest_rounds, needs_steps=False)) for group in samples.groups
    )
    notes = list(samples.notes)
    if few:
        notes.append(
            f"{few} launches of cells have fewer than {RULES.fewest_rounds} rounds and say nothing of wall time"
        )
    return Calibration(
        rows=tuple(rows),
        biases=tuple(_biases(samples.groups)),
        cells=len(samples.groups),
        runs=len({launch.run for group in samples.groups for launch in group.launches}),
        resamples=resamples,
        seed=seed,
        notes=tuple(notes),
    )


def _rate(found: Counter[Status], trials: int) -> Rate:
    total = found.total()
    worse = found[Status.WORSE] / total
    return Rate(worse, *wilson(worse, trials), found[Status.UNCLEAR] / total)


def _row(kind: Kind, rule: str, found: Mapping[float, Counter[Status]], trials: int) -> Row:
    rates = {effect: _rate(found[effect], trials) for effect in EFFECTS if found[effect]}
    return Row(kind, rule, found[1.0].total(), trials, rates)


def _table_rows(groups: Sequence[Group], kind: Kind, random: np.random.Generator) -> Iterator[Row]:
    """A row of all gated metrics of a kind, then one of each, by the metric table's thresholds."""
    tallies: dict[str, dict[float, Counter[Status]]] = {}
    trials: dict[str, int] = {}
    for metric in METRICS.values():
        having = [[one for one in group.launches if metric.name in one.metrics] for group in groups]
        having = [launches for launches in having if len(launches) >= 2]
        if metric.kind is kind and having:
            tallies[metric.name] = _judged_by_table(metric, having, random)
            trials[metric.name] = independent(having, 2)
    gated = [name for name in tallies if METRICS[name].gated]
    if len(gated) > 1:
        pooled = {effect: sum((tallies[name][effect] for name in gated), Counter[Status]()) for effect in EFFECTS}
        # One launch measures all of its metrics, so that more metrics are not more launches.
        yield _row(kind, f"all {len(gated)} gated", pooled, max(trials[name] for name in gated))
    for name, found in tallies.items():
        metric = METRICS[name]
        advisory = "" if metric.gated else ", not gated"
        yield _row(kind, f"{name} {metric.threshold:.1%}{advisory}", found, trials[name])


def _judged_by_table(
    metric: Metric, groups: Iterable[Sequence[Launch]], random: np.random.Generator
) -> dict[float, Counter[Status]]:
    found: dict[float, Counter[Status]] = {effect: Counter() for effect in EFFECTS}
    for launches in groups:
        values = [launch.metrics[metric.name] for launch in launches]
        if len(values) * (len(values) - 1) <= MOST_PAIRS:
            pairs = list(permutations(values, 2))
        else:
            picked = (random.choice(len(values), 2, replace=False) for _ in range(MOST_PAIRS))
            pairs = [(values[base], values[head]) for base, head in picked]
        for base, head in pairs:
            for effect in EFFECTS if head else (1.0,):  # nothing can be multiplied into zero
                planted = head * effect if metric.better is Better.LOWER else head / effect
                found[effect][judge(metric, base, planted, metric.threshold).status] += 1
    return found


def _wall_rows(groups: Sequence[Group], random: np.random.Generator, resamples: int, track: Track) -> list[Row]:
    rows: list[Row] = []
    for rules in (OURS, RIVALS):
        for rule in rules:
            track(len(rows), len(OURS) + len(RIVALS), rule.name)
            fit = [usable(group, RULES.fewest_rounds, needs_steps=rule.needs_steps) for group in groups]
            fit = [launches for launches in fit if len(launches) >= rule.launches]
            if not fit:
                what = "launches with step p10" if rule.needs_steps else "launches"
                problem = f"needs {rule.launches} {what} of {RULES.fewest_rounds} rounds of a cell"
                rows.append(Row(Kind.WALL, rule.name, 0, 0, {}, problem))
                continue
            found = _replayed(rule, fit, random, -(-resamples // len(fit)))
            rows.append(_row(Kind.WALL, rule.name, found, independent(fit, rule.launches)))
    return rows


def _replayed(
    rule: Rule, groups: Sequence[Sequence[Launch]], random: np.random.Generator, each: int
) -> dict[float, Counter[Status]]:
    found: dict[float, Counter[Status]] = {effect: Counter() for effect in EFFECTS}
    for launches in groups:
        for _ in range(each):
            drawn = draw(random, launches, rule.launches, RULES.most_rounds)
            base, head = drawn[: rule.base], drawn[rule.base :]
            for effect in EFFECTS:
                found[effect][rule.judge(base, [side.times(effect) for side in head], random)] += 1
    return found


def _biases(groups: Sequence[Group]) -> Iterator[Bias]:
    for statistic, values in (
        ("step p10", [[min(one.steps_s) for one in group.launches if one.steps_s] for group in groups]),
        ("whole rounds", [[min(one.rounds_s) for one in group.launches] for group in groups]),
    ):
        apart = [max(pair) / min(pair) - 1 for floors in values for pair in combinations(floors, 2)]
        if apart:
            yield Bias(statistic, len(apart), float(np.median(apart)), float(np.quantile(apart, 0.95)))
