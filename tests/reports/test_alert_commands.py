"""`reports alert`, `github` and `unpack` as they are typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.commands.shared import PASSED, USAGE
from reports.delivery.webhook import VARIABLE
from reports.records import runfile
from reports.render.alert_github import SMALLEST
from tests.builders import FUSED, PLAIN, cell_document, run_of
from tests.fake_github import FakeGitHub, serving


@pytest.fixture
def judged(tmp_path: Path) -> list[str]:
    """The arguments `HEAD.json --baseline BASE.json` of a run that got worse."""
    runfile.write(tmp_path / "base.json", run_of())
    runfile.write(tmp_path / "head.json", run_of(PLAIN, cell_document(FUSED, {"peak_allocated": 2e9})))
    return [str(tmp_path / "head.json"), "--baseline", str(tmp_path / "base.json")]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    with serving(FakeGitHub()) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.mark.parametrize(
    ("wanted", "start"),
    [
        ("github-comment", "<!-- bark-benchmarks:report -->\n# Bark benchmarks: 1 worse"),
        ("github-issue", "<!-- bark-benchmarks:issue:failing -->\n# Bark benchmarks: 1 worse"),
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


@pytest.mark.parametrize(
    "options", [["--report-url", "http://example.org"], ["--key=--><b>"], ["--send", "--output=x"]]
)
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
        assert said.startswith("<!-- bark-benchmarks:issue:failing -->")


def test_a_run_that_is_there_is_judged_whatever_is_allowed(
    judged: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alert", *judged, "--allow-missing"]) == PASSED
    assert "1 worse in 1 cell" in capsys.readouterr().out


def test_the_webhook_gets_the_alert_of_a_run_that_failed(
    judged: list[str], server: FakeGitHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, f"{server.url}/secret")
    server.first = [(200, {}, b"ok")]
    assert main(["alert", *judged, "--send"]) == PASSED
    assert "1 worse" in server.requests[0].body["text"]
    said = capsys.readouterr()
    assert said.err == "the webhook was told\n"
    assert main(["alert", judged[2], "--baseline", judged[2], "--send"]) == PASSED
    assert len(server.requests) == 1
    assert "no regression: nothing was sent" in capsys.readouterr().err


def test_a_webhook_that_fails_changes_no_exit_code(
    judged: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "http://127.0.0.1:1/secret")
    assert main(["alert", *judged, "--send"]) == PASSED
    said = capsys.readouterr()
    assert said.err.startswith("warning: the webhook was not told: ")
    assert "secret" not in said.err + said.out
    monkeypatch.delenv(VARIABLE)
    assert main(["alert", *judged, "--send"]) == PASSED
    assert "nothing was sent" in capsys.readouterr().err


def test_a_comment_and_an_issue_go_from_alert_to_github(judged: list[str], tmp_path: Path, server: FakeGitHub) -> None:
    comment, issue = str(tmp_path / "comment.md"), str(tmp_path / "issue.md")
    main(["alert", *judged, "--output", comment])
    main(["alert", *judged, "--format", "github-issue", "--output", issue])
    assert main(["github", "comment", "--pr", "7", "--body", comment]) == PASSED
    assert main(["github", "issue", "--body", issue]) == PASSED
    assert main(["github", "issue", "--body", issue, "--state", "recovered"]) == PASSED
    assert server.comments[0]["on"] == 7
    assert [row["state"] for row in server.issues] == ["closed"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["github", "comment", "--pr", "7", "--body", "absent.md"],
        ["github", "comment", "--claimed-pr", "absent", "--body", "message.md"],
        ["github", "issue", "--body", "message.md"],
        ["github", "artifact", "--run-id", "1", "--name", "absent", "--output", "a.zip"],
        ["unpack", "absent.zip", "--output", "out"],
    ],
)
def test_what_cannot_be_done_is_one_line_and_writes_nothing(
    arguments: list[str],
    server: FakeGitHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_EVENT_PATH", raising=False)
    (tmp_path / "message.md").write_text("<!-- bark-benchmarks:x -->\nhello\n")
    assert main(arguments) == USAGE
    assert capsys.readouterr().err.count("\n") == 1
    assert server.written() == []


def test_an_error_that_quotes_a_hostile_file_starts_no_line_of_its_own(
    judged: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runfile.write(tmp_path / "drill.json", run_of(drill="\n::add-mask::x\x1b[2J\r::stop-commands::y"))
    assert main(["alert", judged[0], "--baseline", str(tmp_path / "drill.json")]) == USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert "\x1b" not in line


def test_the_shortest_length_is_the_one_that_holds_every_fixed_part(judged: list[str]) -> None:
    assert main(["alert", *judged, "--length", str(SMALLEST)]) == PASSED
    with pytest.raises(SystemExit):
        main(["alert", *judged, "--length", str(SMALLEST - 1)])


def test_a_token_is_never_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["github", "comment"], ["github", "issue"], ["github", "artifact"], ["alert"]):
        with pytest.raises(SystemExit):
            main([*arguments, "--help"])
        printed = capsys.readouterr().out
        assert "--token" not in printed
        assert "--webhook" not in printed


def test_the_webhooks_json_can_be_read_by_programs(judged: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["alert", *judged, "--format", "webhook"])
    assert set(json.loads(capsys.readouterr().out)) == {"text", "blocks"}
