"""What a run says of rounds during which its card was throttled or shared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

REMEDIES = {
    "contended": "another process computed on the card; end it (nvidia-smi names it) or choose another card with "
    "CUDA_VISIBLE_DEVICES",
    "sw_power_cap": "the card is at its power limit (nvidia-smi -q -d POWER shows it)",
    "hw_power_brake_slowdown": "the power supply holds the card back; ask who runs the machine",
    "hw_slowdown": "the card protects itself from heat or its power supply; ask who runs the machine",
    "sw_thermal_slowdown": "the card is too hot; let it cool or improve its airflow",
    "hw_thermal_slowdown": "the card is too hot; let it cool or improve its airflow",
}
"""Mark of a round -> what it means and what to do."""

NAMED = 3
"""Cells that a line names."""


def disturbed(records: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for each kind of disturbed round: how many, of which cells, whether they count, what to do.

    Args:
        records: cell -> its `extra_info`.
    """
    kept: dict[str, Counter[str]] = {}
    dropped: dict[str, Counter[str]] = {}
    for cell, record in records.items():
        rounds = record.get("rounds", {})
        for reason, numbers in rounds.get("marked", {}).items():
            kept.setdefault(reason, Counter())[cell] += len(numbers)
        for reason, number in rounds.get("dropped", {}).items():
            dropped.setdefault(reason, Counter())[cell] += number
    lines = []
    for reason in dict.fromkeys([*kept, *dropped]):
        said = []
        if reason in kept:
            said.append(f"{_rounds(kept[reason])} count all the same, as measuring again did not end it")
        if reason in dropped:
            said.append(f"{_rounds(dropped[reason])} do not count and were measured again")
        lines.append(f"rounds marked {reason}: {'; '.join(said)}: {_remedy(reason)}")
    return lines


def _rounds(cells: Counter[str]) -> str:
    """`12 of small-..., large-..., tiny-... and 2 more`."""
    first, *others = cells
    named = ", ".join([first, *others[: NAMED - 1]])
    if len(cells) > NAMED:
        named += f" and {len(cells) - NAMED} more"
    return f"{cells.total()} of {named}"


def _remedy(reason: str) -> str:
    parts: Iterable[str] = reason.split(" + ")
    return "; ".join(dict.fromkeys(REMEDIES.get(part, "see nvidia-smi -q -d PERFORMANCE") for part in parts))
