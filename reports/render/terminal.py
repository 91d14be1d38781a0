"""Tables and verdicts for a terminal, through rich: colours and width respected, plain when piped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TextIO

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from reports.characters import Rendered, inert, visible_lines
from reports.records.model import PublishedSource
from reports.render import advice as advice_words
from reports.render import causes, study_grids, study_words, summary, tables
from reports.render.study import Study
from reports.verdicts.advice import Advice
from reports.verdicts.rules import Status
from reports.verdicts.verdict import Attribution, Comparison

STYLES = {Status.WORSE: "red", Status.MISSING: "red", Status.FAILED: "red", Status.BETTER: "green"}

INDENT = (0, 0, 0, 2)
"""Of what belongs to the line above it."""

MOST_LINES = 200
"""Verdicts listed, and lines of what is only counted: nobody reads more of them in a terminal."""

PLAIN_WIDTH, NARROWEST, WIDEST = 120, 40, 1_000
"""Columns: of what is no terminal, and the fewest and most that are laid out for."""


def study(found: Sequence[tables.StudyTable]) -> RenderableType:
    """The two tables, absolute and relative, with a section for each checkpoint and batch size."""
    parts: list[RenderableType] = []
    for relative, title in ((False, "Absolute performance"), (True, "Relative performance")):
        parts += [Text(title, style="bold"), *(_Section(one, relative) for one in found), Text()]
    return Group(*parts[:-1])


@dataclass(frozen=True, slots=True)
class _Section:
    """One table of the study, in columns of one width over all tables where the terminal is wide enough."""

    table: tables.StudyTable
    relative: bool

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield _section(self.table, relative=self.relative, aligned=options.max_width >= ALIGNED)


CELL, COLUMN, ALIGNED = 28, 12, 70
"""Characters of a cell's label and of a number, at least, and of a terminal that they fit into."""


def _section(one: tables.StudyTable, *, relative: bool, aligned: bool) -> Table:
    against = f", against {one.reference}" if one.reference else ", whose reference was not measured"
    table = Table(
        title=one.title + (against if relative else ""),
        title_justify="left",
        title_style="italic",
        box=None,
        pad_edge=False,
    )
    table.add_column("cell", overflow="fold", min_width=CELL if aligned else None)
    width = COLUMN if aligned else None
    header = tables.headers(one, relative=relative)
    for name in header:
        table.add_column(name, justify="right", overflow="fold", no_wrap=aligned, min_width=width)
    for row in one.rows:
        table.add_row(row.label, *tables.shown(row, header, relative=relative))
    return table


def beside_published(found: Study) -> RenderableType:
    """The study's four tables and the notebook's beside the published figures."""
    caption = [*map(Text, study_words.caption(found, found.all_rows)), _published(found.sections[0].source)]
    parts: list[RenderableType] = [*caption]
    for one in study_grids.study(found):
        parts += [Text(), _grid(one)]
    if found.notebook:
        parts += [Text(), _grid(study_grids.notebook(found.notebook)), *map(Text, study_words.remarks(found.notebook))]
        parts += [_published(found.notebook.source)]
    return Group(*parts, Text())


def _published(source: PublishedSource) -> Text:
    link = f" ({source.link})" if source.link else ""
    return Text(f"Columns `{study_grids.STUDY}`: {source.name}{link}, {source.protocol}.")


