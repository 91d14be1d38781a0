"""The commit of this checkout, whose code every run of a bisection measures with."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from reports.bisect.environments import ROOT

VARIABLE = "BARK_BENCHMARKS_COMMIT"
"""Names the commit where git does not (benchmarks/harness/session.py)."""


def commit(folder: Path = ROOT) -> str:
    """The commit's ID, and whether anything differs from it; `unknown` where git does not tell and nobody says."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + (" with uncommitted changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return os.environ.get(VARIABLE) or "unknown"
