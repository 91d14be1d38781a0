"""The artifact of a run that nobody has reviewed, and whose pull request it is."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.commands.shared import PASSED
from reports.delivery import artifact, pull
from reports.delivery.github import GitHub, connect
from reports.errors import ReportError
from tests.builders import run_document
from tests.fake_github import FakeGitHub, serving

RUN = json.dumps(run_document(against={"name": "python", "lane": "current"}))
GOOD = {"run.json": RUN, "pr-number.txt": "7\n"}
SHA = "0123456789abcdef0123456789abcdef01234567"


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
    for path in artifact.unpack(archive(zipped(GOOD)), tmp_path / "out"):
        assert path.read_text() == GOOD[str(path.relative_to(tmp_path / "out"))]


without = {name: text for name, text in GOOD.items() if name != "pr-number.txt"}
HOSTILE: dict[str, tuple[str, bytes]] = {
    "a bomb": ("more than 200 times", zipped(GOOD | {"run.json": "0" * 30 * 2**20})),
    "a file that is too large": ("has more than 64 bytes", zipped(GOOD | {"pr-number.txt": "7" * 65})),
    "a huge file": ("more than 33,554,432 bytes", zipped(GOOD | {"run.json": "0" * (64 * 2**20 + 1)})),
    "a file more": ("has to hold exactly", zipped(GOOD | {"evil.py": ""})),
    "a file less": ("has to hold exactly", zipped(without)),
    "many files": ("has to hold exactly", zipped(GOOD | {f"{number}": "" for number in range(5000)})),
    "a path outside": ("has to hold exactly", zipped(without | {"../pr-number.txt": "7"})),
    "an absolute path": ("has to hold exactly", zipped(without | {"/pr-number.txt": "7"})),
    "a link": ("not a plain file", zipped([*without.items(), (link("pr-number.txt"), "/etc/passwd")])),
    "a folder": ("has to hold exactly", zipped(without | {"pr-number.txt/": ""})),
    "no archive": ("cannot be read", b"not a zip"),
    "nothing": ("cannot be read", b""),
    "a cut-off archive": ("cannot be read", zipped(GOOD)[:-40]),
    "damaged data": ("cannot be read", zipped(GOOD).replace(zipped(GOOD)[60:90], b"\0" * 30)),
    "a size that lies": ("cannot be read", lying("run.json", 5)),
    "unusual compression": ("unusual way", zipped(GOOD, compression=zipfile.ZIP_LZMA)),
    "text that is not UTF-8": ("not UTF-8", zipped([*without.items(), ("pr-number.txt", b"\xff7")])),
    "a name twice": (
        "has to hold exactly",
        zipped([*GOOD.items(), ("pr-numb_r.txt", "8")]).replace(b"numb_r", b"number"),
    ),
}


@pytest.mark.parametrize(("says", "content"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused_in_one_line_and_leaves_nothing(
    says: str, content: bytes, archive: Archive, tmp_path: Path
) -> None:
    before = set(tmp_path.rglob("*"))
    with pytest.raises(ReportError, match=f"is refused: .*{says}") as refused:
        artifact.unpack(archive(content), tmp_path / "out")
    assert "\n" not in str(refused.value)
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "a.zip"}


def test_an_archive_that_is_too_large_is_not_opened(archive: Archive, tmp_path: Path) -> None:
    path = archive(zipped(GOOD))
    with path.open("r+b") as file:
        file.truncate(artifact.ARCHIVE + 1)
    with pytest.raises(ReportError, match="more than 16,777,216 bytes"):
        artifact.unpack(path, tmp_path / "out")


@pytest.mark.parametrize(
    "change",
    [
        {"run.json": "{}"},
        {"run.json": "[" * 100_000},
        {"run.json": json.dumps(run_document())},
        {"run.json": json.dumps({"benchmarks": [], "suite": {"schema_version": "\n::error::owned\x1b[31m"}})},
        {"pr-number.txt": "7; rm -rf /"},
        {"pr-number.txt": "-7"},
        {"pr-number.txt": "\u0667"},
    ],
)
def test_content_that_is_not_what_its_name_says_is_refused_and_removed(
    change: dict[str, str], archive: Archive, tmp_path: Path
) -> None:
    with pytest.raises(ReportError) as refused:
        artifact.unpack(archive(zipped(GOOD | change)), tmp_path / "out")
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.fixture
def server() -> Iterator[FakeGitHub]:
    with serving(FakeGitHub()) as running:
        yield running


@pytest.fixture
def github(server: FakeGitHub) -> GitHub:
    return connect(server.environment, lambda _: None)


def test_an_artifact_is_fetched_and_its_storage_never_sees_the_token(server: FakeGitHub, github: GitHub) -> None:
    server.artifacts = {"other": b"x", "gpu-pr": b"zip"}
    assert artifact.fetch(github, 12, "gpu-pr") == artifact.Fetched(b"zip", "")
    listing, place, storage = server.requests
    assert "authorization" in listing.headers
    assert "authorization" in place.headers
    assert "authorization" not in storage.headers


def listed(number: int, created: str, run: int = 12, **change: Any) -> dict[str, Any]:
    row = {"id": number, "name": "gpu-pr", "size_in_bytes": 3, "expired": False, "created_at": created}
    return {**row, "workflow_run": {"id": run}, **change}


def test_of_the_artifacts_of_a_run_and_its_re_run_the_newest_is_fetched_and_said_to_be(
    server: FakeGitHub, github: GitHub
) -> None:
    server.artifacts = {"gpu-pr": b"zip"}
    rows = [
        listed(41, "2026-01-01T10:00:00Z"),
        listed(43, "2026-01-02T10:00:00Z"),
        listed(42, "2026-01-01T11:00:00Z"),
        listed(44, "2026-01-03T10:00:00Z", run=13),
        listed(45, "2026-01-04T10:00:00Z", expired=True),
        listed(46, "2026-01-05T10:00:00Z", name="gpu-pr-log"),
    ]
    server.first = [(200, {}, {"artifacts": rows})]
    found = artifact.fetch(github, 12, "gpu-pr")
    assert server.requests[1].path.endswith("/actions/artifacts/43/zip")
    assert found.note == (
        "run 12 has 3 artifacts 'gpu-pr', as a re-run leaves them: the newest is taken, of 2026-01-02T10:00:00Z"
    )


def test_the_command_says_which_of_several_artifacts_it_took(
    server: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    server.artifacts = {"gpu-pr": b"zip"}
    server.first = [(200, {}, {"artifacts": [listed(1, "2026-01-01T10:00:00Z"), listed(2, "2026-01-01T10:00:00Z")]})]
    words = ["github", "artifact", "--run-id", "12", "--name", "gpu-pr", "--output", str(tmp_path / "a.zip")]
    assert main(words) == PASSED
    assert "run 12 has 2 artifacts" in capsys.readouterr().out
    assert server.requests[1].path.endswith("/2/zip")
    assert (tmp_path / "a.zip").read_bytes() == b"zip"


def test_an_artifact_that_is_absent_or_too_large_is_not_fetched(server: FakeGitHub, github: GitHub) -> None:
    with pytest.raises(ReportError, match="has no artifact 'gpu-pr'"):
        artifact.fetch(github, 12, "gpu-pr")
    row = {"id": 1, "name": "gpu-pr", "size_in_bytes": 2**30, "expired": False}
    server.first = [(200, {}, {"artifacts": [row]})]
    with pytest.raises(ReportError, match="not fetched"):
        artifact.fetch(github, 12, "gpu-pr")


@pytest.mark.parametrize("place", ["http://evil.example/x", "file:///etc/passwd", "//evil.example", ""])
def test_an_artifact_is_only_fetched_over_https(place: str, server: FakeGitHub, github: GitHub) -> None:
    row = {"id": 1, "name": "gpu-pr", "size_in_bytes": 3, "expired": False}
    server.first = [(200, {}, {"artifacts": [row]}), (302, {"Location": place}, {})]
    with pytest.raises(ReportError, match=r"not a URL to send to|answered 302"):
        artifact.fetch(github, 12, "gpu-pr")


def event(tmp_path: Path, **change: Any) -> Path:
    run = {
        "head_sha": SHA,
        "head_branch": "faster & better",
        "head_repository": {"full_name": "somebody/bark"},
        "pull_requests": [],  # as it is for a fork
        **change,
    }
    (tmp_path / "event.json").write_text(json.dumps({"workflow_run": run}))
    return tmp_path / "event.json"


def pull_request(number: int, **change: Any) -> dict[str, Any]:
    head = {"sha": SHA, "ref": "faster & better", "user": "somebody", "repo": {"full_name": "somebody/bark"}, **change}
    return {"number": number, "head": head}


def test_the_pull_request_of_a_fork_is_confirmed_by_commit_branch_and_repository(
    server: FakeGitHub, github: GitHub, tmp_path: Path
) -> None:
    server.pulls = [pull_request(6), pull_request(7)]
    assert pull.confirmed(github, 7, pull.head_of(event(tmp_path))) == 7


@pytest.mark.parametrize(
    "others",
    [
        [],
        [pull_request(8)],
        [pull_request(7, sha="f" * 40)],
        [pull_request(7, repo={"full_name": "somebody/other"})],
        [pull_request(7, repo=None)],
        [pull_request(7, user="another")],
    ],
    ids=["none", "another's number", "newer commits", "another repository", "a deleted fork", "another's branch"],
)
def test_a_number_that_github_does_not_confirm_is_refused(
    others: list[dict[str, Any]], server: FakeGitHub, github: GitHub, tmp_path: Path
) -> None:
    server.pulls = others
    with pytest.raises(ReportError, match="#7 is not an open pull request at commit 0123456789ab"):
        pull.confirmed(github, 7, pull.head_of(event(tmp_path)))


@pytest.mark.parametrize("change", [{"head_sha": "HEAD"}, {"head_branch": None}, {"head_repository": None}])
def test_an_event_without_a_head_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"event of a workflow run|names no commit"):
        pull.head_of(event(tmp_path, **change))


def test_another_event_is_refused(tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text("[]")
    with pytest.raises(ReportError, match="GITHUB_EVENT_PATH"):
        pull.head_of(tmp_path / "event.json")
