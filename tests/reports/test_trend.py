from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.__main__ import main
from reports.commands.shared import PASSED, USAGE
from reports.records import runfile
from reports.records.metrics import METRICS
from reports.verdicts.history import read_history
from reports.verdicts.trend import trend
from tests.builders import FUSED, H200, PLAIN, SOFTWARE, cell_document, run_document, run_of

RUNS = 60
times = np.arange(RUNS)

Values = dict[str, float | Sequence[float]]


def history(folder: Path, series: Values, *, cell: str = PLAIN, first: int = 0, **run: Any) -> Path:
    """Run files, an hour apart, whose metrics follow `series`; a single number stays as it is."""
    lengths = {len(values) for values in series.values() if not isinstance(values, float | int)}
    for index in range(first, first + lengths.pop()):
        metrics = {
            name: values if isinstance(values, float | int) else values[index - first]
            for name, values in series.items()
        }
        document = cell_document(cell, metrics)
        document["stats"]["data"] = [2.0 + index / 1000]
        options = {key: value(index) if callable(value) else value for key, value in run.items()}
        time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=index)
        content = run_document([document], commit=f"commit{index}", **options) | {"datetime": time.isoformat()}
        runfile.write_document(folder / cell / f"{index:03d}.json", content)
    return folder


def found(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> Any:
    assert main(["trend", str(folder), "--format", "json", *options]) == PASSED
    return json.loads(capsys.readouterr().out)


def walls(step_at: int = RUNS, size: float = 1.0, runs: int = RUNS) -> list[float]:
    noise = 2 * (1 + 0.02 * np.random.default_rng(5).standard_normal(runs))
    return [float(value) * (size if run >= step_at else 1) for run, value in enumerate(noise)]


def test_each_change_of_an_exact_metric_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history(tmp_path, {"weights": [4e8, 4e8, 4e8 + 1, 4e8 + 1, 4e8]})
    changes = found(tmp_path, capsys)["changes"]
    assert [(one["at"]["commit"], one["status"], one["before"], one["after"]) for one in changes] == [
        ("commit2", "worse", 4e8, 4e8 + 1),
        ("commit4", "better", 4e8 + 1, 4e8),
    ]


def test_a_step_names_the_run_the_levels_and_the_software_that_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def software(index: int) -> dict[str, str]:
        return SOFTWARE | {"torch": "2.13.0" if index >= 30 else "2.11.0"}

    history(tmp_path, {"latency": walls(30, 1.1)}, software=software)
    (change,) = found(tmp_path, capsys)["changes"]
    assert (change["cell"], change["metric"], change["shape"], change["status"]) == (PLAIN, "latency", "step", "worse")
    assert change["at"]["commit"] == "commit30"
    assert change["at"]["run"].endswith("030.json")
    assert change["at"]["datetime"] == "2026-01-02T06:00:00+00:00"
    assert change["change"] == pytest.approx(0.1, abs=0.02)
    assert change["software"] == ["torch 2.11.0 -> 2.13.0"]


def test_drift_names_both_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    latencies = [value * (1 + 0.002 * index) for index, value in enumerate(walls())]
    (change,) = found(history(tmp_path, {"latency": latencies}), capsys)["changes"]
    assert (change["shape"], change["at"]["commit"], change["until"]["commit"]) == ("drift", "commit0", "commit59")
    assert 0.05 < change["change"] < 0.12


def test_changes_too_small_to_matter_are_not_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    peaks = 1e9 * (1 + 1e-5 * random.standard_normal(RUNS)) * np.where(times >= 30, 1.0005, 1)
    assert found(history(tmp_path / "small", {"peak_allocated": peaks.tolist()}), capsys)["changes"] == []
    larger = (peaks * np.where(times >= 30, 1.002, 1)).tolist()
    (change,) = found(history(tmp_path / "larger", {"peak_allocated": larger}), capsys)["changes"]
    assert change["change"] == pytest.approx(0.0025, abs=2e-4)


def test_runs_that_are_not_comparable_are_series_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history(tmp_path, {"latency": walls(), "weights": 4e8})
    other = [value * 3 for value in walls()]
    history(tmp_path, {"latency": other, "weights": 5e8}, first=RUNS, gpu=H200 | {"model": "NVIDIA A100"})
    document = found(tmp_path, capsys)
    (change,) = document["changes"]  # bytes of weights need no GPU to be compared
    assert (change["metric"], change["at"]["commit"], change["series"]) == ("weights", "commit60", "")
    assert document["searched"] == 4


def test_other_work_is_another_series_and_named_where_it_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for tokens, first in ((64, 0), (16, 10)):
        folder = history(tmp_path, {"weights": [4e8, 4e8 + first + 1]}, first=first)
        for path in (folder / PLAIN).glob(f"0{first // 10}*.json"):
            document = json.loads(path.read_text())
            document["benchmarks"][0]["extra_info"]["workload"]["digest"] = f"work-{tokens}"
            path.write_text(json.dumps(document))
    labels = [(one["series"], one["after"]) for one in found(tmp_path, capsys)["changes"]]
    assert labels == [("workload work-16", 4e8 + 11), ("workload work-64", 4e8 + 1)]


def test_the_order_is_that_of_dates_and_a_run_stored_twice_counts_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history(tmp_path, {"weights": [4e8, 4e8, 4e8 + 1]})
    first = found(tmp_path, capsys)
    (tmp_path / PLAIN / "000.json").rename(tmp_path / "zzz.json")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "run.json").write_text((tmp_path / PLAIN / "002.json").read_text())
    second = found(tmp_path, capsys)
    assert [(one["at"]["commit"], one["after"]) for one in second["changes"]] == [("commit2", 4e8 + 1)]
    assert second["runs"] == first["runs"] == 3


