"""Text of a run file, which anybody may have written, made harmless for where it is shown.

GitHub notifies people and links issues from rendered text, so a backslash does not stop it: an invisible space inside
the reference does (`characters.unlinked`). Where text is read by a machine, what that machine would act on is escaped
as it documents.
"""

from __future__ import annotations

from collections.abc import Callable

from reports.characters import CUT, inert, masked, short, unlinked, whole
from reports.render.markdown import escape


def plain(text: str, limit: int) -> str:
    """The text on one line of at most `limit` characters, without characters that are not seen."""
    cut = len(text) > limit * 4  # before anything else is done with it: a text may have megabytes
    flat = " ".join(text[: whole(text, limit * 4)].split() if cut else text.split())
    return short(masked(flat) + (CUT if cut else ""), limit)


def for_markdown(text: str, limit: int) -> str:
    """The text as GitHub shows it literally: no formatting, no mention, no reference, no link, no emoji."""
    return _within(text, limit, escape)


def for_slack(text: str, limit: int) -> str:
    """The text for a Slack message: `&`, `<` and `>` start its mentions and links."""
    return _within(text, limit, lambda shown: shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def for_annotation(text: str, limit: int) -> str:
    """The text as GitHub shows it in an annotation, where it links what it finds, and in the log of the job."""
    return inert(unlinked(plain(text, limit)))


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
