"""The commit of this checkout, whose code every run of a bisection measures with."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from reports.bisect.environments import ROOT

VARIABLE = "BARK_BENCHMARKS_COMMIT"
"""Names the commit where git does not (benchmarks/plugin/session.py)."""


def commit(folder: Path = ROOT) -> str:
    """The commit's ID, and a digest of what differs from it; `unknown` where git does not tell and nobody says."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("diff", "HEAD")
        digest = hashlib.sha256(changed.encode()).hexdigest()[:12]
        return git("rev-parse", "HEAD") + (f" with uncommitted changes {digest}" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return os.environ.get(VARIABLE) or "unknown"
