"""What the file system and streams do to a command ends it in one line and exit code 2; bugs stay tracebacks."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.__main__ import COMMANDS, main
from reports.commands import compare
from reports.commands.shared import PASSED, USAGE
from reports.delivery import artifact
from reports.errors import OUTSIDE, explained
from reports.records import runfile
from reports.verdicts import thresholds
from tests.builders import PLAIN, run_document, run_of

ROOT = Path(__file__).resolve().parents[2]
NO_UTF8 = os.fsdecode(b"\xff\xfe.json")

FACTS = ["--commit", "abc123", "--base", "def456", "--level", "pr", "--lane", "current"]
"""What `unpack` is told of the artifact's run."""

READS = {
    "compare": ["compare", "{}", "{}"],
    "render": ["render", "{}", "--output", "out"],
    "render baseline": ["render", "run.json", "--output", "out", "--baseline", "{}"],
    "render history": ["render", "run.json", "--output", "out", "--history", "{}"],
    "accept": ["accept", "{}", "--baseline-dir", "b"],
    "merge": ["merge", "{}", "--output", "c.json"],
    "study": ["study", "{}"],
    "study into": ["study", "study.json", "--into", "{}"],
    "advise": ["advise", "{}"],
    "calibrate": ["calibrate", "{}"],
    "trend": ["trend", "{}"],
    "history": ["history", "{}"],
    "keep": ["keep", "{}", "--to", "kept"],
    "alert": ["alert", "{}", "--baseline", "run.json"],
    "alert baseline": ["alert", "run.json", "--baseline", "{}"],
    "unpack": ["unpack", "{}", "--output", "out", *FACTS],
    "bisect": ["bisect", "--good", "{}", "--bad", "current", "-k", "x", "--dry-run"],
}
WRITES = {
    "render": ["render", "run.json", "--output", "{}/below"],
    "accept": ["accept", "run.json", "--baseline-dir", "{}/below"],
    "merge": ["merge", "run.json", "--output", "{}"],
    "calibrate": ["calibrate", "run.json", "again.json", "--save", "{}", "--resamples", "1"],
    "keep": ["keep", "run.json", "--to", "{}/below"],
    "alert": ["alert", "run.json", "--baseline", "run.json", "--output", "{}"],
    "alert summary": ["alert", "run.json", "--baseline", "run.json", "--format", "step-summary", "--output", "{}"],
    "unpack": ["unpack", "run.zip", "--output", "{}/below", *FACTS],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory that holds usable files; what root may do, a user of no rights may not."""
    import zipfile

    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH"):
        monkeypatch.setenv(name, "owner/name")
    runfile.write(tmp_path / "run.json", run_of())
    again = run_document(datetime="2026-01-02T00:00:00+00:00")
    again["benchmarks"][0]["stats"] = {"data": [2.5, 2.6], "min": 2.5}
    runfile.write_document(tmp_path / "again.json", again)
    runfile.write(tmp_path / "study.json", run_of("large-sdpa-fp32-resident-dynamic-batch8"))
    (tmp_path / "body.md").write_text("x")
    with zipfile.ZipFile(tmp_path / "run.zip", "w") as archive:
        archive.writestr(artifact.RUN_FILE, (tmp_path / "run.json").read_bytes())
    (tmp_path / "empty").mkdir()
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "secret.json").write_text("{}")
    (tmp_path / "secret.json").chmod(0)
    (tmp_path / NO_UTF8).write_text("{}")
    (tmp_path / "full").symlink_to("/dev/full")
    yield tmp_path
    (tmp_path / "closed").chmod(0o700)


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    ended = capsys.readouterr()
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert ended.out == ""
    return ended.err


def test_every_command_is_tried() -> None:
    tried = {command[0] for command in (*READS.values(), *WRITES.values())}
    assert tried == {module.__name__.rsplit(".", 1)[1] for module in COMMANDS}


@pytest.mark.parametrize("command", READS.values(), ids=READS)
@pytest.mark.parametrize("name", ["empty", "absent.json", "x" * 300, "run.json/below", NO_UTF8, "secret.json"])
def test_what_cannot_be_read_is_one_line(
    command: list[str], name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "secret.json" and os.access(name, os.R_OK):
        name = "empty/../absent"  # root reads everything
    assert main([part.format(name) for part in command]) == USAGE
    one_line(capsys)


@pytest.mark.parametrize("command", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("name", ["run.json/below", "x" * 300, "full"])
def test_what_cannot_be_written_is_one_line(
    command: list[str], name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "run.json").read_bytes()
    assert main([part.format(name) for part in command]) == USAGE
    assert name[:20] in one_line(capsys)
    assert (folder / "run.json").read_bytes() == before


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(28, "No space left on device", "x\n.json"), r"cannot use x\n.json: No space left on device"),
        (OSError(18, "Invalid cross-device link", "a", None, "b"), "cannot use a and b: Invalid cross-device link"),
        (RecursionError("maximum recursion depth exceeded"), "nested too deeply"),
        (MemoryError(), "out of memory: read fewer"),
        (UnicodeEncodeError("ascii", "\udcff", 0, 1, "ordinal not in range"), "not in the encoding it has to be in"),
    ],
)
def test_what_no_check_foresaw_is_one_line(
    error: Exception,
    says: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(compare, "judged", fail)
    assert main(["compare", "run.json", "run.json"]) == USAGE
    assert says in one_line(capsys)
    assert isinstance(error, OUTSIDE)
    assert "\n" not in explained(error)


@pytest.mark.parametrize("error", [TypeError("x"), KeyError("x"), AttributeError("x"), ValueError("x")])
def test_a_bug_stays_a_traceback(error: Exception, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(compare, "judged", fail)
    with pytest.raises(type(error)):
        main(["compare", "run.json", "run.json"])


@pytest.mark.parametrize("nested", ["[" * 3_000 + "]" * 3_000, "{a=" * 3_000 + "1" + "}" * 3_000])
def test_thresholds_that_are_nested_too_deeply_are_one_line_that_names_the_file(
    nested: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pyproject.toml").write_text(f"x = {nested}\n")
    read = thresholds.overrides
    monkeypatch.setattr(thresholds, "overrides", lambda: read(folder / "pyproject.toml"))
    assert main(["compare", "run.json", "run.json"]) == USAGE
    assert "cannot read thresholds from " in one_line(capsys)


def test_a_sample_whose_name_is_too_long_for_the_file_system_is_not_there(folder: Path) -> None:
    (folder / "audio").mkdir()
    content = run_document([PLAIN])
    for name in ("x" * 240, "é" * 200):  # of 255 bytes at most
        content["benchmarks"][0]["extra_info"]["audio"] = {"file": f"audio/{name}.wav", "duration_s": 1.0}
        runfile.write_document(folder / "run.json", content)
        assert main(["render", "run.json", "--output", "out"]) == PASSED


@pytest.mark.parametrize("field", ["lane", "level", "hardware"])
def test_a_lane_of_99_000_letters_is_one_line(field: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = run_document([PLAIN])
    content["suite"][field] = "a" * 99_000
    runfile.write_document(folder / "run.json", content)
    for command in (["accept", "run.json", "--baseline-dir", "b"], ["keep", "run.json", "--to", "kept"]):
        assert main(command) == USAGE
        assert len(one_line(capsys)) < 500


def ended(arguments: str, folder: Path, **variables: str) -> tuple[int, str]:
    """Exit code and standard error of a shell's command line, in which $P is the command."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "P": f"{sys.executable} -m reports", **variables}
    command = ["bash", "-o", "pipefail", "-c", arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


SHELL: list[tuple[str, int, str]] = [
    ("$P compare run.json run.json > /dev/full", USAGE, "error: the system says: No space left on device\n"),
    ("$P --help > /dev/full", USAGE, "error: the system says: No space left on device\n"),
    ("$P history run.json --format json | true", PASSED, ""),
    ("$P compare --help | true", PASSED, ""),
    ("$P compare run.json run.json >&-", PASSED, ""),
    ("$P compare absent.json run.json 2>&-", USAGE, ""),
    ("$P compare absent.json run.json 2>/dev/full", USAGE, ""),
]


@pytest.mark.parametrize(("line", "code", "says"), SHELL, ids=[line for line, _, _ in SHELL])
def test_a_stream_that_is_full_or_closed_is_no_traceback(line: str, code: int, says: str, folder: Path) -> None:
    assert ended(line, folder) == (code, says)


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_a_stream_of_ascii_shows_what_it_cannot_hold_as_an_escape(
    form: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = PLAIN.replace("small", "klein·é")
    runfile.write(folder / "run.json", run_of(cell))
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert main(["compare", "run.json", "run.json", "--format", form]) == PASSED
    assert raw.getvalue().isascii()
