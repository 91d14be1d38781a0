"""What is printed in a job of GitHub Actions: no text of a file is a command to the runner or to a terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.__main__ import main
from reports.characters import Rendered, inert
from reports.commands.shared import PASSED, REGRESSED, USAGE, say
from reports.records import runfile
from reports.render import terminal
from reports.verdicts.compare import compare
from tests.builders import FUSED, PLAIN, cell_document, run_of

EVIL = "::error::owned ##[group]x ##[add-mask]y\x1b[2J"
ESCAPED = r"\x3a:error::owned \x23#[group]x \x23#[add-mask]y"
AXES = "-eager-fp32-resident-dynamic-batch1"
COMMAND = re.compile(r"^\s*::|##\[", re.MULTILINE)
"""What a runner takes for a command (actions/runner, ActionCommand.cs)."""


@pytest.fixture
def runs(tmp_path: Path) -> tuple[str, str]:
    """Two run files of one cell with an evil name, which takes more memory in the second; another failed."""
    paths = []
    for name, peak in (("base", 1e9), ("head", 2e9)):
        cell = cell_document(EVIL.replace("-", "") + AXES, {"peak_allocated": peak})
        path = tmp_path / f"{name}.json"
        outcomes = {FUSED: ("failed", EVIL)}
        runfile.write(path, run_of(cell, PLAIN, outcomes=outcomes, software={"torch": EVIL}, lane=EVIL, level=EVIL))
        paths.append(str(path))
    return paths[0], paths[1]


@given(st.text(alphabet=":#[ \n\tx"))
def test_no_line_is_a_command_and_every_other_stays_as_it_is(text: str) -> None:
    assert not COMMAND.search(inert(text))
    assert inert(inert(text)) == inert(text)
    if not COMMAND.search(text):
        assert inert(text) == text


@pytest.mark.parametrize("form", ["terminal", "markdown", "json"])
def test_a_comparison_prints_no_command(form: str, runs: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *runs, "--format", form]) == REGRESSED
    printed = capsys.readouterr().out
    assert "owned" in printed
    assert not COMMAND.search(printed)
    assert "\x1b" not in printed


@pytest.mark.parametrize("form", ["github-comment", "github-issue", "step-summary", "webhook"])
def test_a_message_that_is_printed_has_no_command(
    form: str, runs: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    base, head = runs
    assert main(["alert", head, "--baseline", base, "--format", form]) == PASSED
    printed = capsys.readouterr().out
    assert "owned" in printed
    assert not COMMAND.search(printed)


def test_of_an_annotation_only_its_own_command_is_one(
    runs: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    base, head = runs
    assert main(["alert", head, "--baseline", base, "--format", "annotations"]) == PASSED
    lines = capsys.readouterr().out.splitlines()
    messages = [line.split("::", 2)[2].replace("%0A", "\n") for line in lines]
    assert any("owned" in message for message in messages)
    for line, message in zip(lines, messages, strict=True):
        assert line.startswith("::error title=")
        assert not COMMAND.search(message)
        assert "##[" not in line


def test_json_that_is_printed_reads_back_as_it_was(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    strange = "##[group] ::x \x7f \x1b \u202e"
    runfile.write(tmp_path / "run.json", run_of(PLAIN, software={"torch": strange}))
    assert main(["history", str(tmp_path), "--format", "json", "--software", "torch"]) == PASSED
    printed = capsys.readouterr().out
    assert json.loads(printed)["rows"][0]["torch"] == strange
    assert not COMMAND.search(printed)
    assert printed.isascii()
    assert "\x7f" not in printed


def test_what_was_rendered_is_printed_as_it_is_and_the_rest_without_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say(EVIL)
    say(Rendered("::notice::ours"))
    assert capsys.readouterr().out == ESCAPED + "\\x1b[2J\n::notice::ours\n"


def test_a_name_that_folds_onto_a_line_of_its_own_is_no_command() -> None:
    outcomes = {"x" * 38 + "  ::error::owned": ("failed", "no memory")}
    comparison = compare(run_of(PLAIN), run_of(PLAIN, outcomes=outcomes), baseline="b")
    text = terminal.to_text(terminal.verdicts(comparison, "r"), width=40, colour=False)
    assert not COMMAND.search(text)
    assert r"\x3a:error::owned" in text


def test_an_error_that_quotes_a_file_is_no_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "##[group]x.json").write_text("{")
    assert main(["compare", str(tmp_path / "##[group]x.json"), str(tmp_path / "##[group]x.json")]) == USAGE
    printed = capsys.readouterr().err
    assert r"\x23#[group]x.json" in printed
    assert not COMMAND.search(printed)


@pytest.mark.parametrize("form", ["terminal", "markdown", "csv"])
def test_a_file_name_in_a_note_steers_no_terminal_and_is_no_command(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runfile.write(tmp_path / "run.json", run_of(PLAIN))
    (tmp_path / "##[group]\x1b[2J\u202e\n::error::x.json").symlink_to(tmp_path / "absent")
    assert main(["history", str(tmp_path), "--format", form]) == PASSED
    printed = "".join(capsys.readouterr())
    assert "note: left out" in printed
    assert "it is not a file, or a link to nothing" in printed
    assert not COMMAND.search(printed)
    assert "\x1b" not in printed
    assert "\u202e" not in printed
