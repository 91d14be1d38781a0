"""Keeping the profiler's trace of a cell: its name, its file, and what happens where it cannot be written."""

from __future__ import annotations

import errno
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks.plugin.options import trace_folder
from benchmarks.plugin.traces import Traces

CELL = "tiny-sdpa-fp32-resident-dynamic-batch1"
OTHER = "tiny-eager-fp32-resident-dynamic-batch1"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A file as the profiler leaves it."""
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({"traceEvents": [{"name": "aten::add"}] * 100}), encoding="utf-8")
    return path


def written_to(folder: Path) -> tuple[Traces, list[str]]:
    warnings: list[str] = []
    return Traces(folder, warnings.append), warnings


def test_each_cell_has_a_file_of_its_name_that_holds_the_trace_compressed(tmp_path: Path, trace: Path) -> None:
    traces, warnings = written_to(tmp_path / "traces")
    for cell in (CELL, OTHER):
        traces.keep(cell, trace)
    assert sorted(path.name for path in traces.folder.iterdir()) == [f"{OTHER}.json.gz", f"{CELL}.json.gz"]
    packed = (traces.folder / f"{CELL}.json.gz").read_bytes()
    assert gzip.decompress(packed) == trace.read_bytes()
    assert len(packed) < trace.stat().st_size
    assert warnings == []
    first, *files = traces.lines()
    assert "Perfetto (https://ui.perfetto.dev)" in first
    assert files == [f"  {traces.folder / cell}.json.gz (0.0 MB)" for cell in (CELL, OTHER)]


def test_the_file_of_an_earlier_run_is_replaced(tmp_path: Path, trace: Path) -> None:
    written_to(tmp_path)[0].keep(CELL, trace)
    trace.write_text("later", encoding="utf-8")
    written_to(tmp_path)[0].keep(CELL, trace)
    assert gzip.decompress((tmp_path / f"{CELL}.json.gz").read_bytes()) == b"later"


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("when", [(gzip.GzipFile, "write"), (os, "fsync"), (Path, "replace")])
def test_a_disk_that_fills_up_is_a_warning_and_leaves_no_half_file(
    tmp_path: Path, trace: Path, monkeypatch: pytest.MonkeyPatch, when: tuple[Any, str]
) -> None:
    monkeypatch.setattr(*when, full)
    traces, warnings = written_to(tmp_path / "traces")
    traces.keep(CELL, trace)
    (line,) = warnings
    assert line.startswith(
        f"{CELL} is measured but has no trace: cannot write {traces.folder / CELL}.json.gz: No space"
    )
    assert list(traces.folder.iterdir()) == []
    assert traces.lines() == []


def test_no_folder_is_made_before_there_is_a_trace_and_none_without_the_option(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "traces"
    for listed in (True, False):
        options: dict[str, Any] = {"trace_dir": str(folder), "collectonly": listed}
        assert trace_folder(options.__getitem__) == folder
        assert not folder.parent.exists()
    assert trace_folder(dict.fromkeys(options).__getitem__) is None
