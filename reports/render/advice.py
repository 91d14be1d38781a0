"""What the advice on a run says, as text, which the terminal and Markdown only lay out."""

from __future__ import annotations

from collections.abc import Sequence

from reports.characters import short, visible
from reports.records.units import change, quantity
from reports.render import reproduce
from reports.render.study_grids import Grid
from reports.verdicts.advice import Advice, Answer, Limits
from reports.verdicts.apart import ELSEWHERE
from reports.verdicts.candidates import ALLOCATED, RESERVED, Candidate
from reports.verdicts.wall import RULES

MEMORY = {RESERVED: "reserved", ALLOCATED: "allocated"}
"""The memory that a cell is judged by, in a word."""

BEST, TIED, UNCLEAR = "best", "tied", "unclear"
"""How a cell stands to the best one where no number can say it."""

NAMED, REASON = 3, 60
"""Cells, or reasons, that are named one by one; characters of a reason."""


def headline(found: Advice) -> str:
    """One line: whether anything fits, and what is asked."""
    limits = _limits(found.limits)
    if not found.found:
        return f"Nothing fits {limits}"
    single = [one for one in found.answers if len(one.batches) == 1]
    number = sum(one.best is not None for one in single)
    some = f", for {number} of {len(single)} checkpoints and batch sizes" if number < len(single) else ""
    return f"Best within {limits}{some}" if limits else "Best without limits"


def title(one: Answer) -> str:
    """What an answer is about."""
    if len(one.batches) > 1:
        return visible(f"{one.checkpoint}, any batch ({', '.join(map(str, one.batches))}): most samples a second")
    return visible(f"{one.checkpoint}, batch {one.batches[0]}")


def verdict(one: Answer, limits: Limits) -> list[str]:
    """The cell to take with its axis values; or the closest one, and by how much it misses."""
    if one.best:
        values, model = one.best.record.axes, one.best.record.of
        axes = [*model.plain(), *(name for name in values if len(one.batches) > 1 and isinstance(values[name], int))]
        told = [
            f"take {_name(one, one.best)}: {_figures(one, one.best)}",
            "set " + " ".join(f"{name}={values[name]}" for name in axes),
        ]
    elif one.closest:
        near = one.closest
        told = [f"nothing fits; closest is {_name(one, near)}: {_figures(one, near)}, {_misses(near, limits)}"]
    else:
        told = []
    return [visible(line) for line in told]


def _misses(cell: Candidate, limits: Limits) -> str:
    over = [
        f"{quantity(value - limit, unit)} ({_share(value / limit - 1)}) {what}"
        for value, limit, unit, what in (
            (cell.memory_bytes, limits.memory_bytes, "B", "too much"),
            (cell.latency_s, limits.latency_s, "s", "too long"),
        )
        if limit is not None and value > limit
    ]
    return " and ".join(over)


def table(one: Answer) -> Grid:
    """The front within the limits, the best cell, and what is as fast with less drift; the fastest first."""
    header = ["cell", *(["batch", "samples/s"] if len(one.batches) > 1 else ["latency"]), *_memories(one)]
    tied = {cell.cell for cell in one.tied}
    rows = tuple(_row(one, cell, tied=cell.cell in tied) for cell in _shown(one))
    return Grid("", (*header, "top-1", "logits", "vs best"), rows)


def _shown(one: Answer) -> list[Candidate]:
    wanted = {cell.cell for cell in (*one.front, one.best, one.truest) if cell}
    return [cell for cell in one.cells if cell.cell in wanted]


def _memories(one: Answer) -> list[str]:
    """The columns of memory; of several batch sizes, whose tables come before, only what the limit holds."""
    if any(cell.memory == RESERVED for cell in one.cells):
        return [MEMORY[RESERVED]] if len(one.batches) > 1 else [MEMORY[RESERVED], MEMORY[ALLOCATED]]
    return [MEMORY[ALLOCATED]]


def _row(one: Answer, cell: Candidate, *, tied: bool) -> tuple[str, ...]:
    memory = {
        MEMORY[RESERVED]: quantity(cell.memory_bytes if cell.memory == RESERVED else None, "B"),
        MEMORY[ALLOCATED]: quantity(cell.allocated_bytes, "B"),
    }
    speed = [str(cell.batch), quantity(cell.throughput, "")]
    return (
        visible(cell.record.label),
        *(speed if len(one.batches) > 1 else [quantity(cell.latency_s, "s")]),
        *(memory[name] for name in _memories(one)),
        _share(cell.drift["top1_agreement"], 1) if "top1_agreement" in cell.drift else "-",
        quantity(cell.drift.get("logit_error_mean"), ""),
        _tie(one, cell) if tied else _against_best(one, cell),
    )


def _tie(one: Answer, cell: Candidate) -> str:
    """What a cell is called whose latency cannot be told apart from the best one's."""
    return TIED if one.best and cell.timing.environment == one.best.timing.environment else UNCLEAR


def _against_best(one: Answer, cell: Candidate) -> str:
    if one.best is None or cell is one.best:
        return BEST
    ratio = cell.timing.value_s / one.best.timing.value_s
    return change((1 / ratio if len(one.batches) > 1 else ratio) - 1)


