"""Files are written whole or not at all, by one writer at a time, and nothing is left behind."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.bisect import state
from reports.bisect.state import Question
from reports.commands.shared import PASSED, USAGE
from reports.errors import ReportError
from reports.records import baselines, files, runfile
from reports.records.files import append, locked, replacing, write_atomically
from tests.bisecting import Pretended, newer
from tests.builders import FUSED, PLAIN, run_of
from tests.workflows.runner import git

ROOT = Path(__file__).resolve().parents[2]
OLD, NEW = "old " * 20_000, "new " * 20_000

KILLED = """
import os, sys
from pathlib import Path
from reports.records import files
step, path, content = sys.argv[1], Path(sys.argv[2]), sys.argv[3].encode() * 20_000
kill = lambda *arguments: os._exit(9)
synced = []

def fsync(descriptor, original=os.fsync):
    synced.append(descriptor)
    if step == "before fsync" or (step == "before folder sync" and len(synced) == 2):
        kill()
    original(descriptor)
    if step == "before rename" or (step == "at the end" and len(synced) == 2):
        kill()

def replace(self, target, original=Path.replace):
    original(self, target)
    if step == "after rename":
        kill()

os.fsync, Path.replace = fsync, replace
if step == "after create":
    files.fcntl.flock = kill
with files.replacing(path) as file:
    if step == "before write":
        kill()
    file.write(content[: len(content) // 2])
    file.flush()
    if step == "in mid-write":
        kill()
    file.write(content[len(content) // 2 :])
os._exit(0)
"""
STEPS = {
    "after create": OLD,
    "before write": OLD,
    "in mid-write": OLD,
    "before fsync": OLD,
    "before rename": OLD,
    "after rename": NEW,
    "before folder sync": NEW,
    "at the end": NEW,
}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("step", STEPS)
def test_a_writer_that_is_killed_leaves_a_whole_file_and_the_next_one_cleans_up(step: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(OLD)
    killed = subprocess.run([sys.executable, "-c", KILLED, step, str(path), "new "], cwd=ROOT, check=False)
    assert killed.returncode == 9
    assert path.read_text() == STEPS[step]
    write_atomically(path, "newest")
    assert path.read_text() == "newest"
    assert names(tmp_path) == ["run.json"]


def test_what_another_writer_is_writing_is_not_swept(tmp_path: Path) -> None:
    with replacing(tmp_path / "one") as file:
        files._sweep.cache_clear()
        write_atomically(tmp_path / "other", "other")
        file.write(b"one")
    assert (tmp_path / "one").read_text() == "one"
    assert names(tmp_path) == ["one", "other"]


def test_a_writer_whose_file_was_swept_before_it_was_locked_makes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[Path] = []
    lock = fcntl.flock

    def late(descriptor: int, flags: int) -> None:
        if not swept:
            swept.extend(tmp_path.glob(".bark-*"))
            swept[0].unlink()
        lock(descriptor, flags)

    monkeypatch.setattr(fcntl, "flock", late)
    write_atomically(tmp_path / "one", "one")
    assert len(swept) == 1
    assert names(tmp_path) == ["one"]


def test_only_what_is_ours_is_swept(tmp_path: Path) -> None:
    for name in (".bark-notes", ".bark-0123.tmp.txt", "x.bark-1.tmp", ".other-1.tmp"):
        (tmp_path / name).write_text("mine")
    (tmp_path / ".bark-folder.tmp").mkdir()
    (tmp_path / "target").write_text("mine")
    (tmp_path / ".bark-link.tmp").symlink_to(tmp_path / "target")
    before = names(tmp_path)
    write_atomically(tmp_path / "run.json", "x")
    assert names(tmp_path) == sorted([*before, "run.json"])


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_a_file_has_the_mode_that_the_umask_gives(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        write_atomically(tmp_path / "new", "x")
        write_atomically(tmp_path / "new", "y")
        append(tmp_path / "summary", "x")
    finally:
        os.umask(before)
    for name in ("new", "summary"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o666 & ~mask


def test_the_folder_is_synced_after_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[bool, bool]] = []
    original = os.fsync

    def fsync(descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append((folder, (tmp_path / "run.json").exists()))
        original(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(tmp_path / "run.json", "x")
    assert synced == [(False, False), (True, True)]


def test_a_name_as_long_as_the_file_system_takes_is_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / ("x" * 255), "x")
    with pytest.raises(ReportError, match="File name too long"):
        write_atomically(tmp_path / ("x" * 256), "x")


def test_a_device_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_text()))
    reader.start()
    write_atomically(tmp_path / "pipe", "through")
    reader.join()
    assert got == ["through"]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(ReportError, match="No space left on device"):
        write_atomically(tmp_path / "full", "x")
    assert (tmp_path / "full").is_symlink()


def test_git_adds_neither_temporary_nor_lock_files(tmp_path: Path) -> None:
    git("init", "-q", cwd=tmp_path)
    (tmp_path / ".gitignore").write_bytes((ROOT / ".gitignore").read_bytes())
    baselines.accept(run_of(), tmp_path / "b")
    with replacing(tmp_path / "b" / "run.json") as file:
        file.write(b"x")
        found = git("status", "--porcelain", "--untracked-files=all", cwd=tmp_path)
    assert sorted(line.split("/")[-1] for line in found.splitlines()) == ["0001_baseline.json", "?? .gitignore"]


@contextmanager
def held_by_another(path: Path) -> Iterator[None]:
    """Another writer is at work: a lock of another thread is as good as one of another process."""
    holds, done = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(path):
            holds.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    holds.wait()
    try:
        yield
    finally:
        done.set()
        thread.join()


def in_another_thread(work: Callable[[], object]) -> object:
    """What came of it, or the error."""
    got: list[object] = []

    def run() -> None:
        try:
            got.append(work())
        except ReportError as error:
            got.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return got[0]


def test_who_accepts_while_another_does_waits_its_turn_and_neither_s_cells_are_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LOCK_WAIT_S", 0)
    other: list[object] = []

    def meanwhile(baseline: object) -> None:
        """Between reading the baseline and replacing it."""
        other.append(in_another_thread(lambda: baselines.accept(run_of(), tmp_path, keep=lambda cell: cell == FUSED)))

    path, _ = baselines.accept(run_of(), tmp_path, keep=lambda cell: cell == PLAIN, check=meanwhile)
    assert "another process is changing it" in str(other[0])
    baselines.accept(run_of(), tmp_path, keep=lambda cell: cell == FUSED)
    assert set(runfile.read(path).cells) == {PLAIN, FUSED}


def test_accept_ends_in_one_line_where_the_baseline_stays_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(files, "LOCK_WAIT_S", 0.01)
    runfile.write(tmp_path / "run.json", run_of())
    command = ["accept", str(tmp_path / "run.json"), "--baseline-dir", str(tmp_path / "b")]
    with held_by_another(baselines.path_for(tmp_path / "b", run_of())):
        assert main(command) == USAGE
        error = capsys.readouterr().err
        assert "another process is changing it and was waited for 0.01 s; let it finish, then repeat" in error
        assert error.count("\n") == 1
    assert main(command) == PASSED


def test_a_reader_needs_neither_the_lock_nor_a_folder_that_can_be_written(tmp_path: Path) -> None:
    path, _ = baselines.accept(run_of(), tmp_path)
    before = names(path.parent)
    with held_by_another(path):
        assert set(baselines.read(path).cells) == {PLAIN, FUSED}
    assert names(path.parent) == before


def test_a_lock_whose_holder_was_killed_is_free(tmp_path: Path) -> None:
    path = baselines.path_for(tmp_path, run_of())
    code = (
        "import os, sys; from pathlib import Path; from reports.records.files import locked\n"
        "with locked(Path(sys.argv[1])): os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=False).returncode == 9
    with locked(path, wait_s=0):
        pass


def test_two_bisections_in_one_folder_do_not_remove_each_other_s_environments(asked: Question, tmp_path: Path) -> None:
    slow = Pretended(newer("torch"))
    bisection = slow.bisection(asked, tmp_path)
    with (
        held_by_another(bisection.folder / state.FILE),
        pytest.raises(ReportError, match=r"state\.json: another process is changing it; let it finish"),
    ):
        bisection.run()
    assert slow.made == []
    assert bisection.run().found.culprits == ("torch",)


def test_a_summary_keeps_what_others_add_to_it(tmp_path: Path) -> None:
    append(tmp_path / "new" / "summary.md", "one\n")
    with (tmp_path / "new" / "summary.md").open("a") as other:
        append(tmp_path / "new" / "summary.md", "two\n")
        other.write("three\n")
    assert (tmp_path / "new" / "summary.md").read_text() == "one\ntwo\nthree\n"
