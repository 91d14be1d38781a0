"""The cells that a bisection's runs select, as pytest lists them, so that the plan can say what they cost."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence

from reports.bisect.environments import ROOT, last_line
from reports.bisect.runs import NO_TESTS, pytest_command, variables
from reports.errors import ReportError
from reports.verdicts import wall

USAGE = 4
"""pytest's exit code for arguments that it refuses."""

PAIRS = wall.PAIRS_A_LAUNCH
"""Pairs of a launch of both sides."""

ALONE = wall.ALONE
"""Cells up to which each is judged by itself; of more, each needs more pairs."""


def selected(arguments: Sequence[str]) -> int | None:
    """How many cells of a selection can run in this environment; None where it cannot tell, as without torch.

    Raises:
        ReportError: no cell matches, whatever the environment, or pytest refuses the arguments.
    """
    runnable = _listed([*arguments, "-m", "not skip"])
    if runnable == 0 and _listed(arguments) == 0:
        raise ReportError(
            "no cell matches the selection; -k takes axis values, as in -k 'small and sdpa'. To see the cells: "
            "pytest benchmarks/ --collect-only -q"
        )
    return runnable or None


def _listed(arguments: Sequence[str]) -> int | None:
    command = [*pytest_command(sys.executable), "--collect-only", "-q", *arguments]
    ended = subprocess.run(command, cwd=ROOT, env=variables(), capture_output=True, text=True, check=False)
    if ended.returncode in (0, NO_TESTS):
        return len(re.findall(r"^\S+::test_generate\[.+\]$", ended.stdout, re.MULTILINE))
    said = ended.stderr + ended.stdout
    if ended.returncode != USAGE or re.search("ModuleNotFoundError|No module named|needs pytest-benchmark", said):
        return None  # whatever is wrong here, the runs have environments of their own
    raise ReportError(f"the suite refuses these arguments: {last_line(said)}")


def refuse_few_launches(launches: int | None, cells: int | None) -> None:
    """Refuse launches by which the suite would never judge so many cells, before anything is made.

    Raises:
        ReportError: they are too few.
    """
    fewest = wall.fewest_launches(cells or 1)
    if launches and cells and cells > ALONE and launches < fewest:
        raise ReportError(
            f"--launches {launches}: {cells} cells are judged by {fewest * PAIRS} pairs or more, {PAIRS} a launch, so "
            f"that nothing would ever be found; give {fewest} or more, or select at most {ALONE} cells"
        )
