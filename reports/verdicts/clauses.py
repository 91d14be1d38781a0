"""The clauses of a sentence about a change: what a stage does more or less of, and from which operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reports.records.units import quantity
from reports.verdicts.pair import Pair
from reports.verdicts.uses import KERNELS, OPERATORS, Use, by_operator, changed_uses, total, unlisted

WAITING = ("aten::item", "aten::_local_scalar_dense")
"""Operators that hold the host until the GPU has their value: what `.item()` calls, outermost first."""

NOTABLE = 0.1
"""The smallest share of a change for which a sentence names another stage than the one that leads."""

CLOCK_APART = 0.03
"""By how much the card's median clocks have to differ to be named: one step of the clock is under 1 %."""

NAMED = 3
"""Operators that a sentence names; the table below it has more."""

SAME_WORK = {
    "aten_calls": "operators",
    "kernel_launches": "kernels",
    "python_calls": "Python calls",
    "gpu_busy": "GPU time",
}


@dataclass(frozen=True, slots=True)
class Clause:
    """What changed. `stage` and `metric`: where, and which metric's change it is; empty where there is none."""

    text: str
    stage: str = ""
    metric: str = ""


def clauses(pair: Pair) -> list[Clause]:
    """What explains the change, at most two: the work that causes other work stands for both.

    An extra operator calls Python, allocates and launches; so Python calls are a cause only where the operators are
    the same, in all or in a stage of their own, GPU time only where the kernels are, and a slower host only where
    nothing that is counted moved.
    """
    waits = _waits(pair)
    work = _launched(pair) or ([] if waits else _called(pair))
    if work and _sign(pair, "gpu_busy") * _sign(pair, "kernel_launches") < 0:
        work = _busy(pair) + work  # fewer kernels that take longer in all, or more that take less: both need saying
    told = waits + work[: 2 - len(waits)]
    if len(told) == 1:
        told += _python_apart(pair, told[0].stage)
    for found in (told, _launch_calls(pair), _copied(pair), _python(pair), _busy(pair)):
        if found:
            return found
    return _time(pair) or _allocated(pair)


def _sign(pair: Pair, metric: str) -> float:
    """The direction in which a metric moved in the stage that leads; 0 where it did not."""
    part = pair.lead(metric) if metric in pair.moved else ""
    return pair.difference(metric, part) if part else 0.0


def more(number: float, what: str, when: str) -> str:
    """`12 more kernels a token`; one of them in the singular."""
    size = f"{abs(number):.3g}" if number % 1 else f"{abs(number):,.0f}"
    return f"{size} {'more' if number > 0 else 'fewer'} {what}{'' if size == '1' else 's'} {when}"


def _listed(pair: Pair, part: str, kind: str) -> list[Use]:
    """What changed in one part; of operators those that `aten_calls` counts."""
    prefix = "aten::" if kind == OPERATORS else ""
    uses = changed_uses(pair.counted_base, pair.counted_head, kind)
    return [use for use in uses if use.part == part and use.name.startswith(prefix)]


def _waits(pair: Pair) -> list[Clause]:
    part = pair.lead("host_syncs") if "host_syncs" in pair.moved else ""
    if not part:
        return []
    difference = pair.difference("host_syncs", part)
    number, when = pair.rate(part, difference)
    called = {use.name: use.difference / difference for use in _listed(pair, part, OPERATORS)}
    name = next((name for name in WAITING if called.get(name, 0) > 0), "")
    some = f"{called[name] * abs(number):,.3g} of them " if name and called[name] < 1 else ""
    return [Clause(more(number, "synchronization", when) + (f", {some}by {name}" if name else ""), part, "host_syncs")]


def _launched(pair: Pair) -> list[Clause]:
    def one(what: str, uses: Sequence[Use]) -> str:
        kernels = f" ({uses[0].kernel})" if len(uses) == 1 else ""
        return f"{what}, from {uses[0].operator}{kernels}"

    return _more_of(pair, "kernel_launches", KERNELS, "kernel", one)


