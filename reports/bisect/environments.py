"""Environments of mixed constraints: made with uv where it is there, else with venv and pip; whole ones are kept."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from reports.errors import ReportError
from reports.records.files import write_atomically

ROOT = Path(__file__).resolve().parents[2]
READY = ".ready"

CONFLICT = re.compile(
    r"ResolutionImpossible|conflicting dependencies|No solution found when resolving|No matching distribution found"
    r"|Could not find a version that satisfies"
)
"""What pip and uv say of versions that do not go together, or do not exist: no network and no luck helps there."""

NETWORK = re.compile(
    r"NewConnectionError|Retrying \(Retry\(|Failed to establish|ReadTimeout|ConnectTimeout|name resolution"
    r"|Name or service not known|getaddrinfo failed|dns error|error sending request|Failed to fetch"
)
"""What they say of an index that was not reached; pip then goes on and ends with words of `CONFLICT`."""

LISTED = re.compile(r"The conflict is caused by:\n((?:[ \t]+\S.*\n?)+)")
"""pip's list of the versions that clash."""

LONGEST = 300
"""Characters of a tool's output in a message."""

NEEDED = "import torch, transformers, pytest, pytest_benchmark"


class UninstallableError(Exception):
    """No environment with these versions can be had; the message says why."""


Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]
Create = Callable[[Path, str], Path]
"""From a folder and the text of a constraints file to the interpreter of an environment there; one that was made
before is used again. Raises UninstallableError where the versions do not go together, else ReportError."""


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command and keep what it says."""
    return subprocess.run(command, capture_output=True, text=True, check=False)


def create(folder: Path, constraints: str, run: Run = run) -> Path:
    """Make an environment with this suite and what it needs; see `Create`."""
    python = folder / "bin" / "python"
    if (folder / READY).exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    file = folder.with_suffix(".txt")
    write_atomically(file, constraints)
    uv = shutil.which("uv")
    made = [uv, "venv", "--quiet", "--python", sys.executable, str(folder)] if uv else _venv(folder)
    _done(run(made), folder)
    pip = [uv, "pip", "install", "--quiet", "--python", str(python)] if uv else [str(python), "-m", "pip", "install"]
    _done(run([*pip, "--constraint", str(file), str(ROOT)]), folder)
    tried = run([str(python), "-c", NEEDED])
    if tried.returncode:
        raise UninstallableError(f"these versions install, but do not import: {last_line(tried.stderr)}")
    write_atomically(folder / READY, "")
    return python


def _venv(folder: Path) -> list[str]:
    return [sys.executable, "-m", "venv", str(folder)]


def _done(ended: subprocess.CompletedProcess[str], folder: Path) -> None:
    if ended.returncode == 0:
        return
    said = ended.stderr + ended.stdout
    if unreached := unreachable(said):
        raise ReportError(
            f"the environment {folder} could not be made, as the package index was not reached: {unreached}; see that "
            "the network is there, then repeat: what was found out is kept"
        )
    if CONFLICT.search(said):
        raise UninstallableError(f"these versions do not go together: {conflict(said)}")
    raise ReportError(
        f"the environment {folder} could not be made: {last_line(said)}; see that the network and the disk are there, "
        "then repeat: what was found out is kept"
    )


def unreachable(said: str) -> str:
    """The line by which a tool tells that it did not reach the index, so that it says nothing of the versions.

    Of an index that it cannot read pip says that it lists no version at all; so it does of one whose versions are all
    for another Python, and then it names what they require.
    """
    if LISTED.search(said):
        return ""  # it has seen what the versions ask for, whatever it could not reach beside
    lines = [line.strip() for line in said.splitlines()]
    nothing_listed = "Requires-Python" not in said
    told = (line for line in lines if NETWORK.search(line) or (nothing_listed and "(from versions: none)" in line))
    return next(told, "")[:LONGEST]


def conflict(said: str) -> str:
    """Which versions do not go together, as pip lists them; what follows there is advice. Else the line that says most.

    Each line of the list names a version that was asked for, which come first here, or a package that asks for another.
    """
    listed = LISTED.search(said)
    if not listed:
        return last_line(said)
    lines = [line.strip() for line in listed[1].splitlines()]
    return "; ".join(sorted(lines, key=lambda line: not line.startswith("The user requested")))[:LONGEST]


def last_line(said: str) -> str:
    """The line of a tool's output that says most: its last one that is an error, else its last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"error|conflict|because", line, re.IGNORECASE)]
    return (errors or lines or ["it said nothing"])[-1][:LONGEST]
