"""What holds for every workflow, beside what zizmor and the schema check (`make workflows`)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.runner import FOLDER, ROOT, WORKFLOWS

JOBS = [(name, job, body) for name, workflow in WORKFLOWS.items() for job, body in workflow["jobs"].items()]
jobs = pytest.mark.parametrize(("name", "job", "body"), JOBS, ids=[f"{name}:{job}" for name, job, _ in JOBS])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yml")), ids=lambda path: path.name)
def test_every_action_is_pinned_by_digest_with_its_version(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if re.match(r"[ -]+uses:", line)]
    assert lines
    for line in lines if path.name != "gpu-pr.yml" else []:  # which calls main's workflow: see boundary.py
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
    if "uses" in body:
        return  # what it calls is asked
    assert 0 < body["timeout-minutes"] <= 360
    assert "concurrency" in body or "concurrency" in WORKFLOWS[name]


@jobs
def test_a_commands_text_is_fixed_and_no_checkout_keeps_the_token(name: str, job: str, body: dict[str, Any]) -> None:
    for step in body.get("steps", []):
        assert "${{" not in step.get("run", "")
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@jobs
def test_what_a_re_run_uploads_replaces_what_its_first_attempt_did(name: str, job: str, body: dict[str, Any]) -> None:
    for step in body.get("steps", []):
        if step.get("uses", "").startswith("actions/upload-artifact@"):
            assert step["with"]["overwrite"] is True
        if step.get("uses", "").startswith("actions/upload-pages-artifact@"):  # which has no such option
            assert "github.run_attempt" in step["with"]["name"]


def test_the_job_that_runs_unreviewed_code_can_write_nothing_and_knows_no_secret() -> None:
    text = "".join((FOLDER / name).read_text(encoding="utf-8") for name in ("gpu-pr.yml", "gpu-measure.yml"))
    (job,) = WORKFLOWS["gpu-measure.yml"]["jobs"].values()
    (calls,) = WORKFLOWS["gpu-pr.yml"]["jobs"].values()
    assert job["permissions"] == calls["permissions"] == {"contents": "read"}
    assert job["if"] == "${{ github.event.action == 'labeled' && github.event.label.name == 'gpu-benchmarks' }}"
    assert not re.search(r"secrets\b(?!,)|github\.token", text)
    checkout = job["steps"][0]["with"]
    assert checkout["ref"] == "${{ github.event.pull_request.head.sha }}", "the labelled commit, not the branch"


def test_the_job_that_reads_the_artifact_unzips_nothing_itself() -> None:
    job = WORKFLOWS["gpu-pr-comment.yml"]["jobs"]["word"]
    assert set(job["permissions"].values()) == {"read"}
    assert not any("download-artifact" in step.get("uses", "") for step in job["steps"])


def test_the_comment_follows_the_measurement_by_its_name() -> None:
    assert WORKFLOWS["gpu-pr-comment.yml"][True]["workflow_run"]["workflows"] == [WORKFLOWS["gpu-pr.yml"]["name"]]


def test_nothing_runs_in_the_base_repositorys_name_for_a_fork() -> None:
    assert not any("pull_request_target" in str(document[True]) for document in WORKFLOWS.values())


def test_the_secret_is_known_to_one_step_alone() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.yml"))
    assert text.count("secrets.") == 1
    assert "BARK_BENCHMARKS_WEBHOOK: ${{ secrets.BARK_BENCHMARKS_WEBHOOK }}" in text


def test_the_gate_of_a_pull_request_is_the_gate_that_runs_locally() -> None:
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [step["run"] for step in WORKFLOWS["ci.yml"]["jobs"]["checks"]["steps"] if "run" in step]
    commands = [command for command in commands if command.startswith("make ")]
    assert len(commands) == 5
    assert all(f"\n{command}\n" in gate for command in commands)
