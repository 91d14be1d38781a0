"""Writing files so that a reader, or a crash, never meets half of one, and no writer undoes the work of another."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from reports.errors import ReportError

PREFIX = ".bark-"
"""Begins the names of temporary and lock files beside a result, which git ignores (.gitignore)."""

LOCK_WAIT_S = 30.0
"""Accepting the largest run takes a second."""


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A temporary file beside `path` to write bytes to, renamed to `path` where the block ends without an error.

    A device or a pipe is written to as it is.

    Raises:
        ReportError: the file cannot be written (full disk, no permission); an old `path` is left as it was.
    """
    try:
        if _is_stream(path):
            with path.open("wb") as stream:
                yield stream
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch(path.parent) as (temporary, file):
            yield file
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise ReportError(
            f"cannot write {path}: {error.strerror or error}; free space or make the folder writable, then repeat"
        ) from error


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write text, or bytes as they are, to a temporary file beside `path`, then rename it there.

    Raises:
        ReportError: the file cannot be written (full disk, no permission); an old `path` is left as it was.
    """
    try:
        encoded = content.encode("utf-8") if isinstance(content, str) else content
    except UnicodeError as error:
        raise ReportError(f"cannot write {path}: it holds text that is not Unicode ({error})") from error
    with replacing(path) as file:
        file.write(encoded)


def append(path: Path, text: str) -> None:
    """Add text to the end of a file that others add to as well.

    Raises:
        ReportError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(text.encode("utf-8"))
    except (OSError, UnicodeError) as error:
        raise ReportError(f"cannot add to {path}: {getattr(error, 'strerror', None) or error}") from error


@contextmanager
def scratch(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file in `folder`, to be renamed; removed where it was not. Its mode is the umask's.

    It is locked while its writer lives, so the next writer can tell the leftovers of one that was killed.
    """
    _sweep(folder.resolve())
    path, descriptor = _created(folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, wait_s: float | None = None) -> Iterator[None]:
    """Keep other writers off `path` from reading it to replacing it. Readers need no lock.

    Raises:
        ReportError: another process held it for `wait_s` (by default `LOCK_WAIT_S`), or the folder cannot be written.
    """
    import filelock

    wait_s = LOCK_WAIT_S if wait_s is None else wait_s
    # The lock file stays: to remove it could give the same lock to two.
    lock = filelock.FileLock(path.with_name(f"{PREFIX}{path.name}.lock"), thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=wait_s)
    except filelock.Timeout as error:
        waited = f" and was waited for {wait_s:g} s" if wait_s else ""
        raise ReportError(
            f"cannot change {path}: another process is changing it{waited}; let it finish, then repeat"
        ) from error
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ReportError(
            f"cannot lock {path} to change it: {reason}; make the folder writable, then repeat"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _is_stream(path: Path) -> bool:
    """Whether renaming a file to `path` would destroy what belongs to the system: a device, a pipe, /dev/stdout."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) or path.absolute().parent == Path("/dev")


def _created(folder: Path) -> tuple[Path, int]:
    while True:
        path = folder / f"{PREFIX}{secrets.token_hex(8)}.tmp"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with suppress(OSError):  # without locks here, nothing is swept either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return path, descriptor
        os.close(descriptor)  # swept before it was locked


@cache
def _sweep(folder: Path) -> None:
    """Remove the temporary files of writers that were killed; once a process and folder, as it lists the folder."""
    with suppress(OSError):
        for path in folder.glob(f"{PREFIX}*.tmp"):
            with suppress(OSError):
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                finally:
                    os.close(descriptor)


def _sync(folder: Path) -> None:
    """Make a rename outlast a power failure. The file is there for readers already, so not every folder has to."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
