"""The files beside the page: styles, scripts, the plotting library, samples; and those that an earlier report left."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from reports.errors import ReportError
from reports.records import audio
from reports.records.files import write_atomically
from reports.render.html.report import Report

ASSETS = Path(__file__).parent / "assets"
STYLES = "report.css"
SCRIPTS = ("page.js", "tables.js", "charts.js", "cell.js", "trends.js", "listen.js")
"""In the order in which the page loads them: the first has what the others use."""

PLOTLY = "plotly.min.js"
"""Loaded by charts.js once a chart is needed."""

OWNED = "assets/files.txt"
"""Lists the files that a report put beside its page, so that the next one can remove its own and nothing else."""

OURS = re.compile(r"(assets/\w[\w.-]*\.(js|css)|audio/\w[\w.-]*\.wav)")
"""What such a list may name."""


@dataclass(frozen=True, slots=True)
class Samples:
    """`kept`: addresses, from the page, of the samples that will lie beside it; `to_copy`: those not there yet."""

    kept: frozenset[str]
    to_copy: Mapping[str, bytes]


def assets() -> dict[str, bytes]:
    """Address -> content of what every report needs.

    Raises:
        ReportError: plotly is not installed.
    """
    # Importing plotly takes half a second, and only its bundled script is needed.
    found = find_spec("plotly")
    if found is None or not found.submodule_search_locations:
        raise ReportError(
            "the charts of the HTML report need plotly.js, from the package plotly: pip install 'plotly>=7'"
        )
    plotly = Path(found.submodule_search_locations[0]) / "package_data" / PLOTLY
    paths = [ASSETS / STYLES, *(ASSETS / name for name in SCRIPTS), plotly]
    try:
        return {f"assets/{path.name}": path.read_bytes() for path in paths}
    except OSError as error:
        raise ReportError(f"cannot read {error.filename}: {error.strerror}; reinstall the package plotly") from error


def samples(report: Report, into: Path) -> Samples:
    """The samples that a run kept, as far as their files are there."""
    named = [record.audio for record in report.run.cells.values() if record.audio]
    here = [one.file for one in named if audio.is_here(report.folder, one)]
    if report.folder.resolve() == into.resolve():
        return Samples(frozenset(here), {})
    try:
        return Samples(frozenset(here), {name: (report.folder / name).read_bytes() for name in here})
    except OSError as error:
        raise ReportError(f"cannot read {error.filename}: {error.strerror}") from error


def write(into: Path, files: Mapping[str, bytes], keep: Set[str]) -> None:
    """Write the files of a report, and remove those of an earlier one that are neither among them nor to `keep`.

    Raises:
        ReportError: one cannot be written or removed.
    """
    _remove(into, _owned(into) - files.keys() - keep)
    # The list first: a write that is cut short leaves no file that nobody owns.
    write_atomically(into / OWNED, "".join(f"{name}\n" for name in sorted(files)))
    for name, content in files.items():
        if not _same(into / name, content):
            write_atomically(into / name, content)


def clear(into: Path) -> None:
    """Remove the files that a report put beside its page, and the folders that this leaves empty.

    Raises:
        ReportError: one cannot be removed.
    """
    _remove(into, {*_owned(into), OWNED})
    for folder in ("assets", "audio"):
        # Samples that are not the report's own stay, and so does their folder.
        with suppress(OSError):
            (into / folder).rmdir()


def _remove(into: Path, names: Iterable[str]) -> None:
    for name in sorted(names):
        try:
            (into / name).unlink(missing_ok=True)
        except NotADirectoryError:
            continue
        except OSError as error:
            raise ReportError(f"cannot remove {into / name} of an earlier report: {error.strerror}") from error


def _owned(into: Path) -> set[str]:
    try:
        listed = (into / OWNED).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return set()
    return {name for name in listed if OURS.fullmatch(name)}


def _same(path: Path, content: bytes) -> bool:
    """Whether the file is there already: the plotting library has megabytes and seldom changes."""
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False
