"""`reports alert` and `unpack` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.commands.shared import PASSED, USAGE
from reports.records import runfile
from tests.builders import FUSED, PLAIN, cell_document, run_of


@pytest.fixture
def judged(tmp_path: Path) -> list[str]:
    """The arguments `HEAD.json --baseline BASE.json` of a run that got worse."""
    runfile.write(tmp_path / "base.json", run_of())
    runfile.write(tmp_path / "head.json", run_of(PLAIN, cell_document(FUSED, {"peak_allocated": 2e9})))
    return [str(tmp_path / "head.json"), "--baseline", str(tmp_path / "base.json")]


@pytest.mark.parametrize(
    ("wanted", "start"),
    [
        ("github-comment", "<!-- bark-benchmarks:report -->\n# Bark benchmarks: 1 worse"),
        ("github-issue", '{\n "title": "Bark benchmarks: 1 worse in 1 cell'),
        ("step-summary", "# Bark benchmarks: 1 worse"),
        ("annotations", f"::error title={FUSED}::peak_allocated worse"),
        ("webhook", '{\n "text": "Bark benchmarks: 1 worse'),
    ],
)
def test_an_alert_is_printed_in_every_format_and_leaves_the_verdict_to_compare(
    wanted: str, start: str, judged: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alert", *judged, "--format", wanted]) == PASSED
    assert capsys.readouterr().out.startswith(start)


def test_a_summary_is_added_to_and_a_comment_is_written_anew(judged: list[str], tmp_path: Path) -> None:
    for _ in range(2):
        main(["alert", *judged, "--format", "step-summary", "--output", str(tmp_path / "summary.md")])
        main(["alert", *judged, "--output", str(tmp_path / "comment.md")])
    assert (tmp_path / "summary.md").read_text().count("# Bark benchmarks") == 2
    assert (tmp_path / "comment.md").read_text().count("# Bark benchmarks") == 1


@pytest.mark.parametrize("options", [["--report-url", "http://example.org"], ["--key=--><b>"], ["--key="]])
def test_an_option_that_cannot_be_used_is_one_line(
    options: list[str], judged: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alert", *judged, *options]) == USAGE
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("wanted", ["github-comment", "github-issue", "step-summary", "annotations", "webhook"])
def test_a_run_that_left_no_file_is_told_in_every_format_where_that_is_allowed(
    wanted: str, judged: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path(judged[0]).unlink()
    assert main(["alert", *judged, "--format", wanted]) == USAGE
    assert "there is no run file" in capsys.readouterr().err
    assert main(["alert", *judged, "--format", wanted, "--allow-missing"]) == PASSED
    said = capsys.readouterr().out
    assert "nothing was measured (nvidia-h200" in said
    assert "every part of the run was lost, or they could not be joined" in said
    if wanted == "github-issue":
        assert json.loads(said)["state"] == "open"


def test_a_run_that_is_there_is_judged_whatever_is_allowed(
    judged: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alert", *judged, "--allow-missing"]) == PASSED
    assert "1 worse in 1 cell" in capsys.readouterr().out


def test_an_issue_is_what_githubs_api_takes(judged: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    base = judged[2]
    for head, state in ((judged[0], "open"), (base, "closed")):
        assert main(["alert", head, "--baseline", base, "--format", "github-issue", "--key", "nightly"]) == PASSED
        said = json.loads(capsys.readouterr().out)
        assert set(said) == {"title", "body", "state", "labels"}
        assert said["state"] == state
        assert said["body"].startswith("<!-- bark-benchmarks:nightly -->\n# Bark benchmarks: ")


@pytest.mark.parametrize(("cells", "notes"), [("2", 0), ("20", 1), ("1", 1)], ids=["as many", "fewer", "more"])
def test_another_number_of_cells_than_was_to_be_measured_is_said(
    cells: str, notes: int, judged: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alert", *judged, "--cells", cells]) == PASSED
    assert capsys.readouterr().out.count(f"> Cells in the run file: 2, to be measured: {cells}.\n") == notes


def test_an_artifact_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = ["--commit=a", "--base=b", "--level=pr", "--lane=current"]
    assert main(["unpack", str(tmp_path / "absent.zip"), "--output", str(tmp_path / "out"), *facts]) == USAGE
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_error_that_quotes_a_hostile_file_starts_no_line_of_its_own(
    judged: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runfile.write(tmp_path / "drill.json", run_of(drill="\n::add-mask::x\x1b[2J\r::stop-commands::y"))
    assert main(["alert", judged[0], "--baseline", str(tmp_path / "drill.json")]) == USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert "\x1b" not in line


def test_the_webhooks_json_can_be_read_by_programs(judged: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["alert", *judged, "--format", "webhook"])
    assert set(json.loads(capsys.readouterr().out)) == {"text", "blocks"}
