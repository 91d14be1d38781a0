"""Tables and verdicts for a terminal, through rich: colours and width respected, plain when piped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports.render import causes, study_grids, study_words, summary, tables
from reports.render.published import Source
from reports.render.study import Study
from reports.verdicts.rules import Status
from reports.verdicts.verdict import Attribution, Comparison

STYLES = {Status.WORSE: "red", Status.MISSING: "red", Status.FAILED: "red", Status.BETTER: "green"}

INDENT = (0, 0, 0, 2)
"""Of what belongs to the line above it."""


def study(found: Sequence[tables.StudyTable]) -> RenderableType:
    """The two tables, absolute and relative, with a section for each checkpoint and batch size."""
    parts: list[RenderableType] = []
    for relative, title in ((False, "Absolute performance"), (True, "Relative performance")):
        parts += [Text(title, style="bold"), *(_section(one, relative=relative) for one in found), Text()]
    return Group(*parts[:-1])


def _section(one: tables.StudyTable, *, relative: bool) -> Table:
    against = f", against {one.reference}" if one.reference else ", whose reference was not measured"
    table = Table(
        title=one.title + (against if relative else ""),
        title_justify="left",
        title_style="italic",
        box=None,
        pad_edge=False,
    )
    table.add_column("cell", no_wrap=True, min_width=28)
    header = tables.headers(one, relative=relative)
    for name in header:
        table.add_column(name, justify="right", no_wrap=True, min_width=12)
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


def _published(source: Source) -> Text:
    return Text(f"Columns `{study_grids.STUDY}`: {source.name} ({source.url}), {source.protocol}.")


def _grid(one: study_grids.Grid) -> Table:
    """Cells wrap, and words fold, in a terminal that is too narrow: no digit is cut off."""
    table = Table(title=one.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for place, header in enumerate(one.header):
        table.add_column(header, justify="left" if place < one.left else "right", overflow="fold")
    for row in one.rows:
        table.add_row(*map(Text, row))
    return table


def verdicts(comparison: Comparison, run_path: str) -> RenderableType:
    """The headline, the verdicts that matter, the counts, and the next command."""
    lines: list[RenderableType] = [
        Text(summary.headline(comparison), style="bold red" if comparison.failed else "bold green")
    ]
    for verdict, why, numbers in summary.explained(comparison):
        lines.append(Text(summary.sentence(verdict), style=STYLES.get(verdict.status, "")))
        if why:
            lines.append(Padding(Text(summary.because(why)), INDENT))
        if why and numbers:
            lines.append(Padding(_causes(why), INDENT))
    lines += [Text(line, style="dim") for line in summary.folded(comparison)]
    lines.append(Text(summary.counts(comparison)))
    if comparison.changed:
        lines.append(Text("changed since the baseline: " + ", ".join(comparison.changed)))
    commands = summary.next_commands(comparison, run_path)
    if commands:
        lines.append(Text("next:"))
        lines += [Text(f"  {command}") for command in commands]
    return Group(*lines)


def _causes(why: Attribution) -> Table:
    """What changed in a cell; names fold in a terminal that is too narrow."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, header in enumerate(causes.HEADER):
        table.add_column(header, justify="left" if place < causes.LEFT else "right", overflow="fold")
    for row in causes.rows(why):
        table.add_row(*map(Text, row))
    return table


def to_text(renderable: RenderableType, *, width: int, colour: bool) -> str:
    """Render for a stream of this width; `colour` as the stream can show it."""
    console = Console(
        width=max(width, 40), force_terminal=colour, no_color=not colour, highlight=False, legacy_windows=False
    )
    with console.capture() as capture:
        console.print(renderable)
    return "\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n"))


def for_stream(renderable: RenderableType, stream: TextIO) -> str:
    """Render for a stream: its width and colours if it is a terminal (and NO_COLOR is unset), else plain, 120 wide."""
    terminal = stream.isatty()
    width = shutil.get_terminal_size().columns if terminal else 120
    return to_text(renderable, width=width, colour=terminal and "NO_COLOR" not in os.environ)
