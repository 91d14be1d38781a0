"""Numbers as people read them, by the unit of the metric table."""

from __future__ import annotations


def quantity(value: float | None, unit: str) -> str:
    """A value with its unit: bytes as MB (1e6, as the study counts), s or ms (below 1 ms to 1 us), whole counts."""
    if value is None:
        return "-"
    if unit == "B":
        return f"{value / 1e6:,.1f} MB"
    if unit == "s":
        if value >= 0.1:
            return f"{value:.2f} s" if value >= 10 else f"{value:.3f} s"
        return f"{value * 1e3:.3f} ms" if 0 < value < 1e-3 else f"{value * 1e3:.1f} ms"
    if not unit and float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.3g} {unit}".rstrip()


def step(before: float | None, after: float | None, unit: str) -> str:
    """Two values as `before -> after`, with as many digits as it takes to tell them apart."""
    shown = [quantity(value, unit) for value in (before, after)]
    if before is not None and after is not None and before != after and shown[0] == shown[1]:
        for digits in (4, 6, 9, 12, 17):
            shown = [f"{value:,.{digits}g} {unit}".rstrip() for value in (before, after)]
            if shown[0] != shown[1] and (digits > 4 or abs(before) < 1e4):
                break
    return " -> ".join(shown)


def change(value: float | None, digits: int = 0) -> str:
    """A relative change as a signed percentage, whole as the study prints it or with `digits`; a dash for None."""
    return _signed(value, digits, "%")


def points(value: float | None) -> str:
    """The difference of two relative changes in percentage points, to a tenth; a dash for None."""
    return _signed(value, 1, "points")


def _signed(value: float | None, digits: int, unit: str) -> str:
    if value is None:
        return "-"
    rounded = round(value * 100, digits)
    return f"{rounded:+.{digits}f} {unit}" if rounded else f"0 {unit}"
