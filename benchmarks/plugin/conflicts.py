"""Options of pytest and its plugins that cannot work here: refused before anything is measured, not met at its end."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fixtures.errors import SuiteError

ROOT = Path(__file__).resolve().parents[2]

GROUPINGS = ("group", "name", "func", "fullname", "fullfunc", "param")
"""What `--benchmark-group-by` knows, beside `param:NAME`."""

LONGEST_NAME = 255
"""Bytes of a file's name, on nearly every file system."""


def refuse_debugger(option: Callable[[str], Any]) -> None:
    """Refuse pytest's own `--trace` for benchmarks, where it is more likely a wish for a trace.

    Raises:
        SuiteError: it was given.
    """
    if not option("trace") or option("help"):  # with --help, pytest has not read what to run
        return
    targets = [Path(target.partition("::")[0]).resolve() for target in option("file_or_dir")]
    if any(target.is_relative_to(ROOT / "benchmarks") for target in targets):
        raise SuiteError(
            "--trace is pytest's own option and stops in its debugger at each test, which nothing can be measured "
            "under: --trace-dir=DIR writes a trace of each cell"
        )


def refuse(option: Callable[..., Any]) -> None:
    """Refuse what cannot be done, or would do something else than it seems to.

    Args:
        option: pytest's `config.getoption`.

    Raises:
        SuiteError: such an option was given.
    """
    compare = option("benchmark_compare")
    if option("benchmark_compare_fail") and not compare:
        raise SuiteError(
            "--benchmark-compare-fail judges what --benchmark-compare compares with: give both, or neither"
        )
    if option("benchmark_cprofile"):
        raise SuiteError(
            "--benchmark-cprofile would profile how a cell's rounds are handed to pytest-benchmark, not the cell: "
            "--trace-dir=DIR writes a trace of each cell"
        )
    if option("forked", False):
        raise SuiteError(
            "--forked runs each test in a process of its own, whose measurements this one never sees: leave it out"
        )
    saves = option("benchmark_save") or option("benchmark_autosave")
    if saves and compare:
        raise SuiteError(
            "--benchmark-compare with --benchmark-save or --benchmark-autosave stores the judged run, regressed or "
            "not, where the next run is compared with it: judge first, then save, or use --update-baselines"
        )
    for part in option("benchmark_group_by").split(","):
        if part not in GROUPINGS and not part.startswith("param:"):
            raise SuiteError(f"--benchmark-group-by={part}: choose from {', '.join(GROUPINGS)}, param:NAME")
    _refuse_missing(option)
    if not option("collectonly"):
        _refuse_unwritable_files(option, bool(saves))


def _refuse_missing(option: Callable[..., Any]) -> None:
    storage = option("benchmark_storage")
    if option("benchmark_histogram") and not (find_spec("pygal") and find_spec("pygaljs")):
        raise SuiteError(
            "--benchmark-histogram draws with pygal and pygaljs, which are not installed: "
            "pip install 'pytest-benchmark[histogram]', or leave it out, as the report has charts"
        )
    if storage.startswith("elasticsearch+") and not find_spec("elasticsearch"):
        raise SuiteError(
            f"--benchmark-storage={storage}: elasticsearch is not installed: "
            "pip install 'pytest-benchmark[elasticsearch]', or name a folder"
        )
    scheme, separator, _ = storage.partition("://")
    if separator and scheme not in ("file", "elasticsearch+http", "elasticsearch+https"):
        raise SuiteError(
            f"--benchmark-storage={storage}: pytest-benchmark knows no {scheme}://: name a folder, or one of its "
            "file://, elasticsearch+http:// and elasticsearch+https://"
        )


def _refuse_unwritable_files(option: Callable[..., Any], saves: bool) -> None:
    own, junit = option("benchmark_json"), option("xmlpath", None)
    if own is not None and (own.is_dir() or not own.parent.is_dir()):
        raise SuiteError(f"--benchmark-json={own}: that is a folder, or is in none; name a file in one that exists")
    junit_path = Path(os.path.expandvars(junit)).expanduser() if junit else None
    for name, path in (("--benchmark-json", own), ("--junitxml", junit_path)):
        if path and not (path.exists() and os.access(path, os.W_OK)):
            refuse_unwritable(name, path, path.parent)
    for prefix in option("benchmark_histogram"):
        refuse_unwritable("--benchmark-histogram", prefix, Path(prefix).parent)
    storage = option("benchmark_storage").removeprefix("file://")
    if saves and "://" not in storage:
        refuse_unwritable("--benchmark-storage", storage, Path(storage))
        named = option("benchmark_save") or ""
        if len(os.fsencode(f"0001_{named}.json")) > LONGEST_NAME:
            raise SuiteError(f"--benchmark-save={named}: no file can have so long a name: give a shorter one")


def refuse_unwritable(name: str, value: object, folder: Path) -> None:
    """Let an option pass whose folder, which need not exist yet, can be written to.

    Raises:
        SuiteError: it cannot be written to, or not be made.
    """
    nearest = folder.absolute()
    try:
        while not nearest.exists():
            nearest = nearest.parent
        with tempfile.TemporaryFile(dir=nearest):  # permissions alone do not tell of a full disk or file system
            return
    except OSError as error:
        raise SuiteError(
            f"{name}={value}: nothing can be written to {nearest} ({error.strerror or error}): give a folder that can "
            "be made or written to"
        ) from error


def refuse_grouping(group_by: str, parameters: Iterable[Mapping[str, object]]) -> None:
    """Refuse to group benchmarks by a parameter that some have not.

    Args:
        group_by: of `--benchmark-group-by`.
        parameters: of each benchmark that was selected.

    Raises:
        SuiteError: one lacks it.
    """
    wanted = [part.removeprefix("param:") for part in group_by.split(",") if part.startswith("param:")]
    for own in parameters:
        for name in wanted:
            if name not in own:
                raise SuiteError(
                    f"--benchmark-group-by=param:{name}: not every benchmark has that parameter; one has "
                    f"{', '.join(own) or 'none'}"
                )