def remarks(one: Answer, limits: Limits) -> list[str]:
    """What else is worth knowing of an answer: cells as good that are not in its table, and those that nearly fit.

    Nothing of several batch sizes: each has an answer of its own.
    """
    if len(one.batches) > 1:
        return []
    lines = []
    shown = _shown(one)
    names = {cell.cell for cell in shown}
    for word in (TIED, UNCLEAR):
        others = [cell for cell in one.tied if _tie(one, cell) == word and cell.cell not in names]
        if others:
            lines.append(f"{word} as well: {_some(others)}")
    late = [cell for cell in shown if limits.latency_s is not None and cell.slowest_s > limits.latency_s]
    if late and one.best:
        lines.append(f"some rounds above {quantity(limits.latency_s, 's')}: {_some(late)}")
    if one.may_fit:
        lines.append(f"might fit, since what was allocated would: {_some(one.may_fit)}")
    return [visible(line) for line in lines]


def notes(found: Advice) -> list[tuple[str, str]]:
    """How to read all of it, and what it does not know: pairs of a word and a sentence."""
    cells = [cell for one in found.answers for cell in one.cells]
    words = {_tie(one, cell) for one in found.answers for cell in one.tied}
    lines = [("memory", _memory(cells)), ("latency", visible(_latency(found, cells)))]
    if TIED in words:
        near, far = _share(RULES.threshold - 1), _share(RULES.certain - 1)
        lines.append(
            (
                TIED,
                f"closer than {near} or with rounds that overlap ({far} below {RULES.fewest_rounds} rounds, or between "
                "two sessions): not told apart here; the one of least memory is taken, then of least drift",
            )
        )
    if UNCLEAR in words:
        lines.append((UNCLEAR, f"measured in another environment, where only a factor of {ELSEWHERE:g} tells"))
    return [*lines, ("drift", _drift(cells)), ("not known", visible(_not_known(found)))]


def _memory(cells: Sequence[Candidate]) -> str:
    judged = {cell.memory for cell in cells}
    if judged == {ALLOCATED}:
        return "limits hold for peak allocated, what tensors held; peak reserved was not measured"
    context = max((cell.context_bytes for cell in cells if cell.context_bytes), default=None)
    more = f"; CUDA itself took up to {quantity(context, 'B')} more" if context else ""
    but = " (allocated where that is unknown)" if ALLOCATED in judged else ""
    return f"limits hold for peak reserved{but}, what PyTorch took of the card, CUDA graphs included{more}"


def _latency(found: Advice, cells: Sequence[Candidate]) -> str:
    card = str((found.run.machine_info.get("gpu") or {}).get("model", "the CPU"))
    lengths = sorted({quantity(cell.audio_s, "s") for cell in cells if cell.audio_s is not None})
    made = (
        f", which makes {' or '.join(lengths)} of audio a sample; longer ones take more time and memory"
        if lengths
        else ""
    )
    return f"of the fastest round on {card}, a call of generate{made}"


def _drift(cells: Sequence[Candidate]) -> str:
    unknown = sum(not cell.drift for cell in cells)
    if unknown == len(cells):
        return "not measured in this run"
    missing = "; -: not measured" if unknown else ""
    return f"top-1 agreement and mean logit error, against the same weights without optimization{missing}"


def _not_known(found: Advice) -> str:
    groups = sorted(found.left_out.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{number} {what}" + (f" ({short(why, REASON)})" if why else "") for (what, why), number in groups]
    if not named:
        return "combinations that this file does not list; all that it lists were measured"
    rest = sum(number for _, number in groups[NAMED:])
    told = ", ".join([*named[:NAMED], *([f"{rest} for other reasons"] if rest else [])])
    return f"{sum(found.left_out.values())} cells, which might be better: {told}"


def again(found: Advice) -> str:
    """What measures the cells to take."""
    return reproduce.measuring(found.run, list(dict.fromkeys(one.best.cell for one in found.answers if one.best)))


def _limits(limits: Limits) -> str:
    memory = quantity(limits.memory_bytes, "B") if limits.memory_bytes is not None else ""
    latency = quantity(limits.latency_s, "s") if limits.latency_s is not None else ""
    return " and ".join(part for part in (memory, latency) if part)


def _some(cells: Sequence[Candidate]) -> str:
    named = ", ".join(cell.record.label for cell in cells[:NAMED])
    return named + (f" and {len(cells) - NAMED} more" if len(cells) > NAMED else "")


def _name(one: Answer, cell: Candidate) -> str:
    return cell.record.label + (f", batch {cell.batch}" if len(one.batches) > 1 else "")


def _figures(one: Answer, cell: Candidate) -> str:
    speed = [quantity(cell.throughput, "samples/s")] if len(one.batches) > 1 else []
    return ", ".join(
        [*speed, quantity(cell.latency_s, "s"), f"{quantity(cell.memory_bytes, 'B')} {MEMORY[cell.memory]}"]
    )


def _share(value: float, digits: int = 0) -> str:
    return f"{value * 100:.{digits}f} %"
