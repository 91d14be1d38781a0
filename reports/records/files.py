"""Writing files so that a reader, or a crash, never meets half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from reports.errors import ReportError


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A temporary file beside `path` to write bytes to, renamed to `path` where the block ends without an error.

    Raises:
        ReportError: the file cannot be written (full disk, no permission); an old `path` is left as it was.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
        temporary = None
    except OSError as error:
        raise ReportError(
            f"cannot write {path}: {error.strerror or error}; free space or make the folder writable, then repeat"
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


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
