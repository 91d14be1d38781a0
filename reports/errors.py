"""Errors of the judging side: each message says what was wrong, where, and what to do next."""

from __future__ import annotations

from reports.characters import visible


class ReportError(Exception):
    """A run file, baseline or argument that cannot be used. The message is one line, whatever names it quotes."""

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))
