"""The report as Markdown, written beside the run file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from reports.characters import BREAK, short, unlinked, visible
from reports.records.files import write_atomically
from reports.records.model import PublishedSource
from reports.records.schema import RunFile
from reports.render import advice as advice_words
from reports.render import causes, reproduce, study_grids, study_words, summary, tables
from reports.render.fitting import COMMENT, Section, fitted, more
from reports.render.study import Study, StudyRow
from reports.verdicts.advice import Advice
from reports.verdicts.invariants import failures
from reports.verdicts.verdict import Attribution, Comparison, Verdict

MOST_TEXT = 1_000
"""Characters of one text from a file: a sentence that says why takes a few hundred."""


def escape(text: str, most: int = MOST_TEXT) -> str:
    """Text as Markdown shows it literally, on one line: no HTML, no layout, no reference, link or emoji of GitHub's."""
    flat = unlinked(" ".join(visible(short(" ".join(text.split()), most)).split()))
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(BREAK, "&#8203;")
    return re.sub(r"([\\`*_{}\[\]|>~$]|(?<!&)#)", r"\\\1", flat)


def with_commits(escaped: str, *commits: str) -> str:
    """Escaped text in which these commits, the ones that were measured, can be clicked and copied all the same."""
    for commit in filter(reproduce.COMMIT.fullmatch, commits):
        escaped = escaped.replace(escape(commit), commit)
    return escaped


def report(run: RunFile, comparison: Comparison | None, run_path: str, most: int = COMMENT) -> str:
    """The whole report, in at most `most` bytes: what fails first, then what to do, and all else folded.

    Without a comparison the study's absolute tables are what it is about, and are not folded.
    """
    where = escape(run_path) or "the run file"
    title = ", ".join(escape(text, 100) for text in (run.suite.level, f"{run.suite.lane} lane", run.suite.hardware))
    alone = [] if comparison else failures(run)
    failed = comparison.failed if comparison else bool(alone)
    sections = [Section(f"# {'FAILED: ' if failed else ''}Bark benchmarks: {title}")]
    if run.suite.drill:
        drill = f"**DRILL {escape(run.suite.drill)}**: planted in every cell; not a measurement of the code."
        sections.append(Section(drill))
    if not run.suite.finished:
        sections.append(Section("**Not finished**: this run was cut short."))
    if comparison:
        sections += _verdicts(comparison, run, run_path, where)
    else:
        sections.append(_alone(alone, where))
    found = tables.study_tables(run)
    for relative in (False, True):
        sections += _study(found, where, relative=relative, fold=relative or comparison is not None)
    commit = str(run.commit_info.get("id", ""))
    text = fitted([*sections, *_warnings(run, where), *_outcomes(run, where), _environment(run, where)], most)
    return with_commits(text, commit, commit[:12])


def write(path: Path, run: RunFile, comparison: Comparison | None, run_path: str) -> None:
    """Write the report through a temporary name."""
    write_atomically(path, report(run, comparison, run_path))


def folded(title: str, summary: str, content: str = "") -> str:
    """The head of a section that is folded away; `FOLD_END` ends it."""
    head = f"## {title}\n\n<details>\n<summary>{summary}</summary>"
    return f"{head}\n\n{content}" if content else head


FOLD_END = "</details>"


def _verdicts(comparison: Comparison, run: RunFile, run_path: str, where: str) -> list[Section]:
    """What fails; what changed and what to do next; and, folded, what moved without failing."""
    head = f"## Verdicts\n\n**{escape(summary.headline(comparison))}**\n\n{escape(summary.counts(comparison))}"
    failing: list[str] = []
    others: list[str] = []
    for verdict, why, numbers in summary.explained(comparison):
        (failing if verdict.fails else others).append(_verdict(verdict, why, numbers=numbers))
    others += [f"- {escape(line)}" for line in summary.folded(comparison)]
    sections = [Section(head, failing, lambda number: more(number, "verdicts that fail", where))]
    if comparison.changed:
        sections.append(Section(f"{summary.since(comparison).capitalize()}: {escape(summary.changed(comparison))}"))
    commands = [f"    {visible(command)}" for command in reproduce.next_commands(comparison, run, run_path)]
    if commands:
        sections.append(Section("Next:\n\n" + "\n".join(commands)))
    if others:
        told = f"{len(others):,} line{'s' if len(others) > 1 else ''}"
        sections.append(
            Section(
                folded("What else moved or could not be compared", told),
                others,
                lambda number: more(number, "lines", where),
                FOLD_END,
                rank=2,
            )
        )
    return sections


def _alone(failing: Sequence[Verdict], where: str) -> Section:
    """What failed in a run that has no baseline."""
    head = f"{summary.alone(failing)}."
    if not failing:
        return Section(head)
    items = [_verdict(verdict, None, numbers=False) for verdict in failing]
    return Section(f"## Verdicts\n\n**{head}**", items, lambda number: more(number, "verdicts that fail", where))


def _verdict(verdict: Verdict, why: Attribution | None, *, numbers: bool) -> str:
    lines = [f"- {escape(summary.sentence(verdict))}"]
    if why:
        lines.append(f"  - {escape(summary.because(why))}")
    if why and numbers:
        lines += ["", *(f"    {line}" for line in _causes(why).split("\n")), ""]
    return "\n".join(lines)