def _called(pair: Pair) -> list[Clause]:
    def one(what: str, uses: Sequence[Use]) -> str:
        return what.replace("operator call", f"{uses[0].name} call")

    found = _more_of(pair, "aten_calls", OPERATORS, "operator call", one)
    if not found:
        return []
    part, text = found[0].stage, found[0].text
    if "host_syncs" not in pair.compared:  # on a GPU the synchronizations are counted, and speak for themselves
        text = _would_wait(pair, part, text)
    if pair.same("kernel_launches"):
        text += ", with the same kernels"
    return [Clause(text, part, "aten_calls")]


def _would_wait(pair: Pair, part: str, text: str) -> str:
    """The text of more operator calls on a CPU, with a word on those that a GPU would have to wait for."""
    changed = {use.name: use.difference for use in _listed(pair, part, OPERATORS)}
    items = changed.get(WAITING[0], 0)
    if not items:
        return text
    number, when = pair.rate(part, items)
    if changed == dict.fromkeys(WAITING, items) and pair.difference("aten_calls", part) == len(WAITING) * items:
        # The one is how torch does the other: to a reader they are one call.
        return f"{more(number, f'{WAITING[0]} call', when)} (a synchronization on a GPU)"
    return f"{text}: {WAITING[0]} {number:+,.3g} {when}, a synchronization on a GPU"


def _more_of(pair: Pair, metric: str, kind: str, what: str, one: Callable[[str, Sequence[Use]], str]) -> list[Clause]:
    """More of what operators do: worded by `one` where it is all one operator's, else with the largest few."""
    part = pair.lead(metric) if metric in pair.moved else ""
    if not part:
        return []
    difference = pair.difference(metric, part)
    number, when = pair.rate(part, difference)
    text = more(number, what, when)
    groups = {name: uses for name, uses in by_operator(_listed(pair, part, kind)).items() if total(uses)}
    if len(groups) == 1 and total(next(iter(groups.values()))) == difference:
        return [Clause(one(text, next(iter(groups.values()))), part, metric)]
    named = [
        f"{name} {total(uses) * number / difference:+,.3g}" for name, uses in list(groups.items())[:NAMED] if difference
    ]
    return [Clause(text + (f" ({', '.join(named)})" if named else ""), part, metric)]


def _launch_calls(pair: Pair) -> list[Clause]:
    part = pair.lead("launch_calls") if "launch_calls" in pair.moved else ""
    if not part:
        return []
    number, when = pair.rate(part, pair.difference("launch_calls", part))
    return [Clause(more(number, "launch call", when) + " for the same kernels", part, "launch_calls")]


def _copied(pair: Pair) -> list[Clause]:
    if "copies" in pair.moved and (part := pair.lead("copies")) and pair.difference("copies", part):
        number, when = pair.rate(part, pair.difference("copies", part))
        text = more(number, "copy", when).replace("copys", "copies")
        return [Clause(text, part, "copies")]
    if "copied" in pair.moved and (part := pair.lead("copied")):
        number, when = pair.rate(part, pair.difference("copied", part))
        size = quantity(abs(number), "B")
        return [Clause(f"{size} {'more' if number > 0 else 'less'} copied {when}", part, "copied")]
    return []


def _python(pair: Pair) -> list[Clause]:
    part = pair.lead("python_calls") if "python_calls" in pair.moved else ""
    if not part:
        return []
    number, when = pair.rate(part, pair.difference("python_calls", part))
    same = _same(pair, ("aten_calls", "kernel_launches"))
    text = f"{more(number, 'Python call', when)} on the host" + (f", with {same}" if same else "")
    return [Clause(text, part, "python_calls")]


def _python_apart(pair: Pair, told: str) -> list[Clause]:
    """More Python in another stage than the one told of, whose operators and kernels are the same: its own cause."""
    if "python_calls" not in pair.moved or "aten_calls" not in pair.compared:
        return []
    work = [pair.differences(metric) for metric in ("aten_calls", "kernel_launches") if metric in pair.compared]
    for part, share in pair.shares("python_calls").items():
        if part != told and share >= NOTABLE and not any(moved.get(part) for moved in work):
            number, when = pair.rate(part, pair.difference("python_calls", part))
            text = f"{more(number, 'Python call', when)} on the host, with the same operators"
            return [Clause(text + (" and kernels" if "kernel_launches" in pair.compared else ""), part, "python_calls")]
    return []


