"""A cell's sample as a WAV file beside the run file, so that a reader can listen to every variant."""

from __future__ import annotations

import io
import wave
from pathlib import Path

from reports.errors import ReportError
from reports.records.files import write_atomically
from reports.records.schema import AudioRecord, RunFile

FOLDER = "audio"
"""Beside the run file."""

PCM_BYTES = 2
"""16 bits a value."""


def file_of(cell: str) -> str:
    """The path of a cell's sample, from the run file's folder."""
    return f"{FOLDER}/{cell}.wav"


def write(folder: Path, cell: str, pcm: bytes, sample_rate_hz: int) -> dict[str, str | float]:
    """Write a cell's sample.

    Args:
        folder: where the run file is.
        cell: its identifier.
        pcm: one channel of 16-bit values, little-endian.
        sample_rate_hz: values a second.

    Returns:
        What the cell's record says of it (`AudioRecord`).

    Raises:
        ReportError: it cannot be written.
    """
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(PCM_BYTES)
        file.setframerate(sample_rate_hz)
        file.writeframes(pcm)
    write_atomically(folder / file_of(cell), content.getvalue())
    return {"file": file_of(cell), "duration_s": len(pcm) / PCM_BYTES / sample_rate_hz}


def carry(run: RunFile, source: Path, target: Path) -> None:
    """Copy the samples of a run's cells from one run file's folder to another's; one that is gone stays away.

    Raises:
        ReportError: one cannot be read or written.
    """
    if source.resolve() == target.resolve():
        return
    for record in run.cells.values():
        if record.audio and is_here(source, record.audio):
            sample = source / record.audio.file
            try:
                content = sample.read_bytes()
            except OSError as error:
                raise ReportError(f"cannot read {sample}: {error.strerror or error}") from error
            write_atomically(target / record.audio.file, content)


def is_here(folder: Path, audio: AudioRecord) -> bool:
    """Whether a cell's sample lies in its run file's folder.

    A link, be it the file or the folder of the samples, is not followed: it could lead to any file of this machine.
    """
    sample = folder / audio.file
    try:
        return sample.is_file() and not (sample.is_symlink() or sample.parent.is_symlink())
    except OSError:  # a name that no file here can have
        return False


def files(folder: Path) -> list[Path]:
    """The samples beside a run file, its own and those of earlier runs; none where their folder is a link."""
    samples = folder / FOLDER
    return [] if samples.is_symlink() else sorted(samples.glob("*.wav"))
