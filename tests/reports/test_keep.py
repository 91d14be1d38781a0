from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.commands.shared import PASSED, USAGE
from reports.errors import ReportError
from reports.records import runfile
from reports.records.keep import keep
from reports.records.metrics import METRICS
from reports.verdicts.history import read_history
from tests.builders import PLAIN, cell_document, run_document


def written(path: Path, document: dict[str, Any] | None = None) -> Path:
    runfile.write_document(path, document or run_document())
    return path


def test_a_run_is_kept_by_card_lane_level_time_and_commit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit = "0123456789abcdef"
    run = run_document(datetime="2026-01-31T01:30:00.25+02:00", commit=commit, level="nightly", lane="blog")
    source = written(tmp_path / "run.json", run)
    assert main(["keep", str(source), "--to", str(tmp_path / "history")]) == PASSED
    (path,) = (tmp_path / "history").rglob("*.json")
    assert path.parent == tmp_path / "history" / "nvidia-h200" / "blog" / "nightly"
    assert path.name.startswith("2026-01-30T233000Z_0123456789ab_")
    assert capsys.readouterr().out == f"kept {path}\n"
    assert runfile.read_document(path) == run


def test_a_run_is_kept_once_however_often_and_however_it_is_laid_out(tmp_path: Path) -> None:
    source = written(tmp_path / "run.json")
    path, new = keep(source, tmp_path / "history")
    assert new
    changed_at = path.stat().st_mtime_ns, path.stat().st_ino
    source.write_text(source.read_text().replace("\n", " "))
    assert keep(source, tmp_path / "history") == (path, False)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == changed_at


def test_a_kept_run_that_was_damaged_is_written_again(tmp_path: Path) -> None:
    source = written(tmp_path / "run.json")
    path, _ = keep(source, tmp_path / "history")
    path.write_text("{")
    assert keep(source, tmp_path / "history") == (path, True)
    assert runfile.read_document(path) == runfile.read_document(source)


def test_two_runs_of_one_second_and_commit_are_both_kept(tmp_path: Path) -> None:
    for latency in (1.0, 2.0):
        keep(
            written(tmp_path / "run.json", run_document([cell_document(PLAIN, {"latency": latency})])), tmp_path / "all"
        )
    (series,) = read_history([tmp_path / "all"], [METRICS["latency"]], lambda cell: True).series
    assert sorted(point.value for point in series.points) == [1.0, 2.0]


REFUSED = {
    "was planted": run_document(drill="memory=+64MiB"),
    "was cut short: 1 of 2 cells": run_document([PLAIN], finished=False, outcomes={"other": ("not run", "stopped")}),
    "was not written by this suite": {"benchmarks": []},
    "is a baseline": run_document(accepted=[{"date": "2026-01-01", "commit": "a", "reason": "", "cells": 2}]),
    "holds no measured cell": {**run_document(), "benchmarks": []}
    | {"suite": run_document([PLAIN])["suite"] | {"cells": []}},
    "has the date": run_document(datetime="0001-01-01T00:00:00+14:00"),
    "cannot name a folder": run_document(lane="../../up"),
}


@pytest.mark.parametrize("says", REFUSED)
def test_what_is_no_run_of_the_code_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], says: str
) -> None:
    source = written(tmp_path / "run.json", REFUSED[says])
    assert main(["keep", str(source), "--to", str(tmp_path / "history")]) == USAGE
    message = capsys.readouterr().err
    assert says in message
    assert message.count("\n") == 1
    assert not (tmp_path / "history").exists()


def test_a_history_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("in the way")
    with pytest.raises(ReportError, match="cannot write"):
        keep(written(tmp_path / "run.json"), tmp_path / "history")


@pytest.mark.parametrize("commit", ["../../etc/passwd", "", "a b\n", "\u00e9"])
def test_a_commit_of_any_text_stays_in_its_folder(tmp_path: Path, commit: str) -> None:
    path, _ = keep(written(tmp_path / "run.json", run_document(commit=commit)), tmp_path / "history")
    assert path.parent == tmp_path / "history" / "nvidia-h200" / "current" / "pr"