def _busy(pair: Pair) -> list[Clause]:
    part = pair.lead("gpu_busy") if "gpu_busy" in pair.moved else ""
    before = pair.counted_base.by_part("gpu_busy").get(part, 0)
    after = pair.counted_head.by_part("gpu_busy").get(part, 0)
    if not (part and before and after):
        return []
    # How much longer the longer of the two is, so that the sentence says the same of both directions.
    apart = max(before, after) / min(before, after) - 1
    what = "the same number of kernels keeps" if pair.same("kernel_launches") else "its kernels keep"
    text = f"{what} the GPU busy {apart:.1%} {'longer' if after > before else 'shorter'}"
    groups = {name: uses for name, uses in by_operator(_listed(pair, part, KERNELS)).items() if not total(uses)}
    if groups:
        text += f" ({next(iter(groups))} launches other kernels)"
    elif grown := _grown(pair, part, after > before):
        text += f" ({grown})"
    return [Clause(text + _clock(pair, longer=after > before), part, "gpu_busy")]


def _clock(pair: Pair, longer: bool) -> str:
    """`: the card ran at 1,200 MHz instead of 1,980 MHz`; empty where its clock explains nothing in this direction."""
    clocks = pair.card_clocks_mhz
    if not clocks or max(clocks) / min(clocks) <= 1 + CLOCK_APART or (clocks[1] < clocks[0]) is not longer:
        return ""
    return f": the card ran at {clocks[1]:,.0f} MHz instead of {clocks[0]:,.0f} MHz"


def _grown(pair: Pair, part: str, longer: bool) -> str:
    """The kernel whose time moved most in this direction, of those with the most time; empty where there is none."""
    before, after = pair.counted_base.uses(part, "kernel_us"), pair.counted_head.uses(part, "kernel_us")
    ends = min(before.values(), default=0), min(after.values(), default=0)
    grown = {
        name: after.get(name, unlisted(before.get(name, 0), ends[1]))
        - before.get(name, unlisted(after.get(name, 0), ends[0]))
        for name in sorted(before.keys() | after.keys())
    }
    name = max(grown, key=lambda name: grown[name] if longer else -grown[name], default="")
    if not name or not grown[name] or (grown[name] > 0) != longer:
        return ""
    return f"most in {name}, {grown[name] / 1e3:+.3g} ms"


def _time(pair: Pair) -> list[Clause]:
    """Nothing that is counted moved, and the time did, or may have: then it is the host."""
    if not pair.moved & {"latency", "step_latency"}:
        return []
    same = _same(pair, SAME_WORK)
    if same and pair.shifted:
        same += " in all"
    if not pair.direction:
        return [Clause(same if pair.shifted else f"{same}: nothing that is counted moved")] if same else []
    clock = _clock(pair, longer=pair.direction.startswith("slower"))
    if not same:
        return [Clause(clock.removeprefix(": "))] if clock else []
    stage = pair.lead(pair.time) or pair.lead("step_latency") if pair.time else ""
    longer = "longer" if pair.direction.startswith("slower") else "shorter"
    offloaded = any(value.moves_weights for value in pair.head.of.traits(pair.head.axes))
    where = " on the host, or in the copies of weights" if offloaded else " on the host"
    where = clock or (where if pair.same("gpu_busy") else " on this CPU")
    return [Clause(f"{same} take {longer}{where}", stage)]


def _allocated(pair: Pair) -> list[Clause]:
    part = pair.lead("allocations") if "allocations" in pair.moved else ""
    if not part:
        return []
    number, when = pair.rate(part, pair.difference("allocations", part))
    return [Clause(more(number, "allocation", when), part, "allocations")]


def _same(pair: Pair, metrics: Sequence[str] | dict[str, str]) -> str:
    """`the same operators and kernels`: of these metrics, the ones that were compared and are the same."""
    names = [SAME_WORK[metric] for metric in metrics if pair.same(metric)]
    return f"the same {' and '.join([', '.join(names[:-1]), names[-1]] if len(names) > 1 else names)}" if names else ""
