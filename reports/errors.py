"""Errors of the judging side: each message says what was wrong, where, and what to do next."""


class ReportError(Exception):
    """A run file, baseline or argument that cannot be used."""