@pytest.mark.parametrize(("pattern", "cells"), [("fp16", {FUSED}), ("small-*-fp32", {PLAIN}), ("*", {PLAIN, FUSED})])
def test_cells_are_chosen_by_pattern(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pattern: str, cells: set[str]
) -> None:
    for cell in (PLAIN, FUSED):
        history(tmp_path, {"weights": [4e8, 5e8]}, cell=cell)
    assert {one["cell"] for one in found(tmp_path, capsys, "--cell", pattern)["changes"]} == cells


def test_a_metric_that_is_not_gated_is_followed_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history(tmp_path, {"load": walls(30, 1.5)})
    assert found(tmp_path, capsys)["changes"] == []
    assert [one["metric"] for one in found(tmp_path, capsys, "--metric", "load")["changes"]] == ["load"]


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_the_report_reads_as_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    history(tmp_path, {"latency": walls(30, 1.1)})
    (tmp_path / "broken.json").write_text("{")
    assert main(["trend", str(tmp_path), "--format", form]) == PASSED
    printed = " ".join(capsys.readouterr().out.replace("\\", "").split())
    for expected in ("1 changes in 60 runs of 1 cells, 2026-01-01 to 2026-01-03", "worse", "2026-01-02 06:00 commit30"):
        assert expected in printed
    assert "2 steady and wall series were searched; of series without any change 1% show one by chance" in printed
    assert "note: left out" in printed


def test_one_byte_of_an_exact_metric_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history(tmp_path, {"weights": [4e8, 4e8 + 1]})
    assert main(["trend", str(tmp_path)]) == PASSED
    assert "weights worse: 400,000,000 B -> 400,000,001 B, +1 B" in " ".join(capsys.readouterr().out.split())


def test_a_short_history_says_what_it_cannot_tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history(tmp_path, {"latency": walls(5, 2.0, 11)})
    assert main(["trend", str(tmp_path)]) == PASSED
    assert "2 steady and wall series have fewer than 12 runs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--metric", "speed"], "unknown metric 'speed'; choose from latency"),
        (["--cell", "huge"], "no measured cell of that name"),
    ],
)
def test_what_is_not_there_is_one_line_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    history(tmp_path, {"weights": [4e8]})
    assert main(["trend", str(tmp_path), *options]) == USAGE
    message = capsys.readouterr().err
    assert says in message
    assert message.count("\n") == 1


def test_a_date_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runfile.write_document(tmp_path / "run.json", run_document() | {"datetime": "yesterday"})
    assert main(["trend", str(tmp_path / "run.json")]) == USAGE
    assert "has the date 'yesterday'" in capsys.readouterr().err


@settings(max_examples=20, deadline=None)
@given(st.permutations(list(range(6))))
def test_files_in_any_order_give_the_same_history(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    folder = history(tmp_path_factory.mktemp("runs"), {"weights": [4e8 + index for index in range(6)]})
    paths = [folder / PLAIN / f"{index:03d}.json" for index in order]
    (series,) = read_history(paths, [METRICS["weights"]], lambda cell: True).series
    assert [point.value for point in series.points] == [4e8 + index for index in range(6)]


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from reports.__main__ import parser; parser().format_help();"
        "heavy = {'duckdb', 'numpy', 'pydantic', 'rich'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_a_drill_is_no_part_of_the_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def drill(index: int) -> str:
        return "memory=+64MiB" if index == 3 else ""

    history(tmp_path, {"weights": [4e8, 4e8, 4e8, 5e8, 4e8]}, drill=drill)
    assert found(tmp_path, capsys)["changes"] == []
    read = read_history([tmp_path], [METRICS["weights"]], lambda cell: True)
    assert read.runs == 4
    (note,) = read.notes
    assert "003.json is a drill: memory=+64MiB was planted" in note


def test_two_lanes_in_one_folder_are_two_series(tmp_path: Path) -> None:
    for day in range(1, 5):
        lane = "blog" if day % 2 else "current"
        launches = {"kernel_launches": 100.0 if day % 2 else 90.0}
        run = run_of(cell_document(PLAIN, launches), lane=lane, datetime=f"2026-01-0{day}T00:00:00+00:00")
        runfile.write(tmp_path / f"{day}.json", run)
    found = read_history([tmp_path], [METRICS["kernel_launches"]], lambda cell: True)
    assert [one.label for one in found.series] == ["lane blog", "lane current"]
    assert not trend(found).changes