def _causes(why: Attribution) -> str:
    rows = [[escape(cell) for cell in row] for row in causes.rows(why)]
    return table(causes.HEADER, rows, left=causes.LEFT)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table; the first `left` columns are aligned left, the rest right."""
    return "\n".join([table_head(header, left), *map(table_row, rows)])


def table_head(header: Sequence[str], left: int = 1) -> str:
    """The first two lines of a table."""
    rule = ["---" if column < left else "---:" for column in range(len(header))]
    return f"{table_row(header)}\n{table_row(rule)}"


def table_row(cells: Sequence[str]) -> str:
    """One line of a table."""
    return "| " + " | ".join(cells) + " |"


def _study(found: Sequence[tables.StudyTable], where: str, *, relative: bool, fold: bool) -> list[Section]:
    title = "Relative performance" if relative else "Absolute performance"
    rows = []
    for one in found:
        against = f", against {escape(one.reference)}" if one.reference else ", whose reference was not measured"
        heading = f"### {escape(one.title)}{against if relative else ''}"
        header = tables.headers(one, relative=relative)
        shown = [table_row([escape(row.label), *tables.shown(row, header, relative=relative)]) for row in one.rows]
        # A table's first row brings its heading with it, so that no table is left without any row.
        shown[0] = f"\n{heading}\n\n{table_head(['cell', *header])}\n{shown[0]}"
        rows += shown
    if not rows:
        return []
    head = folded(title, _number(len(rows), "cell")) if fold else f"## {title}"
    foot = FOLD_END if fold else ""
    return [Section(head, rows, lambda number: more(number, "cells", where), foot, rank=4 if relative else 3)]


def _number(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"


def _warnings(run: RunFile, where: str) -> list[Section]:
    """What a reader has to know of how the run was measured, such as workers beside each other or a throttled card."""
    if not run.suite.warnings:
        return []
    lines = [f"- {escape(line)}" for line in run.suite.warnings]
    return [Section("## Warnings", lines, lambda number: more(number, "warnings", where), rank=1)]


def _outcomes(run: RunFile, where: str) -> list[Section]:
    reasons = Counter(
        (outcome.outcome, outcome.reason)
        for outcome in run.suite.cells
        if outcome.outcome not in ("measured", "not asked for")
    )
    if not reasons:
        return []
    rows = [table_row([str(number), outcome, escape(reason)]) for (outcome, reason), number in reasons.items()]
    head = table_head(["cells", "outcome", "reason"], left=3)
    return [
        Section(
            folded("Cells without a measurement", _number(reasons.total(), "cell"), head),
            rows,
            lambda number: more(number, "reasons", where),
            FOLD_END,
            rank=1,
        )
    ]


def _environment(run: RunFile, where: str) -> Section:
    gpu, host = run.machine_info.get("gpu") or {}, run.machine_info.get("host") or {}
    rows = [["GPU", str(gpu.get("model", "none"))], ["driver", str(gpu.get("driver", "-"))]]
    workers = f" for each of {host['workers']} workers at once" if host.get("workers") else ""
    rows += [["CPU", f"{host.get('cpu_model')}, {host.get('cpu_count')} processors{workers}"]]
    rows += [["commit", summary.commit(run)], ["measured", run.datetime]]
    rows += [[f"--{name}", f"{value:g}"] for name, value in run.suite.overrides.items()]
    rows += [[name, str(version)] for name, version in (run.machine_info.get("software") or {}).items()]
    rows += [
        [f"{name} checkpoint", f"{entry.get('source')} {entry.get('digest')}"]
        for name, entry in (run.machine_info.get("checkpoints") or {}).items()
    ]
    return Section(
        folded("Environment", escape(rows[0][1], 100), table_head(["", ""], left=2)),
        [table_row([escape(name), escape(value)]) for name, value in rows],
        lambda number: more(number, "lines", where),
        FOLD_END,
        rank=1,
    )


def advice(found: Advice) -> str:
    """What to take under the limits."""
    parts = [f"# {escape(advice_words.headline(found))}"]
    for one in found.answers:
        parts.append(f"## {escape(advice_words.title(one))}")
        parts += [escape(line) for line in advice_words.verdict(one, found.limits)]
        parts += [_grid(advice_words.table(one))] if one.best else []
        parts += [escape(line) for line in advice_words.remarks(one, found.limits)]
    parts.append("\n".join(f"- {escape(f'{name}: {line}')}" for name, line in advice_words.notes(found)))
    if found.found:
        parts.append(f"Measure again:\n\n    {advice_words.again(found)}")
    return "\n\n".join(parts) + "\n"


def beside_published(found: Study) -> str:
    """The study's rows in one table, its four tables and the notebook's, beside the published figures."""
    parts = ["# Bark benchmarks beside the published study", combined(found, found.all_rows)]
    parts += [f"## {escape(one.title)}\n\n{_grid(one)}" for one in study_grids.study(found)]
    if found.notebook:
        one = study_grids.notebook(found.notebook)
        remarks = [escape(line) for line in study_words.remarks(found.notebook)]
        parts += [f"## {escape(one.title)}\n\n{_grid(one)}"]
        parts += [" ".join([*remarks, _published(found.notebook.source)])]
    parts += [escape(line) for line in study_words.agreements(found)]
    if found.missing:
        parts += [escape(study_words.missing(found)), f"    {study_words.command(found)}"]
    return "\n\n".join(parts) + "\n"


def combined(found: Study, captioned: Sequence[StudyRow]) -> str:
    """The study's rows in one table beside the published figures; the caption tells how `captioned` were measured."""
    caption = [escape(line) for line in study_words.caption(found, captioned)]
    return "\n\n".join([_grid(study_grids.combined(found)), " ".join([*caption, _published(found.sections[0].source)])])


def _grid(one: study_grids.Grid) -> str:
    rows = [[escape(cell) for cell in row] for row in one.rows]
    return table([escape(name) for name in one.header], rows, left=one.left)


def _published(source: PublishedSource) -> str:
    name = f"[{escape(source.name)}]({source.link})" if source.link else escape(source.name)
    return f"Columns `{study_grids.STUDY}`: {name}, {escape(source.protocol)}."
