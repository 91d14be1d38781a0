"""The artifact of a run of code that nobody has reviewed: fetched, and taken out of its archive, as a hostile file."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from reports.delivery import web
from reports.delivery.github import GitHub
from reports.delivery.pull import claimed_number
from reports.errors import OUTSIDE, ReportError, explained
from reports.records import runfile
from reports.records.files import write_atomically
from reports.records.sides import needs_other_side
from reports.render.untrusted import plain

NUMBER = "pr-number.txt"
RUN_FILE = "run.json"

LIMITS: Mapping[str, int] = {RUN_FILE: 32 * 2**20, NUMBER: 64}
"""The only names that an artifact may hold, each with its bytes; a matrix of both sides and counters is under 2 MiB."""

ARCHIVE = 16 * 2**20
"""Bytes of the archive."""
RATIO = 200
"""How many times its compressed size a file may have; a real run file has 5 to 20 times."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 2**16


@dataclass(frozen=True, slots=True)
class Fetched:
    """An archive. `note`: that it was chosen among several, empty where there was one."""

    content: bytes
    note: str


def fetch(github: GitHub, run: int, name: str) -> Fetched:
    """The archive of an artifact of a workflow run; of several, which a re-run leaves, the newest.

    Raises:
        ReportError: the run has none of this name; it is too large; or GitHub refuses.
    """
    found = github.get(f"actions/runs/{run}/artifacts", name=name, per_page=100)
    listed = found.get("artifacts") if isinstance(found, dict) else None
    named = [row for row in listed or [] if isinstance(row, dict) and _is_of(row, run, name)]
    if not named:
        raise ReportError(f"run {run} has no artifact {name!r}: see its log, and run it again")
    newest = max(named, key=lambda row: (str(row.get("created_at", "")), int(row["id"])))
    size = newest.get("size_in_bytes")
    if not isinstance(size, int) or size > ARCHIVE:
        raise ReportError(f"the artifact {name!r} of run {run} has {size} bytes, more than {ARCHIVE:,}: not fetched")
    place = github.redirect(f"actions/artifacts/{int(newest['id'])}/zip")
    answer = web.send("GET", place, name="the artifact's storage", largest=ARCHIVE, sleep=github.sleep)
    if answer.status != 200:
        raise ReportError(f"the artifact's storage answered {answer.status}: repeat it later")
    several = f"run {run} has {len(named)} artifacts {name!r}, as a re-run leaves them: the newest is taken"
    note = f"{several}, of {newest.get('created_at', 'an unknown time')}" if len(named) > 1 else ""
    return Fetched(answer.body, note)


def _is_of(row: Mapping[str, Any], run: int, name: str) -> bool:
    """Whether a row of a list of artifacts can be had and is the run's; one that names no run is of the one asked."""
    made_by = row.get("workflow_run")
    number = made_by.get("id", run) if isinstance(made_by, dict) else run
    return row.get("name") == name and not row.get("expired") and number == run and isinstance(row.get("id"), int)


def unpack(archive: Path, folder: Path) -> list[Path]:
    """Take the expected files out of an artifact, and check that each is what its name says.

    Args:
        archive: a ZIP file that may have been made to do harm.
        folder: where `run.json` and `pr-number.txt` go.

    Raises:
        ReportError: the archive is not exactly these files, any limit is passed, or one of them is not what it should
            be; then none of them is left in the folder.
    """
    contents = read_archive(archive)
    paths = {name: folder / name for name in contents}
    try:
        for name, text in contents.items():
            write_atomically(paths[name], text)
        needs_other_side(runfile.read(paths[RUN_FILE]), str(paths[RUN_FILE]))
        claimed_number(paths[NUMBER])
    except OUTSIDE as error:
        for path in paths.values():
            path.unlink(missing_ok=True)
        # The message may quote the file: on one line, and nothing in it that a log or terminal acts on.
        raise ReportError(plain(explained(error), 500)) from error
    return list(paths.values())


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
                _refuse(archive, f"it has to hold exactly {', '.join(LIMITS)}, each once")
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
