"""The artifact of a run that nobody has reviewed, and what its run file may not claim."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.commands.shared import PASSED, USAGE
from reports.delivery import artifact
from reports.delivery.facts import Facts
from reports.errors import ReportError
from tests.builders import H200, HOST, PLAIN, SOFTWARE, cell_document, run_document

SHA = "0123456789abcdef0123456789abcdef01234567"
BASE = "fedcba9876543210fedcba9876543210fedcba98"
FACTS = Facts(SHA, BASE, "pr", "current")


def honest() -> dict[str, Any]:
    """A run file that says what GitHub does."""
    cell = cell_document(PLAIN)
    record = cell_document(PLAIN)["extra_info"] | {"environment": "env-b"}
    cell["extra_info"]["against"] = {"record": record, "rounds_s": [2.0, 2.1]}
    other = {"gpu": H200, "host": HOST, "software": SOFTWARE, "commit": BASE}
    against = {"name": "../base/.venv/bin/python", "lane": "current", "commit_info": {"id": BASE, "dirty": False}}
    return run_document([cell], commit=SHA, against=against, environments={"env-b": other})


GOOD = {"run.json": json.dumps(honest())}


def zipped(files: dict[str, str] | list[tuple[str | zipfile.ZipInfo, str | bytes]], **options: Any) -> bytes:
    stream = io.BytesIO()
    options = {"compression": zipfile.ZIP_DEFLATED, **options}
    with zipfile.ZipFile(stream, "w", **options) as opened:
        for name, content in files.items() if isinstance(files, dict) else files:
            opened.writestr(name, content)
    return stream.getvalue()


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def lying(name: str, size: int) -> bytes:
    """An archive whose headers say that a file is `size` bytes; it holds more."""
    content = zipped(GOOD)
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        true = opened.getinfo(name).file_size
    return content.replace(true.to_bytes(4, "little"), size.to_bytes(4, "little"))


Archive = Callable[[bytes], Path]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    def write(content: bytes) -> Path:
        (tmp_path / "a.zip").write_bytes(content)
        return tmp_path / "a.zip"

    return write


def test_what_is_expected_is_taken_out(archive: Archive, tmp_path: Path) -> None:
    path = artifact.unpack(archive(zipped(GOOD)), tmp_path / "out", FACTS)
    assert path == tmp_path / "out" / "run.json"
    assert path.read_text() == GOOD["run.json"]


RUN = GOOD["run.json"]
OTHERS = "has to hold run.json and nothing else"
HOSTILE: dict[str, tuple[str, bytes]] = {
    "a bomb": ("more than 200 times", zipped({"run.json": "0" * 30 * 2**20})),
    "a huge file": ("more than 33,554,432 bytes", zipped({"run.json": "0" * (32 * 2**20 + 1)})),
    "a file more": (OTHERS, zipped(GOOD | {"evil.py": ""})),
    "no file": (OTHERS, zipped({})),
    "many files": (OTHERS, zipped(GOOD | {f"{number}": "" for number in range(5000)})),
    "a path outside": (OTHERS, zipped({"../run.json": RUN})),
    "an absolute path": (OTHERS, zipped({"/run.json": RUN})),
    "a link": ("not a plain file", zipped([(link("run.json"), "/etc/passwd")])),
    "a folder": (OTHERS, zipped({"run.json/": ""})),
    "no archive": ("cannot be read", b"not a zip"),
    "nothing": ("cannot be read", b""),
    "a cut-off archive": ("cannot be read", zipped(GOOD)[:-40]),
    "damaged data": ("cannot be read", zipped(GOOD).replace(zipped(GOOD)[60:90], b"\0" * 30)),
    "a size that lies": ("cannot be read", lying("run.json", 5)),
    "unusual compression": ("unusual way", zipped(GOOD, compression=zipfile.ZIP_LZMA)),
    "text that is not UTF-8": ("not UTF-8", zipped([("run.json", b"\xff{}")])),
    "a name twice": (OTHERS, zipped([*GOOD.items(), ("run_json", "8")]).replace(b"run_json", b"run.json")),
}


@pytest.mark.parametrize(("says", "content"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused_in_one_line_and_leaves_nothing(
    says: str, content: bytes, archive: Archive, tmp_path: Path
) -> None:
    before = set(tmp_path.rglob("*"))
    with pytest.raises(ReportError, match=f"is refused: .*{says}") as refused:
        artifact.unpack(archive(content), tmp_path / "out", FACTS)
    assert "\n" not in str(refused.value)
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "a.zip"}


def test_an_archive_that_is_too_large_is_not_opened(archive: Archive, tmp_path: Path) -> None:
    path = archive(zipped(GOOD))
    with path.open("r+b") as file:
        file.truncate(artifact.ARCHIVE + 1)
    with pytest.raises(ReportError, match="more than 16,777,216 bytes"):
        artifact.unpack(path, tmp_path / "out", FACTS)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[" * 100_000,
        json.dumps({"benchmarks": [], "suite": {"schema_version": "\n::error::owned\x1b[31m"}}),
        json.dumps(run_document(level="\n::error::owned\x1b[31m", against={"name": "python", "lane": "current"})),
    ],
)
def test_content_that_is_not_what_its_name_says_is_refused_and_removed(
    text: str, archive: Archive, tmp_path: Path
) -> None:
    with pytest.raises(ReportError) as refused:
        artifact.unpack(archive(zipped({"run.json": text})), tmp_path / "out", FACTS)
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


ELSEWHERE = "e" * 40
Document = dict[str, Any]


def other_commit(run: Document) -> None:
    run["commit_info"]["id"] = ELSEWHERE


def no_commit(run: Document) -> None:
    run["commit_info"] = {}


def a_short_commit(run: Document) -> None:
    run["commit_info"]["id"] = SHA[:12]


def a_commit_that_is_no_text(run: Document) -> None:
    run["commit_info"]["id"] = [SHA]


def other_base(run: Document) -> None:
    run["suite"]["against"]["commit_info"]["id"] = SHA


def no_base(run: Document) -> None:
    run["suite"]["against"]["commit_info"] = {}


def measured_alone(run: Document) -> None:
    run["suite"]["against"] = None


def other_level(run: Document) -> None:
    run["suite"]["level"] = "smoke"


def fewer_rounds(run: Document) -> None:
    run["suite"]["overrides"] = {"rounds": 1}


def other_lane(run: Document) -> None:
    run["suite"]["lane"] = "blog"


def other_lane_of_the_base(run: Document) -> None:
    run["suite"]["against"]["lane"] = "blog"


def cells_of_another_commit(run: Document) -> None:
    run["machine_info"]["commit"] = ELSEWHERE


def base_cells_of_another_commit(run: Document) -> None:
    run["suite"]["environments"]["env-b"]["commit"] = ELSEWHERE


@pytest.mark.parametrize(
    ("claim", "says"),
    [
        (other_commit, f"commit {ELSEWHERE} instead of {SHA}"),
        (no_commit, f"commit none instead of {SHA}"),
        (a_short_commit, f"commit {SHA[:12]} instead of {SHA}"),
        (a_commit_that_is_no_text, f"instead of {SHA}"),
        (other_base, f"base {SHA} instead of {BASE}"),
        (no_base, f"base none instead of {BASE}"),
        (measured_alone, "was not measured with --against"),
        (other_level, "level smoke instead of pr"),
        (fewer_rounds, "rounds=1"),
        (other_lane, "lane of the commit blog instead of current"),
        (other_lane_of_the_base, "lane of the base blog instead of current"),
        (cells_of_another_commit, f"commit of some cells {ELSEWHERE} instead of {SHA}"),
        (base_cells_of_another_commit, f"base of some cells {ELSEWHERE} instead of {BASE}"),
    ],
)
def test_a_run_file_that_says_otherwise_than_github_is_refused(
    claim: Callable[[Document], None], says: str, archive: Archive, tmp_path: Path
) -> None:
    document = honest()
    claim(document)
    with pytest.raises(ReportError) as refused:
        artifact.unpack(archive(zipped({"run.json": json.dumps(document)})), tmp_path / "out", FACTS)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not list((tmp_path / "out").iterdir())


def test_the_command_asks_for_the_facts(archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["unpack", str(archive(zipped(GOOD))), "--output", str(tmp_path / "out")]
    facts = ["--commit", SHA, "--base", BASE, "--level", "pr"]
    assert main([*words, *facts, "--lane", "current"]) == PASSED
    assert main([*words, *facts, "--lane", "blog"]) == USAGE
    assert "lane of the commit current instead of blog" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*words, *facts])
