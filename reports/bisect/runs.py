"""A run of the suite for one mix, against the good side, and what its verdicts answer."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.bisect import child
from reports.bisect.environments import ROOT, last_line
from reports.bisect.search import Answer
from reports.errors import ReportError
from reports.records import runfile
from reports.records.schema import RunFile
from reports.render import summary
from reports.verdicts.rules import COMPARED, Status
from reports.verdicts.sides import compare_sides
from reports.verdicts.verdict import Comparison

ENDED = (0, 1)
"""Exit codes of a run that got to its end: passed, or something got worse or failed."""

NO_TESTS = 5
"""Exit code of a run that had nothing to do."""


class UnrunnableError(Exception):
    """No cell of the selection can run with these versions; the message says why."""


Measure = Callable[[Path, Path, Path, Sequence[str]], RunFile]
"""From the mix's interpreter, the good side's, the folder for the run and more arguments to the run."""


def pytest_command(python: str | Path) -> list[str]:
    """Runs this suite with an interpreter, whatever the working directory."""
    return [
        *(str(python), "-m", "pytest", str(ROOT / "benchmarks")),
        *(f"--rootdir={ROOT}", "-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider"),
    ]


def variables() -> dict[str, str]:
    """The environment variables of a run: nothing that would give it another environment's packages."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def measure(python: Path, good: Path, folder: Path, arguments: Sequence[str]) -> RunFile:
    """Run the suite with one interpreter against another.

    Raises:
        UnrunnableError: it left all cells out, and so measured nothing.
        ReportError: it did not get to its end; what stands in the way is none of the mix's fault.
    """
    command = [*pytest_command(python), f"--against={good}", f"--report-dir={folder}", "-rs", *arguments]
    path = folder / "run.json"
    path.unlink(missing_ok=True)
    ended = child.ended(command, ROOT, variables())
    said = ended.stderr + ended.stdout
    if _left_out(ended.returncode, said) and not path.exists():
        skip = re.search(r"^SKIPPED \[\d+\] \S+: (.+)$", said, re.MULTILINE)
        raise UnrunnableError(f"no cell of the selection can run in this mix: {skip[1] if skip else last_line(said)}")
    if ended.returncode not in ENDED or not path.exists():
        raise ReportError(
            f"the suite did not get through, with exit code {ended.returncode}: {last_line(said)}; "
            f"to see it all: {shlex.join(command)}"
        )
    return runfile.read(path)


def _left_out(code: int, said: str) -> bool:
    """Whether a run had no cell that it could measure: of a run file that could not be written it says so itself."""
    return code == NO_TESTS or (code in ENDED and "results are not complete" not in said)


@dataclass(frozen=True, slots=True)
class Told:
    """What a run tells of a mix: the answer, why, and the cells that are worse by the metric."""

    answer: Answer
    reason: str
    worse: tuple[str, ...] = ()


def only(cells: Sequence[str]) -> list[str]:
    """Arguments that select these cells and no others, after a selection that holds them; all of it where none."""
    return ["-k", " or ".join(f"[{cell}]" for cell in cells)] if cells else []


def answer(run: RunFile, metric: str, cells: Sequence[str] = ()) -> Told:
    """What a run says of the metric.

    Args:
        run: the mix against the good side.
        metric: its name.
        cells: those that got worse with all of the bad side, which alone are asked about; empty: not known yet.

    Returns:
        Bad if any cell got worse by it; good if all were compared and none did. A cell that was not may be the one that
        would have, so that nothing is known then.
    """
    return answer_of(compare_sides(run), metric, cells)


def answer_of(comparison: Comparison, metric: str, cells: Sequence[str] = ()) -> Told:
    """The same from the verdicts."""
    verdicts = [verdict for verdict in comparison.verdicts if not cells or verdict.cell in cells]
    about = [verdict for verdict in verdicts if verdict.metric == metric]
    worse = [verdict for verdict in about if verdict.status is Status.WORSE]
    if worse:
        return Told(Answer.BAD, summary.sentence(worse[0]), tuple(verdict.cell for verdict in worse))
    not_measured = [verdict for verdict in verdicts if not verdict.metric]
    unjudged = [verdict for verdict in about if verdict.status not in COMPARED]
    for verdict in (*not_measured, *unjudged):
        return Told(Answer.SKIP, summary.sentence(verdict))
    for cell in cells:
        if cell not in {verdict.cell for verdict in about}:
            return Told(Answer.SKIP, f"{cell}: it got worse with the whole bad side, and was not compared in this mix")
    if not about:
        none = f"no cell of the run has the metric {metric} on both sides"
        return Told(Answer.SKIP, comparison.problem or none)
    return Told(Answer.GOOD, summary.sentence(about[0]))
