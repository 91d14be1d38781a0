from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.commands.shared import PASSED, USAGE
from reports.records import runfile
from tests.builders import FUSED, H200, PLAIN, SOFTWARE, cell_document, run_document


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five runs, a day apart, of which the last ones are on the CPU, of another lane, and with another torch."""
    root = tmp_path_factory.mktemp("history")
    for day in range(1, 6):
        cells = []
        for cell in (PLAIN, FUSED) if day % 2 else (PLAIN,):
            document = cell_document(cell, {"weights": 4e8 + day, "latency": day / 8})
            document["stats"]["data"] = [day / 8]
            cells.append(document)
        document = run_document(
            cells,
            commit=f"{day}23456789abcdef",
            datetime=f"2026-01-0{day}T23:00:00+00:00",
            software=SOFTWARE | {"torch": "2.13.0" if day > 3 else "2.11.0"},
            outcomes={"broken": ("failed", "no memory")} if day == 2 else {},
            lane="blog" if day == 4 else "current",
            gpu=None if day == 5 else H200,
        )
        runfile.write_document(root / f"{9 - day}.json", document)
    (root / "broken.json").write_text("{")
    return root


def rows(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    assert main(["history", str(folder), "--format", "json", *options]) == PASSED
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["rows"]
    return found


def days(found: list[dict[str, Any]]) -> str:
    return "".join(row["commit"][0] for row in found)


def test_runs_are_listed_in_the_order_of_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(folder, capsys)
    assert days(found) == "12345"
    assert found[1] == {
        "date": "2026-01-02T23:00:00+00:00",
        "commit": "223456789abcdef",
        "hardware": "nvidia-h200",
        "lane": "current",
        "level": "pr",
        "cells": 1,
        "failed": 1,
        "finished": True,
        "run": str(folder / "7.json"),
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--since", "2026-01-03"], "345"),
        (["--since", "2026-01-03T23:00"], "345"),
        (["--since", "2026-01-03T23:00:01"], "45"),
        (["--since", "2026-01-04T00:30+02:00"], "345"),
        (["--until", "2026-01-03"], "123"),
        (["--until", "2026-01-03T23:00"], "123"),
        (["--until", "2026-01-03T22:59"], "12"),
        (["--until", "2026-01-03T22:59:59.999999"], "12"),
        (["--hardware", "cpu"], "5"),
        (["--hardware", "nvidia-*"], "1234"),
        (["--hardware", "h200", "--lane", "*", "--level", "*"], ""),
        (["--lane", "blog"], "4"),
        (["--level", "pr"], "12345"),
        (["--level", "nightly"], ""),
        (["--commit", "323"], "3"),
        (["--limit", "2"], "45"),
        (["--cell", "fp16"], "135"),
        (["--cell", "fp16", "--limit", "2", "--hardware", "nvidia*"], "13"),
        (["--cell", "'; DROP TABLE cells; --"], ""),
    ],
)
def test_options_choose_runs(
    folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], expected: str
) -> None:
    if expected:
        assert days(rows(folder, capsys, *options)) == expected
        found = rows(folder, capsys, *options, "--metric", "weights")
        assert sorted({row["commit"][0] for row in found}) == list(expected)
        return
    assert main(["history", str(folder), *options]) == USAGE
    message = capsys.readouterr().err
    assert f"none of 5 runs matches {options[0]} {options[1]}" in message
    assert message.count("\n") == 1


def test_cells_are_counted_as_they_were_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [row["cells"] for row in rows(folder, capsys)] == [2, 1, 2, 1, 2]
    assert [row["cells"] for row in rows(folder, capsys, "--cell", "fp32")] == [1] * 5


def test_values_come_with_their_unit_series_and_versions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(folder, capsys, "--metric", "latency", "--metric", "weights", "--cell", FUSED, "--software", "torch")
    assert [(row["metric"], row["value"], row["unit"], row["hardware"], row["torch"]) for row in found] == [
        ("latency", 1 / 8, "s", "nvidia-h200", "2.11.0"),
        ("latency", 3 / 8, "s", "nvidia-h200", "2.11.0"),
        ("latency", 5 / 8, "s", "cpu", "2.13.0"),
        ("weights", 4e8 + 1, "B", "nvidia-h200", "2.11.0"),
        ("weights", 4e8 + 3, "B", "nvidia-h200", "2.11.0"),
        ("weights", 4e8 + 5, "B", "cpu", "2.13.0"),
    ]
    named = [row["series"].split(",")[0] for row in found]
    assert named == ["GPU model NVIDIA H200", "GPU model NVIDIA H200", "GPU model none", "", "", ""]
    assert "series" not in rows(folder, capsys, "--metric", "latency", "--hardware", "nvidia*", "--lane", "current")[0]


def test_a_run_shows_the_versions_that_were_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(folder, capsys, "--software", "torch", "--software", "driver", "--software", "torch")
    assert [(row["torch"], row["driver"]) for row in found] == [("2.11.0", "580.1")] * 3 + [
        ("2.13.0", "580.1"),
        ("2.13.0", "-"),
    ]


def test_people_see_units_and_the_last_byte_in_columns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["history", str(folder), "--metric", "latency", "--metric", "weights", "--limit", "1", "--cell", PLAIN]
    assert main(options) == PASSED
    header, latency, weights, note = capsys.readouterr().out.splitlines()
    assert header.split() == ["date", "commit", "hardware", "lane", "level", "cell", "metric", "value", "run"]
    ours = ["2026-01-05", "23:00", "523456789abc", "cpu", "current", "pr", PLAIN]
    assert latency.split() == [*ours, "latency", "0.625", "s", str(folder / "4.json")]
    assert weights.split() == [*ours, "weights", "400,000,005", "B", str(folder / "4.json")]
    assert "note: left out" in note
    assert "broken.json is not complete JSON" in note
    assert header.index("run") == latency.index(str(folder)) == weights.index(str(folder))


def test_markdown_is_one_table_and_its_notes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", str(folder), "--format", "markdown"]) == PASSED
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| date | commit | hardware | lane | level | cells | failed | finished | run |"
    assert len([line for line in lines if line.startswith("| 2026")]) == 5
    assert lines[-1].startswith("- note: left out")


def test_csv_holds_full_precision_and_notes_go_beside_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", str(folder), "--format", "csv", "--metric", "latency", "--cell", PLAIN]) == PASSED
    printed = capsys.readouterr()
    found = list(csv.DictReader(io.StringIO(printed.out)))
    assert sorted(float(row["value"]) for row in found) == [day / 8 for day in range(1, 6)]
    assert {row["unit"] for row in found} == {"s"}
    assert printed.err.startswith("note: left out")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://x","a,b")']
)
def test_no_text_in_csv_is_a_formula(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    runfile.write_document(tmp_path / "run.json", run_document(commit=text, software={"torch": text}))
    assert main(["history", str(tmp_path), "--format", "csv", "--software", "torch"]) == PASSED
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out, newline=""))
    assert row["commit"] == row["torch"]
    assert row["commit"] in (f"'{text}", f"\ufffd{text[1:]}")


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_no_text_moves_the_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    runfile.write_document(tmp_path / "run.json", run_document(commit="\x1b[2J\nnew|line", lane="\x9b31m"))
    assert main(["history", str(tmp_path), "--format", form]) == PASSED
    printed = capsys.readouterr().out
    assert all(character.isprintable() for character in printed.replace("\n", ""))
    assert len([line for line in printed.splitlines() if "2026-01-01" in line]) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--metric", "speed"], "unknown metric 'speed'; choose from latency"),
        (["--since", "yesterday"], "--since 'yesterday' is no date: give it as 2026-01-31"),
        (["--until", "9999-12-31"], "--until '9999-12-31' is the end of time"),
        (["--software", "jax"], "no run names a version of 'jax'; choose from driver, python"),
        (["--metric", "gpu_busy"], "no measured cell of that name, with gpu_busy, in 5 run files"),
        (["--metric", "latency", "--software", "jax"], "no run names a version of 'jax'"),
    ],
)
def test_what_cannot_be_answered_is_one_line_on_standard_error(
    folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    assert main(["history", str(folder), *options]) == USAGE
    message = capsys.readouterr().err
    assert says in message
    assert message.count("\n") == 1


def test_a_folder_without_runs_and_one_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", str(tmp_path)]) == USAGE
    assert f"no run file in {tmp_path}" in capsys.readouterr().err
    assert main(["history", str(tmp_path / "none")]) == USAGE
    assert "there is no file or folder" in capsys.readouterr().err


def test_a_run_without_a_measured_cell_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = run_document([PLAIN], finished=False)
    document["benchmarks"] = []
    document["suite"]["cells"] = [{"cell": PLAIN, "outcome": "failed", "reason": "no memory"}]
    runfile.write_document(tmp_path / "run.json", document)
    (row,) = rows(tmp_path, capsys)
    assert (row["cells"], row["failed"], row["finished"]) == (0, 1, False)
