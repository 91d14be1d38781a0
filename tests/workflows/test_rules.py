"""What holds for every workflow, beside what zizmor and the schema check (`make workflows`)."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.test_boundaries import files, imported
from tests.workflows.runner import FOLDER, ROOT, WORKFLOWS

JOBS = [(name, job, body) for name, workflow in WORKFLOWS.items() for job, body in workflow["jobs"].items()]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
jobs = pytest.mark.parametrize(("name", "job", "body"), JOBS, ids=[f"{name}:{job}" for name, job, _ in JOBS])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yml")), ids=lambda path: path.name)
def test_every_action_is_pinned_by_digest_with_its_version(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if re.search(r"\buses:", line)]
    assert lines
    for line in lines:
        assert re.fullmatch(r" +(- )?uses: actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_one_action_has_one_digest_everywhere() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.yml"))
    found = set(re.findall(r"uses: (\S+)@(\S+ # \S+)", text))
    assert len(found) == len({action for action, _ in found})


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_nothing_and_its_jobs_what_they_need(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {}
    assert all("permissions" in body for body in WORKFLOWS[name]["jobs"].values())


@jobs
def test_a_job_ends_in_time_and_does_not_run_beside_itself(name: str, job: str, body: dict[str, Any]) -> None:
    assert 0 < body["timeout-minutes"] <= 360
    assert "concurrency" in body or "concurrency" in WORKFLOWS[name]


@jobs
def test_a_commands_text_is_fixed_and_no_checkout_keeps_the_token(name: str, job: str, body: dict[str, Any]) -> None:
    for step in body["steps"]:
        assert "${{" not in step.get("run", "")
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_the_job_that_runs_unreviewed_code_can_write_nothing_and_knows_no_secret() -> None:
    document = WORKFLOWS["gpu-pr.yml"]
    text = (FOLDER / "gpu-pr.yml").read_text(encoding="utf-8")
    assert document[True] == {"pull_request": {"types": ["labeled"]}}  # YAML reads `on` as a boolean
    (job,) = document["jobs"].values()
    assert job["permissions"] == {"contents": "read"}
    assert job["if"] == "${{ github.event.label.name == 'gpu-benchmarks' }}"
    assert "secrets." not in text
    assert "github.token" not in text
    checkout = job["steps"][0]["with"]
    assert checkout["ref"] == "${{ github.event.pull_request.head.sha }}", "the labelled commit, not the branch"


def test_the_job_that_writes_the_comment_runs_nothing_of_the_pull_request() -> None:
    (job,) = WORKFLOWS["gpu-pr-comment.yml"]["jobs"].values()
    checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert [set(step["with"]) for step in checkouts] == [{"persist-credentials"}]
    assert not any("download-artifact" in step.get("uses", "") for step in job["steps"])
    writing = {scope for scope, access in job["permissions"].items() if access == "write"}
    assert writing == {"pull-requests"}


def test_the_comment_follows_the_measurement_by_its_name() -> None:
    assert WORKFLOWS["gpu-pr-comment.yml"][True]["workflow_run"]["workflows"] == [WORKFLOWS["gpu-pr.yml"]["name"]]


def test_nothing_runs_in_the_base_repositorys_name_for_a_fork() -> None:
    assert not any("pull_request_target" in str(document[True]) for document in WORKFLOWS.values())


def test_the_secret_is_known_to_one_step_alone() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.yml"))
    assert text.count("secrets.") == 1
    assert "BARK_BENCHMARKS_WEBHOOK: ${{ secrets.BARK_BENCHMARKS_WEBHOOK }}" in text


def test_what_setup_reports_installs_is_all_that_reports_import() -> None:
    brought = {"pydantic_core": "pydantic", "markupsafe": "jinja2"}
    roots = {name.split(".")[0] for path in files("reports") for name in imported(path)}
    needed = {brought.get(root, root) for root in roots}
    (installed,) = re.findall(r"^REPORTS_NEED := (.*)$", MAKEFILE, re.MULTILINE)
    assert needed - set(sys.stdlib_module_names) - {"reports"} <= set(installed.split())


def test_the_gate_of_a_pull_request_is_the_gate_that_runs_locally() -> None:
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [step["run"] for step in WORKFLOWS["ci.yml"]["jobs"]["checks"]["steps"] if "run" in step]
    assert len(commands) == 5
    assert all(f"\n{command}\n" in gate for command in commands)
