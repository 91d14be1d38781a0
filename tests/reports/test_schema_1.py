"""Files of schema 1, which say nothing of their model, read as they did: two real ones, cut to two cells each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports.records import runfile
from reports.records.schema import RunFile
from reports.verdicts.compare import compare
from reports.verdicts.rules import Status

FILES = sorted((Path(__file__).parent / "data" / "schema_1").glob("*.json"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    file: Path = request.param
    return file


@pytest.fixture
def written(path: Path) -> list[dict[str, Any]]:
    """The benchmarks as they stand in the file."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert document["suite"]["schema_version"] == 1
    return [entry["extra_info"] for entry in document["benchmarks"]]


@pytest.fixture
def run(path: Path) -> RunFile:
    return runfile.read(path)


def test_every_figure_is_the_one_that_was_written(run: RunFile, written: list[dict[str, Any]]) -> None:
    for info in written:
        record = run.cells[info["cell"]]
        assert {name: metric.value for name, metric in record.metrics.items()} == {
            name: metric["value"] for name, metric in info["metrics"].items()
        }
        assert {stage: seen.tokens for stage, seen in record.stages.items()} == {
            stage: seen["tokens"] for stage, seen in info["stages"].items()
        }
        assert (record.counters is None) == ("counters" not in info)


def test_the_model_and_its_axes_are_those_of_that_time(run: RunFile, written: list[dict[str, Any]]) -> None:
    model = run.suite.models["bark"]
    for info in written:
        record = run.cells[info["cell"]]
        assert (record.model, record.test, record.axes) == ("bark", "", info["axes"])
        assert record.batch == info["axes"]["batch"]
        assert model.name_of(record.axes) == record.cell


def test_written_again_it_is_of_today_s_schema_and_nothing_moved(run: RunFile, tmp_path: Path) -> None:
    copy = tmp_path / "run.json"
    runfile.write(copy, run)
    document = json.loads(copy.read_text(encoding="utf-8"))
    assert document["suite"]["schema_version"] == 2
    assert list(document["suite"]["models"]) == ["bark"]
    again = runfile.read(copy)
    for base, head in ((run, again), (again, run)):
        comparison = compare(base, head, baseline="base.json")
        assert comparison.verdicts
        assert {verdict.status for verdict in comparison.verdicts} <= {Status.SAME, Status.UNCLEAR}
