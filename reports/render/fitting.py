"""Markdown that has to fit a limit, such as GitHub's for a comment: what is left out is counted, and never silently."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reports.characters import whole

COMMENT = 65_000
"""UTF-8 bytes of a comment. GitHub takes 65,536 characters, and no way of counting those comes to more than the bytes;
the rest is for what is wrapped around a report."""


def more(number: int, what: str, where: str) -> str:
    """The line that stands for what was left out: `… 212 more cells: see run.json`."""
    return f"… {number:,} more {what if number > 1 else what.removesuffix('s')}: see {where}"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a text, in Markdown.

    `items` may be left out from the last one on; `left_out` gives the line in place of that many. `head` and `foot`
    stay with what is kept, such as a table's header or the end of a fold. `items` are joined by `between`. Sections of
    a lower `rank` get their items first.
    """

    head: str
    items: Sequence[str] = ()
    left_out: Callable[[int], str] = lambda number: f"… {number:,} more"
    foot: str = ""
    between: str = "\n"
    rank: int = 0

    def text(self, kept: int) -> str:
        """The section with its first items."""
        gone = len(self.items) - kept
        items = self.between.join(self.items[:kept])
        # A note right below a table would be its last row.
        return "\n\n".join(
            part for part in (self.joined(items), self.left_out(gone) if gone else "", self.foot) if part
        )

    def joined(self, items: str) -> str:
        """Head and items: the items of a table follow its header at once."""
        if not (self.head and items):
            return self.head or items
        return self.head + ("\n" if self.head.endswith("|") else "\n\n") + items


def fitted(sections: Sequence[Section], most: int = COMMENT) -> str:
    """The sections as one text, with as many of their items as fit.

    Args:
        sections: in the order of the text. Of each, at least its head and foot are kept; where not even those fit, the
            last sections are left out, which is said.
        most: UTF-8 bytes, at least 200.
    """
    kept_sections = list(sections)
    while len(kept_sections) > 1 and _least(kept_sections, len(sections)) > most:
        kept_sections = kept_sections[: -max(1, len(kept_sections) // 8)]
    room = most - _least(kept_sections, len(sections))
    kept: dict[int, int] = {}
    for place in sorted(range(len(kept_sections)), key=lambda place: kept_sections[place].rank):
        kept[place], used = _taken(kept_sections[place], room)
        room -= used
    parts = [section.text(kept[place]) for place, section in enumerate(kept_sections)]
    return cut("\n\n".join(part for part in [*parts, _gone(len(sections) - len(kept_sections))] if part) + "\n", most)


def cut(text: str, most: int) -> str:
    """The text itself, or, as a last resort, its first bytes and a note."""
    content = text.encode()
    if len(content) <= most:
        return text
    note = "\n\n… the rest does not fit here\n"
    begun = content[: most - len(note.encode())].decode(errors="ignore")
    return text[: whole(text, len(begun))] + note


def size(text: str) -> int:
    """Bytes of a text in UTF-8."""
    return len(text.encode())


def _gone(sections: int) -> str:
    return f"… {sections:,} more sections do not fit here" if sections else ""


def _least(sections: Sequence[Section], of: int) -> int:
    """Bytes of the sections without any of their items."""
    return sum(size(section.text(0)) + 2 for section in sections) + size(_gone(of)) + 2


def _taken(section: Section, room: int) -> tuple[int, int]:
    """How many items fit, and the bytes that they take."""
    costs = (size(item) + len(section.between) + (0 if place else 2) for place, item in enumerate(section.items))
    return taken(costs, room)


def taken(costs: Iterable[int], room: int) -> tuple[int, int]:
    """How many things there is room for, from the first on, and what those take; each is given by what it takes."""
    used = kept = 0
    for cost in costs:
        if used + cost > room:
            break
        used, kept = used + cost, kept + 1
    return kept, used
