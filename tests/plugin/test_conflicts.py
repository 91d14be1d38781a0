"""Options of pytest and its plugins that would fail once all cells are measured are refused before."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks.plugin import conflicts
from benchmarks.plugin.conflicts import ROOT, refuse, refuse_debugger, refuse_grouping, refuse_unwritable
from benchmarks.plugin.suite import Suite
from fixtures.errors import SuiteError
from reports.verdicts import thresholds

DEFAULTS: dict[str, Any] = {
    "benchmark_compare": [],
    "benchmark_compare_fail": None,
    "benchmark_cprofile": None,
    "benchmark_save": None,
    "benchmark_autosave": None,
    "benchmark_group_by": "group",
    "benchmark_storage": "file://./.benchmarks",
    "benchmark_histogram": [],
    "benchmark_json": None,
    "collectonly": False,
}


def options(**given: Any) -> Callable[..., Any]:
    """pytest's `getoption`, of a session without JUnit's plugin where `xmlpath` is not given."""
    values = DEFAULTS | given

    def getoption(name: str, *default: Any) -> Any:
        return values.get(name, *default) if default else values[name]

    return getoption


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "file").touch()
    return tmp_path / "file"


def test_what_can_be_done_passes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(options())
    refuse(options(xmlpath=None, benchmark_group_by="group,param:cell", benchmark_json=file))
    refuse(options(xmlpath=str(file.parent / "new" / "junit.xml"), benchmark_autosave="x"))
    refuse(options(xmlpath=str(file), benchmark_storage=str(file.parent / "runs"), benchmark_save="x"))
    monkeypatch.setattr(conflicts, "find_spec", lambda name: name)
    refuse(options(benchmark_histogram=[str(file.parent / "new" / "histogram")]))
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"benchmark_histogram": ["x"]}, r"--benchmark-histogram draws with pygal .*pip install 'pytest-benchmark\[hi"),
        ({"benchmark_storage": "elasticsearch+http://host"}, "elasticsearch is not installed: pip install"),
        ({"benchmark_storage": "s3://bucket"}, "pytest-benchmark knows no s3://: name a folder"),
        ({"benchmark_save": "a" * 247}, "no file can have so long a name"),
        ({"benchmark_save": "\u00e9" * 124}, "no file can have so long a name"),
        ({"forked": True}, "--forked runs each test in a process of its own"),
        ({"benchmark_group_by": "bogus"}, "--benchmark-group-by=bogus: choose from group, name, func"),
        ({"benchmark_group_by": "group,parm:cell"}, "--benchmark-group-by=parm:cell: choose from"),
    ],
)
def test_what_lacks_a_package_or_is_no_grouping_is_refused(
    given: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conflicts, "find_spec", lambda name: None)
    with pytest.raises(SuiteError, match=says):
        refuse(options(**given))


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("--junitxml", lambda file: {"xmlpath": str(file / "junit.xml")}),
        ("--benchmark-storage", lambda file: {"benchmark_autosave": "x", "benchmark_storage": f"file://{file}"}),
        ("--benchmark-storage", lambda file: {"benchmark_save": "x", "benchmark_storage": str(file / "deeper")}),
        ("--benchmark-histogram", lambda file: {"benchmark_histogram": [str(file / "histogram")]}),
    ],
)
def test_a_file_that_could_not_be_written_at_the_end_is_refused(
    option: str, given: Callable[[Path], dict[str, Any]], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conflicts, "find_spec", lambda name: name)
    with pytest.raises(SuiteError, match=rf"^{option}=.*: nothing can be written to {file} \(Not a directory\)"):
        refuse(options(**given(file)))
    refuse(options(**given(file) | {"collectonly": True}))


def test_a_folder_of_a_file_system_that_takes_no_file_is_refused_whatever_its_permissions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    for json in (tmp_path / "own.json", tmp_path / "other.json"):
        with pytest.raises(SuiteError, match=rf"^--benchmark-json={json}: .*{tmp_path} \(No space left on device\)"):
            refuse(options(benchmark_json=json))


def test_a_folder_that_is_yet_to_be_made_is_tried_where_it_would_be(file: Path) -> None:
    refuse_unwritable("--report-dir", "x", file.parent / "a" / "b")
    with pytest.raises(
        SuiteError, match=r"^--report-dir=x: nothing can be written to .*file \(Not a directory\): give"
    ):
        refuse_unwritable("--report-dir", "x", file / "a" / "b")
    assert not (file.parent / "a").exists()


def test_a_parameter_that_a_benchmark_lacks_groups_nothing() -> None:
    refuse_grouping("group,param:cell", [{"cell": "a"}, {"cell": "b", "own": 1}])
    refuse_grouping("name", [{}])
    with pytest.raises(SuiteError, match="param:own: not every benchmark has that parameter; one has cell"):
        refuse_grouping("param:own", [{"cell": "b", "own": 1}, {"cell": "a"}])


def test_a_threshold_of_theirs_without_a_stored_run_is_refused_before_measuring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.plugin.suite.overrides", lambda: thresholds.NONE)
    chosen = SimpleNamespace(compare_with=None, storage=str(tmp_path), storage_is_ours=False)
    suite = Suite(cast(Any, chosen), cast(Any, None), cast(Any, None))
    suite.load_baseline()
    with pytest.raises(SuiteError, match="--benchmark-compare-fail has nothing to judge, as there is no baseline in"):
        suite.load_baseline(needed=True)


@pytest.mark.parametrize(
    ("targets", "refused"),
    [(["benchmarks/", "out"], True), (["benchmarks/test_bark.py::test_generate"], True), (["tests/reports"], False)],
)
def test_pytests_own_trace_is_refused_where_cells_would_be_measured(targets: list[str], refused: bool) -> None:
    given = options(trace=True, help=False, file_or_dir=[str(ROOT / target) for target in targets])
    if refused:
        with pytest.raises(SuiteError, match="--trace-dir=DIR writes a trace"):
            refuse_debugger(given)
    else:
        refuse_debugger(given)
