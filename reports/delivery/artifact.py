"""The artifact of a run of code that nobody has reviewed: taken out of its archive as a hostile file."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from reports.delivery.facts import Facts, refuse_other
from reports.errors import OUTSIDE, ReportError, explained
from reports.records import runfile
from reports.records.files import write_atomically
from reports.render.untrusted import plain

RUN_FILE = "run.json"

LIMITS: Mapping[str, int] = {RUN_FILE: 32 * 2**20}
"""The only name that an artifact may hold, with its bytes; a matrix of both sides and counters is under 2 MiB."""

ARCHIVE = 16 * 2**20
"""Bytes of the archive."""
RATIO = 200
"""How many times its compressed size a file may have; a real run file has 5 to 20 times."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 2**16


def unpack(archive: Path, folder: Path, facts: Facts) -> Path:
    """Take the run file out of an artifact, and check that it is of what was to be measured.

    Args:
        archive: a ZIP file that may have been made to do harm.
        folder: where `run.json` goes.
        facts: what GitHub says of the run.

    Returns:
        The run file's path.

    Raises:
        ReportError: the archive is not exactly this file, any limit is passed, or it is no run file or of something
            else; then it is not left in the folder.
    """
    path = folder / RUN_FILE
    write_atomically(path, read_archive(archive)[RUN_FILE])
    try:
        refuse_other(runfile.read(path), facts, str(path))
    except OUTSIDE as error:
        path.unlink(missing_ok=True)
        # The message may quote the file: on one line, and nothing in it that a log or terminal acts on.
        raise ReportError(plain(explained(error), 500)) from error
    return path


def read_archive(archive: Path) -> dict[str, str]:
    """Name -> text of the files of an artifact; nothing is written.

    Raises:
        ReportError: see `unpack`.
    """
    try:
        found = archive.stat()
        if not stat.S_ISREG(found.st_mode):
            _refuse(archive, "it is a device, a pipe or a folder")
        if found.st_size > ARCHIVE:
            _refuse(archive, f"it has more than {ARCHIVE:,} bytes")
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            if sorted(entry.filename for entry in entries) != sorted(LIMITS):
                _refuse(archive, f"it has to hold {', '.join(LIMITS)} and nothing else")
            return {entry.filename: _text(opened, entry, archive) for entry in entries}
    except FileNotFoundError as error:
        raise ReportError(f"there is no file {archive}") from error
    except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        _refuse(archive, f"it cannot be read ({type(error).__name__})", error)


def _text(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, archive: Path) -> str:
    """One file's text. What the archive says of its size is checked first, and then not believed."""
    name, most = entry.filename, LIMITS[entry.filename]
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.is_dir() or kind not in (0, stat.S_IFREG):
        _refuse(archive, f"{name} is not a plain file")
    if entry.flag_bits & 0x1 or entry.compress_type not in _METHODS:
        _refuse(archive, f"{name} is encrypted or compressed in an unusual way")
    if entry.file_size > most:
        _refuse(archive, f"{name} has more than {most:,} bytes")
    if entry.file_size > RATIO * max(entry.compress_size, 1):
        _refuse(archive, f"{name} is more than {RATIO} times as large as it is compressed")
    content = bytearray()
    with opened.open(entry) as file:
        while chunk := file.read(_CHUNK):
            content += chunk
            if len(content) > most or len(content) > entry.file_size:
                _refuse(archive, f"{name} has more bytes than it says, or than {most:,}")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse(archive, f"{name} is not UTF-8", error)


def _refuse(archive: Path, why: str, error: BaseException | None = None) -> NoReturn:
    raise ReportError(f"the artifact {archive} is refused: {why}; nothing was taken out of it") from error
