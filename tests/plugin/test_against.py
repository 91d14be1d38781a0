"""`--against` and its options: what names a base side, and what is a usage error."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.plugin.against import LAUNCHES, ROOT, Against, from_options, refuse_apart
from fixtures.errors import SuiteError
from fixtures.pairs.process import TIMEOUT_S

NOT_GIVEN = {
    "against": None,
    "against_tree": None,
    "against_launches": LAUNCHES,
    "against_timeout": TIMEOUT_S,
    "collectonly": False,
    "benchmark_compare": None,
    "update_baselines": None,
    "benchmark_save": None,
    "benchmark_autosave": None,
}
GIVEN = {"against": sys.executable}


def base_of(**options: Any) -> Against | None:
    return from_options((NOT_GIVEN | options).__getitem__)


def test_without_the_option_there_is_no_base() -> None:
    assert base_of() is None


def test_an_interpreter_is_kept_as_it_was_named_and_runs_this_checkout(tmp_path: Path) -> None:
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    assert base_of(against=str(link)) == Against(link, ROOT)


def test_another_checkout_is_resolved(tmp_path: Path) -> None:
    (tmp_path / "base").symlink_to(ROOT)
    assert base_of(**GIVEN, against_tree=str(tmp_path / "base"), against_launches=4) == Against(
        Path(sys.executable), ROOT, 4
    )


def test_cells_can_be_listed_before_the_base_environment_exists() -> None:
    assert base_of(against=".venv-absent/bin/python", collectonly=True) is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"against": "/nowhere/python"}, "no such interpreter; name one, as in --against=.venv-blog/bin/python"),
        ({"against": "reports"}, "is a folder: name the interpreter in it, as reports/bin/python"),
        ({"against": ""}, "--against=: no such interpreter"),
        ({**GIVEN, "against_tree": "reports"}, "not a checkout of this suite, or too old for --against"),
        ({**GIVEN, "against_tree": ""}, "not a checkout of this suite"),
        ({"against_tree": "."}, "--against-tree needs --against=PYTHON"),
        ({"against_launches": 3}, "--against-launches needs --against=PYTHON"),
        ({"against_timeout": 5.0}, "--against-timeout needs --against=PYTHON"),
        ({**GIVEN, "benchmark_compare": "0001"}, "a run is judged once"),
        ({**GIVEN, "update_baselines": "all"}, "--against with --update-baselines: the run is being judged"),
        ({**GIVEN, "benchmark_save": "x"}, "--against with --benchmark-save"),
        ({**GIVEN, "benchmark_autosave": True}, "--against with --benchmark-autosave"),
        ({**GIVEN, "against_launches": 9}, "--against-launches=9: must be 0 to 8"),
        ({**GIVEN, "against_timeout": 0.0}, "--against-timeout=0: must be more than 0"),
    ],
)
def test_a_base_that_cannot_be_is_a_usage_error(
    options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(SuiteError) as caught:
        base_of(**options)
    assert message in str(caught.value)


def command_line(*arguments: str) -> Any:
    return SimpleNamespace(invocation_params=SimpleNamespace(args=arguments))


def test_a_value_after_a_space_that_pytest_would_take_for_a_test_path_is_refused(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").touch()
    for arguments in (("--against-tree", "."), ("--against", str(tmp_path / "bin" / "python"))):
        with pytest.raises(SuiteError, match=r"write --against=PYTHON and --against-tree=DIR, with ="):
            refuse_apart(command_line(*arguments))
    refuse_apart(command_line("--against", str(ROOT / ".venv" / "bin" / "python")))
    refuse_apart(command_line(f"--against={tmp_path / 'bin' / 'python'}", "--against-tree=."))


@pytest.mark.parametrize(
    ("python", "tree", "name"),
    [
        ("head/.venv-blog/bin/python", ROOT, ".venv-blog/bin/python"),
        ("base/.venv/bin/python", "base", "../base/.venv/bin/python in ../base"),
        ("head/.venv/bin/python", "head/my base", ".venv/bin/python in 'my base'"),
        ("head/.venv/bin/python", "head", ".venv/bin/python in ."),
    ],
)
def test_the_name_of_a_base_holds_no_path_of_the_runner(
    python: str, tree: str | Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "head").mkdir()
    monkeypatch.chdir(tmp_path / "head")
    assert Against(tmp_path / python, tmp_path / tree).name == name
