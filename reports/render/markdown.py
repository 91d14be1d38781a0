"""The report as Markdown, written beside the run file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from reports.records.files import write_atomically
from reports.records.runfile import RunFile
from reports.render import causes, study_grids, study_words, summary, tables
from reports.render.published import Source
from reports.render.study import Study, StudyRow
from reports.verdicts.verdict import Attribution, Comparison


def escape(text: str) -> str:
    """Text as Markdown shows it literally, on one line."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_{}\[\]|#>~])", r"\\\1", flat)


def report(run: RunFile, comparison: Comparison | None, run_path: str) -> str:
    """The whole report: verdicts if the run was compared, the study's two tables, what did not run, the environment."""
    parts = [
        f"# Bark benchmarks: {escape(run.suite.level)}, {escape(run.suite.lane)} lane, {escape(run.suite.hardware)}"
    ]
    if run.suite.drill:
        parts.append(f"**DRILL {escape(run.suite.drill)}**: planted in every cell; not a measurement of the code.")
    if comparison:
        parts.append(_verdicts(comparison, "" if run.suite.drill else run_path))
    found = tables.study_tables(run)
    parts += [_study(found, relative=False), _study(found, relative=True), _outcomes(run), _environment(run)]
    return "\n\n".join(part for part in parts if part) + "\n"


def write(path: Path, run: RunFile, comparison: Comparison | None, run_path: str) -> None:
    """Write the report through a temporary name."""
    write_atomically(path, report(run, comparison, run_path))


def _verdicts(comparison: Comparison, run_path: str) -> str:
    lines = [
        "## Verdicts",
        "",
        f"**{escape(summary.headline(comparison))}**",
        "",
        escape(summary.counts(comparison)),
        "",
    ]
    for verdict, why, numbers in summary.explained(comparison):
        lines.append(f"- {escape(summary.sentence(verdict))}")
        if why:
            lines.append(f"  - {escape(summary.because(why))}")
        if why and numbers:
            lines += ["", *(f"    {line}" for line in _causes(why).split("\n")), ""]
    lines += [f"- {escape(line)}" for line in summary.folded(comparison)]
    if comparison.changed:
        lines += ["", "Changed since the baseline: " + escape(", ".join(comparison.changed))]
    commands = summary.next_commands(comparison, run_path)
    if commands:
        lines += ["", "Next:", "", *(f"    {command}" for command in commands)]
    return "\n".join(lines)


def _causes(why: Attribution) -> str:
    rows = [[escape(cell) for cell in row] for row in causes.rows(why)]
    return table(causes.HEADER, rows, left=causes.LEFT)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table; the first `left` columns are aligned left, the rest right."""
    rule = ["---" if column < left else "---:" for column in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def _study(found: Sequence[tables.StudyTable], *, relative: bool) -> str:
    sections = ["## Relative performance" if relative else "## Absolute performance"]
    for one in found:
        against = f", against {escape(one.reference)}" if one.reference else ", whose reference was not measured"
        sections.append(f"### {escape(one.title)}{against if relative else ''}")
        header = tables.headers(one, relative=relative)
        rows = [[escape(row.label), *tables.shown(row, header, relative=relative)] for row in one.rows]
        sections.append(table(["cell", *header], rows))
    return "\n\n".join(sections) if found else ""


def _outcomes(run: RunFile) -> str:
    reasons: dict[tuple[str, str], int] = {}
    for outcome in run.suite.cells:
        if outcome.outcome not in ("measured", "not asked for"):
            key = (outcome.outcome, outcome.reason)
            reasons[key] = reasons.get(key, 0) + 1
    if not reasons:
        return ""
    rows = [[str(number), outcome, escape(reason)] for (outcome, reason), number in reasons.items()]
    return "## Cells without a measurement\n\n" + table(["cells", "outcome", "reason"], rows, left=3)


def _environment(run: RunFile) -> str:
    gpu, host = run.machine_info.get("gpu") or {}, run.machine_info.get("host") or {}
    rows = [["GPU", str(gpu.get("model", "none"))], ["driver", str(gpu.get("driver", "-"))]]
    rows += [["CPU", f"{host.get('cpu_model')}, {host.get('cpu_count')} processors"]]
    rows += [[name, str(version)] for name, version in (run.machine_info.get("software") or {}).items()]
    rows += [
        [f"{name} checkpoint", f"{entry.get('source')} {entry.get('digest')}"]
        for name, entry in (run.machine_info.get("checkpoints") or {}).items()
    ]
    rows += [["commit", str(run.commit_info.get("id", "unknown"))], ["measured", run.datetime]]
    return "## Environment\n\n" + table(["", ""], [[escape(a), escape(b)] for a, b in rows], left=2)


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


def _published(source: Source) -> str:
    return f"Columns `{study_grids.STUDY}`: [{escape(source.name)}]({source.url}), {escape(source.protocol)}."
