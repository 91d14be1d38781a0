from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.errors import ReportError
from reports.records import cache, condense, runfile
from reports.records.metrics import METRICS
from reports.records.store import opened
from reports.verdicts.history import History, read_history
from tests.builders import FUSED, H200, HOST, PLAIN, SOFTWARE, cell_document, run_document
from tests.history_files import weights, write
from tests.slow_history import slow_history

FOLLOWED = [METRICS[name] for name in ("weights", "latency", "peak_allocated")]


@st.composite
def documents(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Runs on two cards, hosts and releases, of other work, with equal dates, copies, and metrics that some lack."""
    made = []
    for number in range(draw(st.integers(1, 6))):
        cells = []
        for cell in draw(st.lists(st.sampled_from([PLAIN, FUSED]), min_size=1, unique=True)):
            document = cell_document(
                cell,
                {"weights": draw(st.sampled_from([4e8, 5e8])), "latency": draw(st.floats(1e-9, 1e9))},
                tokens=draw(st.sampled_from([16, 64])),
            )
            document["stats"]["data"] = [draw(st.sampled_from([1.0, 1.5, 0.1 + 0.2]))]
            cells.append(document)
        made.append(
            run_document(
                cells,
                gpu=draw(st.sampled_from([H200, H200 | {"model": "NVIDIA A100", "driver": "575.1"}, None])),
                host=draw(st.sampled_from([HOST, HOST | {"cpu_count": 8}])),
                software=draw(st.sampled_from([SOFTWARE, SOFTWARE | {"torch": "2.13.0"}])),
                commit=draw(st.sampled_from(["abc", "d\u00e9f", f"commit{number}"])),
                datetime=draw(
                    st.sampled_from(["2026-01-01T00:00:00", "2026-01-01T00:00:00+00:00", "2026-01-01T01:30:00.5+02:00"])
                ),
            )
        )
    return made


@settings(max_examples=25, deadline=None)
@given(made=documents())
def test_the_fast_reading_agrees_with_the_plain_one_cold_and_cached(
    made: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    for number, document in enumerate(made):
        runfile.write_document(folder / f"{number}.json", document)
        os.utime(folder / f"{number}.json", (1e9, 1e9))
    expected = slow_history(sorted(folder.glob("*.json")), FOLLOWED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BARK_BENCHMARKS_CACHE", str(folder / "cache"))
        patch.setattr(cache, "WORTH_KEEPING_BYTES", 0)
        for _ in range(2):
            read = read_history([folder], FOLLOWED, lambda cell: True)
            assert as_sets(read) == {
                (cell, metric, tuple(map(repr, points))) for (cell, metric, _), points in expected.items()
            }
            assert read.runs == len({point.path for points in expected.values() for point in points})


def as_sets(read: History) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(one.cell, one.metric.name, tuple(map(repr, one.points))) for one in read.series}


HOSTILE = {
    "cut off": '{"benchmarks": [',
    "not JSON": "\x00\x01",
    "not ours": json.dumps({"benchmarks": []}),
    "a list": "[1]",
    "nested too deeply": "[" * 100_000,
    "a drill": json.dumps(run_document(drill="memory=+64MiB")),
    "no date": json.dumps(run_document(datetime="yesterday")),
    "not Unicode": json.dumps(run_document(commit="\ud800")),
    "infinite": json.dumps(run_document([cell_document(PLAIN, {"weights": float("inf")})])),
}


@pytest.mark.usefixtures("cached")
def test_damaged_and_foreign_files_are_left_out_with_the_reason_each_time(
    tmp_path: Path, read_files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "runs" / "good.json")
    for name, text in HOSTILE.items():
        (tmp_path / "runs" / f"{name}.json").write_text(text)
        os.utime(tmp_path / "runs" / f"{name}.json", (1e9, 1e9))
    for where in (tmp_path / "runs", Path("runs"), Path("../runs")):
        if not where.is_absolute():
            monkeypatch.chdir(tmp_path if where == Path("runs") else tmp_path / "runs")
        store = opened([where])
        assert [run.path for run in store.runs] == [str(where / "good.json")]
        assert [note.split(".json")[0] for note in store.notes] == [
            f"left out {where / name}" for name in sorted(HOSTILE)
        ]
    assert len(read_files) == len(HOSTILE) + 1


@pytest.mark.parametrize("name", HOSTILE)
def test_a_damaged_file_that_is_named_itself_is_an_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / "it.json"
    path.write_text(HOSTILE[name])
    with pytest.raises(ReportError, match=r"it\.json"):
        opened([write(tmp_path / "good.json"), path])


@pytest.mark.parametrize(
    "text", ["a\x00b", "'; DROP TABLE cells; --", '"quoted"', "\u202e", "x" * 90_000], ids=lambda text: text[:9]
)
@pytest.mark.usefixtures("cached")
def test_any_text_is_only_text(tmp_path: Path, text: str) -> None:
    write(tmp_path / "0.json", commit_info={"id": text})
    for _ in range(2):
        (run,) = opened([tmp_path]).runs
        assert run.commit == text


@pytest.mark.usefixtures("cached")
def test_any_file_name_is_read_and_pipes_are_not(tmp_path: Path) -> None:
    write(tmp_path / "plain.json", 0)
    os.rename(write(tmp_path / "1.json", 1), os.fsencode(tmp_path) + b"/not\xffunicode.json")  # noqa: PTH104
    write(tmp_path / "[a-z]*'\".json", 2)
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "broken.json").symlink_to("nowhere")
    for _ in range(2):
        assert weights(tmp_path) == [0, 1, 2]
    notes = opened([tmp_path]).notes
    assert [note.split(":")[0].split("/")[-1] for note in notes] == ["broken.json", "pipe.json"]


def test_a_folder_that_cannot_be_listed_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "0.json")
    (tmp_path / "locked").mkdir()
    scan = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert opened([tmp_path]).notes == (f"left out the folder {tmp_path / 'locked'}: Permission denied",)


@pytest.mark.usefixtures("cached")
def test_folders_within_each_other_count_each_file_once(tmp_path: Path) -> None:
    for number, place in enumerate((".", "a", "a/b")):
        write(tmp_path / place / f"{number}.json", number)
    for _ in range(2):
        assert weights(tmp_path / "a", tmp_path, tmp_path / "a" / "b", tmp_path / "0.json") == [0, 1, 2]


@pytest.mark.usefixtures("cached")
def test_a_thousand_runs_read_in_parallel_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "0.json")
    text = (tmp_path / "0.json").read_text()
    for number in range(1, 1000):
        content = text.replace("400000000.0", f"{400000000 + number}.0").replace("2.0\n", f"{2 + number}.0\n")
        (tmp_path / f"{number}.json").write_text(content.replace('"data": [2.0]', f'"data": [{2 + number}.5]'))
    (tmp_path / "bad.json").write_text("{")
    monkeypatch.setattr(condense, "WORTH_PROCESSES_BYTES", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1}, raising=False)
    assert sorted(weights(tmp_path)) == list(range(1000))
    (note,) = opened([tmp_path]).notes
    assert "bad.json is not complete JSON" in note


def test_processes_that_die_leave_the_rest_to_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(paths: Sequence[Path], processes: int) -> Iterator[str]:
        yield from map(condense.line_of, paths[:2])
        raise BrokenExecutor

    monkeypatch.setattr(condense, "WORTH_PROCESSES_BYTES", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1}, raising=False)
    monkeypatch.setattr(condense, "_in_parallel", dying)
    for number in range(5):
        write(tmp_path / f"{number}.json", number)
    assert weights(tmp_path) == [0, 1, 2, 3, 4]


def test_garbage_collection_is_as_it_was_after_reading(tmp_path: Path) -> None:
    write(tmp_path / "0.json")
    for before in (False, True):
        (gc.enable if before else gc.disable)()
        try:
            weights(tmp_path)
            assert gc.isenabled() == before
        finally:
            gc.enable()


def test_nothing_is_looked_for_outside(tmp_path: Path) -> None:
    """Neither extensions of DuckDB nor files that a run's text names."""
    write(tmp_path / "0.json")
    connection = opened([tmp_path]).connection
    for setting in ("autoinstall_known_extensions", "autoload_known_extensions", "enable_external_access"):
        assert connection.execute("SELECT current_setting(?)", [setting]).fetchone() == (False,)
