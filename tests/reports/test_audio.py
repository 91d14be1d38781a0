"""A cell's sample: written beside the run file, carried along with it, never outside its folder."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.commands.shared import PASSED
from reports.errors import ReportError
from reports.records import audio, baselines, runfile
from reports.records.schema import RunFile
from reports.render.html import page
from reports.render.html.report import Report
from tests.builders import FUSED, PLAIN, run_document

PCM = b"\x00\x01" * 12_000


def with_sample(folder: Path, cell: str) -> RunFile:
    """A run of one cell in `folder`, with its sample."""
    document = run_document([cell])
    document["benchmarks"][0]["extra_info"]["audio"] = audio.write(folder, cell, PCM, 24_000)
    return runfile.parse(document, "run")


def test_a_sample_is_a_wav_file_of_its_own_length(tmp_path: Path) -> None:
    record = audio.write(tmp_path, "cell", PCM, 24_000)
    assert record == {"file": "audio/cell.wav", "duration_s": 0.5}
    with wave.open(str(tmp_path / "audio" / "cell.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        assert file.readframes(file.getnframes()) == PCM


@pytest.mark.parametrize(
    "name", ["audio/../../passwd.wav", "/etc/passwd", "audio/..wav", "audio/a/b.wav", "audio/a.mp3", "x.wav"]
)
def test_a_run_file_that_points_elsewhere_is_refused(name: str) -> None:
    document = run_document([PLAIN])
    document["benchmarks"][0]["extra_info"]["audio"] = {"file": name, "duration_s": 1.0}
    with pytest.raises(ReportError, match=r"audio\.file"):
        runfile.parse(document, "run.json")


def test_merging_brings_the_samples_along(tmp_path: Path) -> None:
    parts = []
    for number, cell in enumerate((PLAIN, FUSED)):
        folder = tmp_path / str(number)
        runfile.write(folder / "run.json", with_sample(folder, cell))
        parts.append(str(folder / "run.json"))
    assert main(["merge", *parts, "--output", str(tmp_path / "merged" / "run.json")]) == PASSED
    assert len(audio.files(tmp_path / "merged")) == 2


def test_a_sample_that_is_gone_stays_away(tmp_path: Path) -> None:
    run = with_sample(tmp_path / "from", PLAIN)
    audio.files(tmp_path / "from")[0].unlink()
    audio.carry(run, tmp_path / "from", tmp_path / "to")
    assert not audio.files(tmp_path / "to")


def test_a_linked_folder_of_samples_is_not_followed(tmp_path: Path) -> None:
    run = with_sample(tmp_path / "elsewhere", PLAIN)
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "audio").symlink_to(tmp_path / "elsewhere" / "audio")
    assert not audio.files(tmp_path / "from")
    audio.carry(run, tmp_path / "from", tmp_path / "to")
    assert not (tmp_path / "to").exists()
    text = page.write(tmp_path / "page", Report(run, "run.json", tmp_path / "from")).read_text()
    assert "<audio" not in text
    assert not (tmp_path / "page" / "audio").exists()


def test_a_folder_that_is_a_link_itself_has_its_samples(tmp_path: Path) -> None:
    run = with_sample(tmp_path / "elsewhere", PLAIN)
    (tmp_path / "from").symlink_to(tmp_path / "elsewhere")
    audio.carry(run, tmp_path / "from", tmp_path / "to")
    assert len(audio.files(tmp_path / "from")) == len(audio.files(tmp_path / "to")) == 1


def test_a_baseline_names_no_sample_since_it_has_none(tmp_path: Path) -> None:
    path, _ = baselines.accept(with_sample(tmp_path, PLAIN), tmp_path / "baselines")
    assert all(cell.audio is None for cell in runfile.read(path).cells.values())
    assert "audio" not in path.read_text()
