"""A run of the suite for one mix, against the good side, and what its verdicts answer."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

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

Measure = Callable[[Path, Path, Path, Sequence[str]], RunFile]
"""From the mix's interpreter, the good side's, the folder for the run and more arguments to the run."""


def measure(python: Path, good: Path, folder: Path, arguments: Sequence[str]) -> RunFile:
    """Run the suite with one interpreter against another.

    Raises:
        ReportError: it did not get to its end; what stands in the way is none of the mix's fault.
    """
    command = [
        *(str(python), "-m", "pytest", str(ROOT / "benchmarks")),
        *(f"--rootdir={ROOT}", "-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider"),
        *(f"--against={good}", f"--report-dir={folder}", *arguments),
    ]
    path = folder / "run.json"
    path.unlink(missing_ok=True)
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    ended = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    if ended.returncode not in ENDED or not path.exists():
        raise ReportError(
            f"the suite did not get through, with exit code {ended.returncode}: "
            f"{last_line(ended.stderr + ended.stdout)}; to see it all: {shlex.join(command)}"
        )
    return runfile.read(path)


def answer(run: RunFile, metric: str) -> tuple[Answer, str]:
    """What a run says of the metric: bad if any cell got worse by it, good if all were compared and none did."""
    return answer_of(compare_sides(run), metric)


def answer_of(comparison: Comparison, metric: str) -> tuple[Answer, str]:
    """The same from the verdicts."""
    about = [verdict for verdict in comparison.verdicts if verdict.metric == metric]
    worse = [verdict for verdict in about if verdict.status is Status.WORSE]
    if worse:
        return Answer.BAD, summary.sentence(worse[0])
    broken = [verdict for verdict in comparison.verdicts if not verdict.metric and verdict.status is not Status.NEW]
    unjudged = [verdict for verdict in about if verdict.status not in COMPARED]
    for verdict in (*broken, *unjudged):
        return Answer.SKIP, summary.sentence(verdict)
    if not about:
        return Answer.SKIP, comparison.problem or f"no cell of the run has the metric {metric} on both sides"
    return Answer.GOOD, summary.sentence(about[0])
