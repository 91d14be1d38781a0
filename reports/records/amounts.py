"""Sizes and times as people type them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reports.errors import ReportError

BYTES: Mapping[str, int] = {
    "": 1, "b": 1,
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
"""Unit in lower case -> bytes (IEC 80000-13: kB is a thousand, KiB 1,024)."""

SECONDS: Mapping[str, float] = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}
"""Unit -> seconds."""

MOST = 1e15
"""Bytes or seconds: beyond this a limit limits nothing."""

_AMOUNT = re.compile(r"\s*([0-9]{1,20}(?:\.[0-9]{1,20})?|\.[0-9]{1,20})\s*([A-Za-zµ]{0,5})\s*")


def size_bytes(text: str) -> int:
    """A size in bytes: `2GB` and `800 MB` are decimal, `1.5GiB` binary, a plain number is bytes.

    Raises:
        ReportError: no size, or not above 0.
    """
    found = _AMOUNT.fullmatch(text)
    factor = BYTES.get(found[2].lower()) if found else None
    if not found or factor is None:
        raise ReportError(
            f"{text!r} is no size: give a number with kB, MB, GB, TB (powers of 1000) "
            "or KiB, MiB, GiB, TiB (of 1024), such as 2GB"
        )
    return int(_within(text, float(found[1]) * factor, 1.0))


def duration_s(text: str) -> float:
    """A time in seconds: `1s`, `800ms`, `0.5 min`.

    Raises:
        ReportError: no time, one without a unit, or not above 0.
    """
    found = _AMOUNT.fullmatch(text)
    factor = SECONDS.get(found[2].lower()) if found else None
    if not found or factor is None:
        raise ReportError(f"{text!r} is no time: give a number with us, ms, s or min, such as 1s or 800ms")
    return _within(text, float(found[1]) * factor, 0.0)


def _within(text: str, value: float, least: float) -> float:
    if not (least <= value <= MOST and value > 0):
        raise ReportError(f"{text!r} is no limit that a cell could keep: it has to be above 0 and below {MOST:g}")
    return value
