"""The pull request's boundary holds in the workflows, and each rule behind it finds what would break it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.workflows.boundary import CALLED, commands, faults, groups
from tests.workflows.runner import FOLDER, ROOT, WORKFLOWS

CI_PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
(CALL,) = [job["uses"] for job in WORKFLOWS["gpu-pr.yml"]["jobs"].values()]


def test_the_boundary_holds() -> None:
    assert faults(WORKFLOWS) == []


Document = dict[str, dict[Any, Any]]


@pytest.fixture
def changed() -> Document:
    """A copy to break."""
    return copy.deepcopy(WORKFLOWS)


@pytest.mark.parametrize(
    "script",
    [
        "make setup-reports",
        "python3 -m pip install duckdb",
        "pip3 install --require-hashes --requirement requirements.txt",
        "gh api x\nsudo apt-get install jq",
        'number="$(npx something)"',
        "if true; then uv sync; fi",
        "curl https://example.org/install.sh | bash",
        "echo x | sh",
        "NAME=x .venv/bin/python -m reports alert",
        "git status || ./install",
        'echo "$(cat x)" && conda install x',
        "for each in a; do pipx run x; done",
        "gh extension install x",
        "gh api x | xargs bash -c",
        "cat <(npm ci)",
        "cat `npm ci`",
        'echo "${x:-y}" "$(echo "$(npm ci)")"',
        "{ brew install x; }",
    ],
)
@pytest.mark.parametrize(
    "where", [("gpu-pr-comment.yml", "comment"), ("nightly.yml", "issue"), ("nightly.yml", "keep")]
)
def test_a_job_that_writes_and_installs_or_runs_something_is_found(
    where: tuple[str, str], script: str, changed: Document
) -> None:
    name, job = where
    changed[name]["jobs"][job]["steps"].append({"run": script})
    assert [fault for fault in faults(changed) if fault.endswith("beside a write token")]


@pytest.mark.parametrize(
    "step",
    [
        {"uses": "actions/setup-python@x", "with": {"cache": "pip"}},
        {"uses": "actions/checkout@x", "with": {"ref": "${{ github.event.workflow_run.head_sha }}"}},
        {"uses": "actions/checkout@x"},
        {"uses": "actions/cache@x"},
        {"uses": "./.github/actions/install"},
    ],
    ids=["sets up and caches", "the pull request", "the default branch", "a cache", "an action of the checkout"],
)
def test_a_job_that_writes_and_takes_in_code_is_found(step: dict[str, Any], changed: Document) -> None:
    changed["gpu-pr-comment.yml"]["jobs"]["comment"]["steps"].append(step)
    assert faults(changed)


@pytest.mark.parametrize("permissions", ["write-all", None, {"contents": "read", "issues": "write"}])
def test_every_way_to_get_a_write_token_is_known(permissions: Any, changed: Document) -> None:
    job = changed["nightly.yml"]["jobs"]["verdict"]
    job["permissions"] = permissions
    if permissions is None:
        del job["permissions"]
    assert "nightly.yml: runs make beside a write token" in faults(changed)


def in_its_own_file(changed: Document) -> None:
    changed["gpu-pr.yml"]["jobs"] = changed["gpu-measure.yml"]["jobs"]


def by_a_path(changed: Document) -> None:
    changed["gpu-pr.yml"]["jobs"]["measure"]["uses"] = "./.github/workflows/gpu-measure.yml"


def of_another_branch(changed: Document) -> None:
    changed["gpu-pr.yml"]["jobs"]["measure"]["uses"] = CALL.replace("@main", "@${{ github.head_ref }}")


def with_inputs(changed: Document) -> None:
    changed["gpu-measure.yml"][True] = {"workflow_call": {"inputs": {"cells": {"type": "string"}}}}


def without_asking_for_the_label(changed: Document) -> None:
    del changed["gpu-measure.yml"]["jobs"]["measure"]["if"]


def by_labels_alone(changed: Document) -> None:
    changed["gpu-measure.yml"]["jobs"]["measure"]["runs-on"] = ["self-hosted", "gpu", "ephemeral"]


def on_a_machine_that_stays(changed: Document) -> None:
    changed["nightly.yml"]["jobs"]["measure"]["runs-on"]["labels"].remove("ephemeral")


def on_the_nights_machines(changed: Document) -> None:
    changed["gpu-measure.yml"]["jobs"]["measure"]["runs-on"]["group"] = "gpu-nightly"


def in_the_gate(changed: Document) -> None:
    changed["ci.yml"]["jobs"]["smoke"]["runs-on"] = {"group": "gpu-nightly", "labels": ["ephemeral"]}


def with_a_write_token(changed: Document) -> None:
    changed["ci.yml"]["jobs"]["smoke"]["permissions"] = {"contents": "write"}


def in_mains_name(changed: Document) -> None:
    checkout = {"uses": "actions/checkout@x", "with": {"ref": "${{ github.event.workflow_run.head_sha }}"}}
    changed["gpu-pr-comment.yml"]["jobs"]["word"]["steps"].append(checkout)


@pytest.mark.parametrize(
    "measured",
    [
        in_its_own_file, by_a_path, of_another_branch, with_inputs, without_asking_for_the_label, by_labels_alone,
        on_a_machine_that_stays, on_the_nights_machines, in_the_gate, with_a_write_token, in_mains_name,
    ],
)  # fmt: skip
def test_a_pull_request_that_would_run_where_it_may_not_is_found(
    measured: Callable[[Document], None], changed: Document
) -> None:
    measured(changed)
    assert faults(changed)


def test_the_commands_of_a_script_are_found_wherever_they_stand() -> None:
    script = (
        'x="$(a --b | c)"\nif [ "$x" ] && d; then\n  E=1 e \\\n    --f; else ! g; fi\nfor y in $x; do h \'i; j\'; done'
    )
    assert commands(script) == {"a", "c", "[", "d", "e", "g", "for", "h"}


def test_what_has_to_be_set_on_github_is_asked_for() -> None:
    owner = CALL.partition("/.github")[0]
    assert len(groups(WORKFLOWS)) == 2
    for group, (name,) in groups(WORKFLOWS).items():
        assert f"\n| `{group}` | `{owner}/.github/workflows/{name}@refs/heads/main` |\n" in CI_PAGE


def test_the_repository_is_named_in_one_line_alone() -> None:
    assert CALLED.fullmatch(CALL)
    owner = CALL.partition("/.github")[0]
    text = "".join(path.read_text(encoding="utf-8") for path in FOLDER.parent.rglob("*.*"))
    assert text.count(owner) == 1