def _grid(one: study_grids.Grid) -> Table:
    """Cells wrap, and words fold, in a terminal that is too narrow: no digit is cut off."""
    table = Table(title=one.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for place, header in enumerate(one.header):
        table.add_column(header, justify="left" if place < one.left else "right", overflow="fold")
    for row in one.rows:
        table.add_row(*map(Text, row))
    return table


def advice(found: Advice) -> RenderableType:
    """What to take under the limits: for each checkpoint and batch size the best cell and the front; then the notes."""
    parts: list[RenderableType] = [
        Text(advice_words.headline(found), style="bold green" if found.found else "bold red"),
        Text(),
    ]
    for one in found.answers:
        parts.append(Text(advice_words.title(one), style="bold"))
        parts += [Text(line) for line in advice_words.verdict(one, found.limits)]
        parts += [Padding(_grid(advice_words.table(one)), INDENT)] if one.best else []
        parts += [*(Text(line, style="dim") for line in advice_words.remarks(one, found.limits)), Text()]
    parts += [Text(f"{name}: {line}") for name, line in advice_words.notes(found)]
    if found.found:
        parts += [
            Text("measure again:"),
            Text(f"  {advice_words.again(found)}", no_wrap=True, overflow="ignore"),
        ]
    return Group(*parts)


def verdicts(comparison: Comparison, commands: Sequence[str] = ()) -> RenderableType:
    """The headline, the verdicts that matter, the counts, and the next commands (`reproduce.next_commands`)."""
    lines: list[RenderableType] = [
        Text(summary.headline(comparison), style="bold red" if comparison.failed else "bold green")
    ]
    for verdict, why, numbers in islice(summary.explained(comparison), MOST_LINES):
        lines.append(Text(summary.sentence(verdict), style=STYLES.get(verdict.status, "")))
        if why:
            lines.append(Padding(Text(summary.because(why)), INDENT))
        if why and numbers:
            lines.append(Padding(_causes(why), INDENT))
    folded = summary.folded(comparison)
    lines += [Text(line, style="dim") for line in folded[:MOST_LINES]]
    rest = max(len(summary.listed(comparison)) - MOST_LINES, 0) + max(len(folded) - MOST_LINES, 0)
    if rest:
        lines.append(Text(f"… {rest:,} more lines: python -m reports compare --format json shows every verdict"))
    lines.append(Text(summary.counts(comparison)))
    if comparison.changed:
        lines.append(Text(f"{summary.since(comparison)}: {summary.changed(comparison)}"))
    if commands:
        lines.append(Text("next:"))
        # Whole, for a shell: a terminal folds what is too long by itself, and copies it as one line.
        lines += [Text(f"  {command}", no_wrap=True, overflow="ignore") for command in commands]
    return Group(*lines)


def _causes(why: Attribution) -> Table:
    """What changed in a cell; names fold in a terminal that is too narrow."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, header in enumerate(causes.HEADER):
        table.add_column(header, justify="left" if place < causes.LEFT else "right", overflow="fold")
    for row in causes.rows(why):
        table.add_row(*map(Text, row))
    return table


@dataclass(frozen=True, slots=True)
class _Safe:
    """A renderable without the escape codes that its texts may hold; those of its styles come later."""

    renderable: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.renderable, options):
            if not segment.control:
                yield Segment(visible_lines(segment.text), segment.style)


def to_text(renderable: RenderableType, *, width: int, colour: bool) -> Rendered:
    """Render for a stream of this width; `colour` as the stream can show it. Nothing else is asked for either."""
    console = Console(
        width=min(max(width, NARROWEST), WIDEST),
        color_system="standard" if colour else None,
        force_terminal=colour,
        no_color=not colour,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
    with console.capture() as capture:
        console.print(_Safe(renderable), crop=False)  # a command to copy is never cut off
    return Rendered(inert("\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n"))))


def for_stream(renderable: RenderableType, stream: TextIO, variables: Mapping[str, str] = os.environ) -> Rendered:
    """Render for a stream: in colour where it shows them, as wide as the terminal or COLUMNS; else plain, 120 wide."""
    width = shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns
    return to_text(renderable, width=width, colour=shows_colour(stream, variables))


def shows_colour(stream: TextIO, variables: Mapping[str, str]) -> bool:
    """Whether to colour: as NO_COLOR says, then FORCE_COLOR (each if not empty), then if it is a terminal with colours.

    Sources: no-color.org and force-color.org.
    """
    if variables.get("NO_COLOR"):
        return False
    if variables.get("FORCE_COLOR"):
        return True
    return stream.isatty() and variables.get("TERM") != "dumb"
