"""The architecture: which part may import which, and what the engine and the reports may not know."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from fixtures.models import FOLDERS

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "fixtures" / "models"

PARTS_OF_BARK = re.compile(
    r"semantic|coarse|\bfine_|codec|encodec|bettertransformer|flash_attention_\d|cpu_offload|cpu_prefetch|cuda_graph"
    r"|\bsdpa\b|harvard",
    re.IGNORECASE,
)
"""Words that mean nothing but a part of Bark, an axis value or what it is fed."""

FLOORS = ("conftest", "benchmarks", "fixtures", "reports")
"""From top to bottom: a module imports only what lies below it, or beside it on its own floor."""


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


PLANNED = [
    ROOT / "fixtures" / name for name in ("cells.py", "levels.py", "models/bark/axes.py", "models/bark/workload.py")
]
ENGINE = [path for path in (*files("benchmarks"), *files("fixtures")) if not path.is_relative_to(MODELS / "bark")]


@cache
def imported(path: Path, *, at_runtime: bool = False) -> frozenset[str]:
    """Every module that a file imports, at the top or inside a function; `at_runtime`: when it is imported itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in tree.body if at_runtime else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return frozenset(names)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", files("reports"), ids=str)
def test_the_judging_side_needs_no_torch_and_knows_no_other_part(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path)}
    assert not roots & {"torch", "transformers", "accelerate", "optimum", "fixtures", "benchmarks", "pytest", "tests"}


@pytest.mark.parametrize("path", files("fixtures"), ids=str)
def test_the_measuring_side_takes_only_the_metric_table_from_the_judging_side(path: Path) -> None:
    crossing = {name for name in imported(path) if name.split(".")[0] in {"reports", "benchmarks", "tests", "pytest"}}
    assert {name for name in crossing if not name.startswith("reports.records.metrics")} <= {"reports.records"}


@pytest.mark.parametrize("path", [*PLANNED, *files("benchmarks")], ids=str)
def test_planning_a_run_imports_no_torch(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path, at_runtime=True)}
    assert not roots & {"torch", "transformers", "accelerate"}


@pytest.mark.parametrize("path", [*ENGINE, ROOT / "conftest.py"], ids=str)
def test_the_engine_neither_imports_a_model_nor_names_its_parts(path: Path) -> None:
    folders = tuple(f"fixtures.models.{folder}" for folder in FOLDERS)
    assert not [name for name in imported(path) if name.startswith(folders)]
    assert PARTS_OF_BARK.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", files("fixtures/models/bark/decoding"), ids=str)
def test_fast_decoding_depends_on_nothing_of_the_suite(path: Path) -> None:
    suite = {name for name in imported(path) if name.split(".")[0] in {"fixtures", "reports", "benchmarks"}}
    assert all(name.startswith("fixtures.models.bark.decoding") for name in suite)


def test_no_module_imports_itself_through_others() -> None:
    modules = {module_of(path): path for folder in FLOORS[1:] for path in files(folder)}
    arrows = {name: imported(path) & modules.keys() for name, path in modules.items()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"a circle: {' -> '.join([*way[way.index(name) :], name])}"
        if name not in done:
            for other in sorted(arrows[name] - {name}):
                visit(other, (*way, name))
            done.add(name)

    for name in sorted(modules):
        visit(name, ())


@pytest.mark.parametrize("floor", FLOORS[1:])
def test_no_module_imports_a_floor_above(floor: str) -> None:
    above = FLOORS[: FLOORS.index(floor)]
    for path in files(floor):
        assert not {name for name in imported(path) if name.split(".")[0] in above}, path


def test_no_class_of_the_engine_has_the_name_of_another() -> None:
    names = Counter(
        node.name
        for path in ENGINE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, number in names.items() if number > 1] == []


@pytest.mark.parametrize("path", files("fixtures") + files("benchmarks") + files("reports"), ids=str)
def test_nothing_from_outside_is_unpickled_or_run(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "trust_remote_code" not in text
    assert "pickle.load" not in text
    assert "allow_pickle=True" not in text
    assert "weights_only=False" not in text
