"""The architecture: which part may import which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def imported(path: Path) -> set[str]:
    """Every module that a file imports, at the top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


PLANNED = [
    ROOT / "fixtures" / name for name in ("cells.py", "levels.py", "models/bark/axes.py", "models/bark/workload.py")
]


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
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {name.split(".")[0] for node in tree.body if isinstance(node, ast.Import) for name in _names(node)}
    top |= {str(node.module).split(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert not top & {"torch", "transformers", "accelerate"}


def _names(node: ast.Import) -> list[str]:
    return [alias.name for alias in node.names]


@pytest.mark.parametrize("path", files("fixtures") + files("benchmarks") + files("reports"), ids=str)
def test_nothing_from_outside_is_unpickled_or_run(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "trust_remote_code" not in text
    assert "pickle.load" not in text
    assert "allow_pickle=True" not in text
    assert "weights_only=False" not in text
