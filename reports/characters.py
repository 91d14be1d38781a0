"""Text of a run file made safe to show: a file can hold codes that move a terminal's cursor or turn a line around."""

from __future__ import annotations

import unicodedata

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode categories that show nothing themselves and change what is shown: controls, escape codes among them; marks of
direction and of no width; halves of surrogate pairs; private ones; separators of lines."""


class Rendered(str):
    """Text made for one terminal: the escape codes in it are this suite's own."""

    __slots__ = ()


def visible(text: str) -> str:
    r"""The text on one line, with what cannot be seen written as in Python (`\n`, `\x1b`)."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(one) if unicodedata.category(one) in UNSEEN else one for one in text)


def visible_lines(text: str) -> str:
    """The same, line by line."""
    return "\n".join(visible(line) for line in text.split("\n"))


def short(text: str, most: int) -> str:
    """The beginning of a text, at most so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")
