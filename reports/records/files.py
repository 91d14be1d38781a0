"""Writing files so that a reader, or a crash, never meets half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from reports.errors import ReportError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write text (as UTF-8) or bytes to a temporary file beside `path`, then rename it there.

    Raises:
        ReportError: the file cannot be written (full disk, no permission); an old `path` is left as it was.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
        temporary = None
    except UnicodeError as error:
        raise ReportError(f"cannot write {path}: it holds text that is not Unicode ({error})") from error
    except OSError as error:
        raise ReportError(
            f"cannot write {path}: {error.strerror or error}; free space or make the folder writable, then repeat"
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
