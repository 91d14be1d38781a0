"""Text of a run file made safe to show: a file can hold codes that move a terminal's cursor or turn a line around.

Printed in a job of GitHub Actions, a line can hold a command to the runner as well.
"""

from __future__ import annotations

import re
import unicodedata

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode categories that show nothing themselves and change what is shown: controls, escape codes among them; marks of
direction and of no width; halves of surrogate pairs; private ones; separators of lines."""

CUT = "…"
"""Stands for what was left out at the end of a text."""

BREAK = "\N{ZERO WIDTH SPACE}"
"""Parts what GitHub would take for a reference: it acts on the text as shown, so that no escape would help."""

REFERENCE = re.compile(
    r"(?<=[@#])(?=\w)"  # somebody's name, an issue, a commit of another repository, an address of mail
    r"|(?<=\$)(?=\S)"  # a formula
    r"|(?<=:)(?=//)|(?<=www)(?=\.)"  # a link
    r"|(?<=:)(?=[\w+-]+:)"  # an emoji
    r"|(?:(?<=[a-z]-)|(?<=[a-z]\d-)|(?<=[a-z]\d\d-))(?=\d)"  # GH-1, CVE-2024-12345, a repository's own PROJECT-1
    r"|(?<=ghsa)(?=-)"  # a security advisory
    r"|[0-9a-f]{6}(?=[0-9a-f])",  # a commit, from seven digits on
    re.IGNORECASE,
)
"""Behind what is matched, a `BREAK` makes a mere text of it."""

STAND_IN = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)|&(?:#[0-9]{1,7}|[A-Za-z]{1,8});", re.DOTALL)
"""What stands for one character: an escape as in Python or Markdown, or an entity of HTML."""
LONGEST_STAND_IN = 10


class Rendered(str):
    """Text made for where it goes: the escape codes or workflow commands in it are this suite's own."""

    __slots__ = ()


def visible(text: str) -> str:
    r"""The text on one line, with what cannot be seen written as in Python (`\n`, `\x1b`)."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(one) if unicodedata.category(one) in UNSEEN else one for one in text)


def visible_lines(text: str) -> str:
    """The same, line by line."""
    return "\n".join(visible(line) for line in text.split("\n"))


def masked(text: str) -> str:
    """The text with U+FFFD for every character that is not seen, unassigned ones too; a space stays."""
    return text if text.isprintable() else "".join(one if one.isprintable() else "\ufffd" for one in text)


def unlinked(text: str) -> str:
    """The text, parted wherever GitHub would make a mention, a reference, a link, an emoji or a formula of it."""
    return REFERENCE.sub(rf"\g<0>{BREAK}", text)


def inert(text: str) -> str:
    r"""Lines in which a runner of GitHub Actions finds no command, which a log may hold: `\x3a:error`, `\x23#[error`.

    It takes a line for one that begins with two colons, behind spaces too, or has `##[` anywhere (actions/runner,
    ActionCommand.cs).
    """
    return re.sub(r"^(\s*):(?=:)", r"\1\\x3a", text.replace("##[", r"\x23#["), flags=re.MULTILINE)


def short(text: str, most: int) -> str:
    """The beginning of a text, at most so many characters; an escape or entity is never cut in two."""
    return text if len(text) <= most else text[: whole(text, most - 1)] + CUT


def whole(text: str, end: int) -> int:
    """The last place, up to `end`, at which the text can be cut without cutting an escape or entity in two."""
    for found in STAND_IN.finditer(text, 0, end + LONGEST_STAND_IN):
        if found.start() < end < found.end():
            return found.start()
    return end


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")
