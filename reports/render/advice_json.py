"""The advice on a run for programs."""

from __future__ import annotations

from typing import Any

from reports.render import advice
from reports.render.summary import finite
from reports.verdicts.advice import Advice, Answer, Limits
from reports.verdicts.candidates import DRIFT


def as_json(found: Advice) -> dict[str, Any]:
    """The advice for programs: bytes, seconds, samples a second; shares as fractions."""
    content = {
        "found": found.found,
        "max_memory_bytes": found.limits.memory_bytes,
        "max_latency_s": found.limits.latency_s,
        "answers": [_answer_json(one, found.limits) for one in found.answers],
        "not_known": [
            {"outcome": outcome, "reason": reason, "cells": number}
            for (outcome, reason), number in found.left_out.items()
        ],
        "measure_again": advice.again(found) if found.found else None,
    }
    return {name: finite(value) for name, value in content.items()}


def _answer_json(one: Answer, limits: Limits) -> dict[str, Any]:
    front, tied = ({cell.cell for cell in cells} for cells in (one.front, one.tied))
    return {
        "checkpoint": one.checkpoint,
        "batches": list(one.batches),
        "best": one.best.cell if one.best else None,
        "closest": one.closest.cell if one.closest else None,
        "cells": [
            {
                "cell": cell.cell,
                "axes": dict(cell.record.axes),
                "latency_s": cell.latency_s,
                "latency_a_sample_interval_s": [cell.timing.low_s, cell.timing.high_s],
                "slowest_round_s": cell.slowest_s,
                "throughput": cell.throughput,
                "memory_bytes": cell.memory_bytes,
                "memory_is": cell.memory,
                "peak_allocated_bytes": cell.allocated_bytes,
                **{name: cell.drift.get(name) for name in DRIFT},
                "fits": limits.hold(cell),
                "memory_excess": limits.excess(cell)[0],
                "latency_excess": limits.excess(cell)[1],
                "on_front": cell.cell in front,
                "tied_with_best": cell.cell in tied,
            }
            for cell in one.cells
        ],
    }
