from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.records import cache, runfile
from reports.records.store import opened
from tests.builders import run_of
from tests.history_files import weights, write


def test_a_second_reading_reads_no_run_file_and_one_that_is_added_shows_up(
    tmp_path: Path, cached: Path, read_files: list[str]
) -> None:
    for number in range(3):
        write(tmp_path / "runs" / f"{number}.json", number)
    assert weights(tmp_path / "runs") == weights(tmp_path / "runs") == [0, 1, 2]
    assert sorted(read_files) == ["0.json", "1.json", "2.json"]
    write(tmp_path / "runs" / "below" / "3.json", 3)
    assert weights(tmp_path / "runs") == weights(tmp_path / "runs") == [0, 1, 2, 3]
    assert sorted(read_files) == ["0.json", "1.json", "2.json", "3.json"]
    assert len(list(cached.iterdir())) == 1


@pytest.mark.usefixtures("cached")
def test_a_file_that_changed_moved_or_went_is_noticed(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{number}.json", number) for number in range(4)]
    assert weights(tmp_path) == [0, 1, 2, 3]
    write(paths[1], 7)
    paths[2].unlink()
    paths[3].rename(tmp_path / "moved.json")
    assert weights(tmp_path) == [0, 3, 7]
    before = paths[0].stat()
    paths[0].write_text(paths[0].read_text().replace("400000000.0", "400000009.0"))
    os.utime(paths[0], ns=(before.st_atime_ns, before.st_mtime_ns))  # as large and as old as before
    assert weights(tmp_path) == [9, 3, 7]


@pytest.mark.usefixtures("cached")
def test_a_file_that_was_written_just_now_is_read_again(tmp_path: Path, read_files: list[str]) -> None:
    write(tmp_path / "old.json", 0)
    write(tmp_path / "new.json", 1, old=False)
    assert weights(tmp_path) == weights(tmp_path) == [0, 1]
    assert sorted(read_files) == ["new.json", "new.json", "old.json"]


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def one_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def false_but_well_named(path: Path) -> None:
    """Content of another kind, under the name that its digest asks for."""
    path.write_text("no Parquet")
    path.rename(path.with_name(f"{path.name.split('-')[0]}-{cache._digest(path)}.parquet"))


@pytest.mark.parametrize("damage", [cut_off, one_bit, empty, false_but_well_named])
def test_a_damaged_cache_is_made_again(
    tmp_path: Path, cached: Path, read_files: list[str], damage: Callable[[Path], None]
) -> None:
    write(tmp_path / "runs" / "0.json", 0)
    write(tmp_path / "runs" / "1.json", 1)
    assert weights(tmp_path / "runs") == [0, 1]
    (path,) = cached.iterdir()
    damage(path)
    assert weights(tmp_path / "runs") == [0, 1]
    assert len(read_files) == 4
    assert weights(tmp_path / "runs") == [0, 1]
    assert len(read_files) == 4


def test_a_cache_that_another_version_of_the_judging_code_wrote_is_not_used(
    tmp_path: Path, cached: Path, read_files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "runs" / "0.json")
    weights(tmp_path / "runs")
    monkeypatch.setattr(cache, "_judges", lambda: "other code")
    weights(tmp_path / "runs")
    assert read_files == ["0.json", "0.json"]
    assert len(list(cached.iterdir())) == 2


def test_a_cache_that_cannot_be_written_is_a_note(tmp_path: Path, cached: Path) -> None:
    write(tmp_path / "runs" / "0.json")
    cached.parent.mkdir()
    cached.write_text("in the way")
    assert weights(tmp_path / "runs") == [0]
    (note,) = opened([tmp_path / "runs"]).notes
    assert "nothing is cached in" in note


def test_small_folders_are_not_cached_and_unused_caches_are_deleted(
    tmp_path: Path, cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "one" / "0.json")
    write(tmp_path / "two" / "0.json")
    weights(tmp_path / "one")
    (path,) = cached.iterdir()
    os.utime(path, (1e9, 1e9))
    weights(tmp_path / "two")
    assert path not in set(cached.iterdir())
    monkeypatch.setattr(cache, "WORTH_KEEPING_BYTES", 10**9)
    shutil.rmtree(cached)
    weights(tmp_path / "one")
    assert not cached.exists()


@pytest.mark.usefixtures("cached")
def test_a_cache_that_another_process_replaces_meanwhile_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "runs" / "0.json")
    monkeypatch.setattr(cache, "found", lambda folder: tmp_path / "gone.parquet")
    assert weights(tmp_path / "runs") == weights(tmp_path / "runs") == [0]


@pytest.mark.parametrize("where", ["{}/run.json/below", "/" + "x" * 300, "{}/loop"])
def test_a_cache_that_cannot_be_reached_stops_no_history(
    where: str, cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runfile.write(tmp_path / "run.json", run_of())
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    monkeypatch.setenv("BARK_BENCHMARKS_CACHE", where.format(tmp_path))
    assert len(opened([tmp_path]).runs) == 1
