"""The alert as GitHub's workflow commands: a few annotations that stand beside a job."""

from __future__ import annotations

from reports.characters import short
from reports.render.alerts import Alert
from reports.render.untrusted import for_annotation, for_command, for_property

MOST = 10
"""Annotations of one kind that GitHub shows of a step."""
MESSAGE = 4_000


def commands(alert: Alert) -> str:
    """An error for each cell that fails, with its verdicts and why; a notice where none does."""
    cells: dict[str, list[str]] = {}
    for row in alert.rows:
        if row.fails:
            cell, metric, status, before, after, reason = row.columns
            told = f"{metric} {status}: {before} -> {after}, {reason}" if metric != "-" else f"{status}: {reason}"
            cells.setdefault(cell, []).append(told)
    if not cells:
        return _command("error" if alert.failed else "notice", alert.title, [alert.headline])
    why = {found.cell: f"why: {found.sentence}" for found in alert.why}
    lines = [
        _command("error", cell, [*told, *([why[cell]] if cell in why else [])])
        for cell, told in list(cells.items())[: MOST if len(cells) <= MOST else MOST - 1]
    ]
    if len(cells) > MOST:
        lines.append(_command("error", alert.title, [f"{len(cells) - MOST + 1} more cells fail: see the summary"]))
    return "\n".join(lines)


def _command(kind: str, title: str, lines: list[str]) -> str:
    # Lines are made harmless one by one: only the ends of lines put in here are ends of lines.
    # The runner writes them to the log itself, where none of them may look like a command again.
    message = short("\n".join(for_annotation(line, 500) for line in lines), MESSAGE)
    return f"::{kind} title={for_property(for_annotation(title, 200))}::{for_command(message)}"
