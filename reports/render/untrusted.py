"""Text of a run file, which anybody may have written, made harmless for where it is shown.

GitHub notifies people and links issues from rendered text, so a backslash does not stop it: an invisible space inside
the reference does. Where text is read by a machine, what that machine would act on is escaped as it documents.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from reports.render.markdown import escape

BREAK = "\N{ZERO WIDTH SPACE}"
CUT = "…"

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of characters that steer what is shown: controls, direction overrides, surrogates, line ends."""


def plain(text: str, limit: int) -> str:
    """The text on one line of at most `limit` characters, without characters that are not seen."""
    flat = " ".join(text[: limit * 4].split())
    seen = "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _INVISIBLE else c for c in flat)
    return seen if len(seen) <= limit and len(text) <= limit * 4 else seen[: limit - 1] + CUT


def for_markdown(text: str, limit: int) -> str:
    """The text as GitHub shows it literally: no formatting, no mention, no reference, no link."""
    return _within(text, limit, escape)


def for_slack(text: str, limit: int) -> str:
    """The text for a Slack message: `&`, `<` and `>` start its mentions and links."""
    return _within(text, limit, lambda shown: shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _within(text: str, limit: int, escaped: Callable[[str], str]) -> str:
    """The escaped text, cut before escaping, so that no escape is cut in two."""
    keep = limit
    while len(shown := escaped(plain(text, keep))) > limit:
        keep = keep * 3 // 4
    return shown


def for_command(text: str) -> str:
    """The message of a GitHub workflow command, on one line however many it has."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def for_property(text: str) -> str:
    """A property of a GitHub workflow command, such as its title."""
    return for_command(text).replace(":", "%3A").replace(",", "%2C")
