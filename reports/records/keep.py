"""Runs that are kept as a history: plain run files, found by hardware, lane, level, time and commit.

They lie at `<root>/<hardware>/<lane>/<level>/<time in UTC>_<commit>_<digest of the content>.json`.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from reports.errors import ReportError
from reports.records import baselines, runfile
from reports.records.condense import time_of
from reports.records.schema import RunFile


def keep(source: Path, root: Path) -> tuple[Path, bool]:
    """Copy a run file to where it belongs in a history.

    Returns:
        The copy's path, and whether it is new there: the same run is kept once, whoever keeps it and however often.

    Raises:
        ReportError: it is no run file, a drill, a baseline, unfinished or without a measured cell, or cannot be copied.
    """
    document = runfile.read_document(source)
    run = runfile.parse(document, str(source))
    runfile.refuse_drill(run, str(source))
    _refuse(run, str(source))
    path = _path(root, run, document, str(source))
    try:
        if runfile.read_document(path) == document:
            return path, False
    except ReportError:
        pass  # Not there yet, or damaged since.
    runfile.write_document(path, document)
    return path, True


def _refuse(run: RunFile, where: str) -> None:
    suite = run.suite
    if suite.accepted:
        raise ReportError(
            f"{where} is a baseline, put together of {len(suite.accepted)} accepted runs: keep the runs themselves"
        )
    if not suite.finished:
        raise ReportError(
            f"{where} was cut short: {len(run.benchmarks)} of {len(suite.cells)} cells were measured; measure the rest "
            "and join the parts (`python -m reports merge`), or measure again"
        )
    if not run.benchmarks:
        raise ReportError(f"{where} holds no measured cell, so there is nothing to follow: measure again")


def _path(root: Path, run: RunFile, document: Any, where: str) -> Path:
    """The same for the same content only, so that two who keep at one time never write over each other's run."""
    folder = baselines.folder(root, run.suite.hardware, run.suite.lane, run.suite.level)
    time = time_of(run, where)
    commit = re.sub(r"[^0-9A-Za-z]", "", str(run.commit_info.get("id", "")))[:12] or "unknown"
    content = json.dumps(document, sort_keys=True).encode(errors="surrogatepass")
    return folder / f"{time:%Y-%m-%dT%H%M%SZ}_{commit}_{hashlib.sha256(content).hexdigest()[:8]}.json"
