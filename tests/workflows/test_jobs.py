"""Every job, with a planted regression, and what it would write. Nothing here is measured: runs are made up.

The CPU smoke gate, which measures, is in test_smoke_gate.py.
"""

from __future__ import annotations

import io
import json
import re
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.harness import plan
from fixtures.machine.gpus import this_machine
from fixtures.matrix.levels import LEVELS
from reports.records import audio, runfile
from tests.builders import H200, HOST, SOFTWARE, cell_document, run_document, run_of
from tests.counted import counted_cell
from tests.fake_github import TOKEN, FakeGitHub
from tests.workflows import test_smoke_gate
from tests.workflows.runner import ROOT, WORKFLOWS, Job, git

SHA = "0123456789abcdef0123456789abcdef01234567"
LARGE = "large-sdpa-fp16-resident-dynamic-batch1"
LISTED = {"PYTEST_ADDOPTS": "--collect-only -q"}
"""No GPU is here: what would be measured is only listed."""

TESTED = {
    "ci.yml:checks": "test_the_checks_are_commands_of_the_makefile",
    "ci.yml:smoke": "test_the_smoke_gate_measures_both_and_finds_what_was_planted",
    "nightly.yml:measure": "test_the_shards_of_the_night_measure_every_cell_once",
    "nightly.yml:oldest": "test_the_oldest_releases_measure_a_cell",
    "nightly.yml:report": "test_the_night_is_joined_worded_and_judged",
    "nightly.yml:verdict": "test_the_night_is_joined_worded_and_judged",
    "nightly.yml:issue": "test_the_night_is_joined_worded_and_judged",
    "nightly.yml:history": "test_the_history_grows_and_the_report_is_rendered",
    "gpu-pr.yml:measure": "test_a_pull_request_is_measured_beside_its_base_and_commented_on",
    "gpu-pr-comment.yml:comment": "test_a_pull_request_is_measured_beside_its_base_and_commented_on",
}
"""Job -> the test that runs all its commands."""

VALUES = {
    "github.server_url": "https://github.example",
    "github.repository": "owner/bark",
    "github.run_id": "42",
    "github.token": TOKEN,
    "secrets.BARK_BENCHMARKS_WEBHOOK": "",
}

Expected = Callable[[str, str], None]


BEFORE: dict[str, Any] = {"commit": "f" * 40}
AFTER: dict[str, Any] = {"commit": SHA, "software": {**SOFTWARE, "transformers": "5.17.1"}}


def planted() -> dict[str, Any]:
    """A cell with sixteen synchronizations more in the semantic stage: one a token."""
    return counted_cell({"semantic": {"host_syncs": 16}})


def commands(workflow: str, job: str) -> list[str]:
    return [step["name"] for step in WORKFLOWS[workflow]["jobs"][job]["steps"] if "run" in step]


def test_every_job_with_a_command_is_run_by_a_test() -> None:
    found = {f"{name}:{job}" for name, document in WORKFLOWS.items() for job in document["jobs"] if commands(name, job)}
    assert found == set(TESTED)
    assert all(test in globals() or hasattr(test_smoke_gate, test) for test in TESTED.values())


def test_the_checks_are_commands_of_the_makefile(origin: Path, tmp_path: Path) -> None:
    job = Job("ci.yml", "checks", tmp_path, origin).run()
    assert job.codes == dict.fromkeys(commands("ci.yml", "checks"), 0), job.ended
    shown = {name: ended.stdout for name, ended in job.ended.items()}
    assert "ruff check" in shown["Lint"]
    assert "zizmor --offline" in shown["Workflows"]
    assert (
        ".venv-blog/bin/python -m pytest tests/fixtures" in shown["Tests of what depends on the lane, in the blog lane"]
    )


def test_the_shards_of_the_night_measure_every_cell_once(origin: Path, tmp_path: Path) -> None:
    matrix = WORKFLOWS["nightly.yml"]["jobs"]["measure"]["strategy"]["matrix"]["shard"]
    assert matrix == list(range(1, WORKFLOWS["nightly.yml"]["env"]["SHARDS"] + 1))
    # Of a machine without a GPU, as this one may be.
    to_do = [cell.scenario.id for cell in plan.plan(LEVELS["nightly"], this_machine("cpu")) if not cell.skip]
    listed: list[str] = []
    for shard in matrix:
        folder = tmp_path / str(shard)
        folder.mkdir()
        values = {**VALUES, "matrix.lane": "blog", "matrix.shard": str(shard)}
        job = Job("nightly.yml", "measure", folder, origin, values, {"CUDA_VISIBLE_DEVICES": "", **LISTED}).run()
        assert job.codes == {"Measure": 0}, job.ended
        assert f"shard {shard}/{len(matrix)}: " in job.ended["Measure"].stdout
        listed += re.findall(r"test_generate\[(.+)\]", job.ended["Measure"].stdout)
    assert sorted(cell for cell in listed if cell in to_do) == sorted(to_do)


@pytest.mark.parametrize("pins", WORKFLOWS["nightly.yml"]["jobs"]["oldest"]["strategy"]["matrix"]["with"])
def test_the_oldest_releases_measure_a_cell(origin: Path, tmp_path: Path, pins: str) -> None:
    job = Job("nightly.yml", "oldest", tmp_path, origin, {**VALUES, "matrix.with": pins}).run()
    assert job.codes == {"Measure and render": 0}, job.ended
    shown = job.ended["Measure and render"].stdout.replace("\\\n", "")
    (install,) = (line.split() for line in shown.splitlines() if "uv pip install" in line)
    assert install[-1] == (f"'{pins}'" if pins else "pyproject.toml")
    assert "--resolution lowest-direct" in shown


def test_every_package_has_a_lower_bound() -> None:
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert all(re.fullmatch(r"[a-z0-9-]+>=[0-9.]+", need) for need in needs)


@pytest.fixture
def night(origin: Path, tmp_path: Path) -> dict[str, Path]:
    """The shards' artifacts: something is planted in the current lane, and nothing in the blog lane."""
    found = {}
    for lane, small, options in (("current", planted(), AFTER), ("blog", counted_cell(), BEFORE)):
        large = cell_document(LARGE)
        names = [cell["extra_info"]["cell"] for cell in (small, large)]
        for number, cell in enumerate((small, large), 1):
            folder = found[f"measured-{lane}-{number}"] = tmp_path / f"{lane}-{number}"
            if cell is large:
                large["extra_info"]["audio"] = audio.write(folder, LARGE, b"\x00\x00" * 2_400, 24_000)
            shards = [{"number": number, "of": 2, "split": "5p11t"}]
            document = run_document([cell], lane=lane, level="nightly", shards=shards, **options)
            document["suite"]["cells"].append(
                {"cell": names[2 - number], "outcome": "not asked for", "shard": 3 - number}
            )
            runfile.write(folder / "run.json", runfile.parse(document, "shard"))
    return found


def baselines(folder: Path) -> None:
    """Puts made-up baselines where the committed ones are."""
    for lane in ("current", "blog"):
        path = folder / "reports" / "baselines" / "nvidia-h200" / lane / "nightly" / "0001_baseline.json"
        runfile.write(path, run_of(counted_cell(), LARGE, lane=lane, level="nightly", **BEFORE))


NightJob = Callable[..., Job]


@pytest.fixture
def job(night: dict[str, Path], origin: Path, tmp_path: Path, server: FakeGitHub) -> NightJob:
    """Runs a job of the night, with made-up baselines."""

    def run(name: str, only: tuple[str, ...] = (), **values: str) -> Job:
        folder = tmp_path / f"job-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        known = {**VALUES, **{f"matrix.{key}": value for key, value in values.items()}}
        made = Job("nightly.yml", name, folder, origin, known, server.environment, night, only=only)
        made.before = {"Fetch the shards": baselines, "Fetch the night": baselines}
        return made.run()

    return run


def test_the_night_is_joined_worded_and_judged(
    night: dict[str, Path], job: NightJob, server: FakeGitHub, as_expected: Expected
) -> None:
    report = job("report")
    assert report.codes == dict.fromkeys(commands("nightly.yml", "report"), 0), report.ended
    assert "nothing was sent" in report.ended["Tell the webhook, if there is one"].stderr
    assert report.summary.count("# Bark benchmarks") == 2
    assert job("verdict", lane="current").codes == {"Set up": 0, "Verdict": 1}
    assert job("verdict", lane="blog").codes == {"Set up": 0, "Verdict": 0}

    opened = job("issue")
    assert opened.codes == dict.fromkeys(commands("nightly.yml", "issue"), 0), opened.ended
    assert [row["title"] for row in server.issues] == [
        "Bark benchmarks: 1 worse in 1 cell (nvidia-h200, current lane, nightly)"
    ]
    as_expected("nightly-issue.md", server.issues[0]["body"])

    runfile.write(night["night"] / "current" / "run.json", run_of(counted_cell(), LARGE, level="nightly", **BEFORE))
    job("issue")
    assert [row["state"] for row in server.issues] == ["closed"]


def test_a_lost_shard_makes_the_verdict_red_and_stands_in_the_issue(
    night: dict[str, Path], job: NightJob, server: FakeGitHub
) -> None:
    del night["measured-blog-2"]
    report = job("report")
    assert report.codes == dict.fromkeys(commands("nightly.yml", "report"), 0), report.ended
    assert f"shard 2/2 would hold {LARGE}" in report.ended["Join the shards"].stderr
    assert job("verdict", lane="blog").codes == {"Set up": 0, "Verdict": 1}
    job("issue")
    (issue,) = server.issues
    assert issue["title"] == "Bark benchmarks: 1 worse in 1 cell (nvidia-h200, current lane, nightly) and 1 more"
    assert "1 missing in 1 cell (nvidia-h200, blog lane, nightly)" in issue["body"]
    assert "Shard 2 of 2 left no run file: 1 cell lost." in issue["body"]


def test_a_lane_without_any_run_makes_the_verdict_red_and_stands_in_the_issue(
    night: dict[str, Path], job: NightJob, server: FakeGitHub
) -> None:
    del night["measured-blog-1"], night["measured-blog-2"]
    report = job("report")
    assert "::error::the blog lane has no run" in report.ended["Join the shards"].stdout
    assert report.codes == dict.fromkeys(commands("nightly.yml", "report"), 0), report.ended
    assert report.summary.count("# Bark benchmarks") == 2
    assert job("verdict", lane="blog").codes == {"Set up": 0, "Verdict": 2}
    assert job("verdict", lane="current").codes == {"Set up": 0, "Verdict": 1}
    job("issue")
    assert "nothing was measured (nvidia-h200, blog lane, nightly)" in server.issues[0]["body"]
    add = "Add the night to the history"
    kept = job("history", only=("Check out", "Check out the history", "Fetch the night", add))
    assert kept.codes == {add: 0}, kept.ended


def test_a_night_that_left_nothing_opens_an_issue_all_the_same(job: NightJob, server: FakeGitHub) -> None:
    opened = job("issue")
    assert opened.codes == dict.fromkeys(commands("nightly.yml", "issue"), 0), opened.ended
    (issue,) = server.issues
    assert issue["title"] == "Bark benchmarks: nothing was measured (nvidia-h200, current lane, nightly) and 1 more"


def test_the_issue_is_written_whatever_became_of_the_jobs_before() -> None:
    condition = WORKFLOWS["nightly.yml"]["jobs"]["issue"]["if"]
    assert condition == "${{ !cancelled() && github.ref == 'refs/heads/main' }}"


def test_the_history_is_pushed_to_its_branch_and_only_when_it_grew(origin: Path, tmp_path: Path) -> None:
    def grow(folder: Path) -> None:
        git("clone", "--quiet", "--branch", "benchmark-history", str(origin), "history", cwd=folder)
        (folder / "history" / "run.json").write_text("{}")

    for place in ("first", "again"):
        folder = tmp_path / place
        folder.mkdir()
        job = Job("nightly.yml", "history", folder, origin, VALUES, only=("Keep the history",))
        job.before = {"Keep the history": grow}
        assert job.run().codes == {"Keep the history": 0}, job.ended
        assert git("log", "-1", "--format=%s %an", "benchmark-history", cwd=origin).startswith("Nightly run 42 ")
    assert git("rev-list", "--count", "main..benchmark-history", cwd=origin) == "1"


def test_the_history_grows_and_the_report_is_rendered(night: dict[str, Path], origin: Path, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    Job("nightly.yml", "report", folder, origin, VALUES, {}, night, {"Fetch the shards": baselines}).run()
    folder = tmp_path / "history"
    folder.mkdir()
    job = Job("nightly.yml", "history", folder, origin, VALUES, {}, night, {"Fetch the night": baselines}).run()
    assert job.codes == dict.fromkeys(commands("nightly.yml", "history"), 0), job.ended
    assert (night["pages"] / "index.html").exists()
    assert (night["pages"] / "blog" / "index.html").exists()
    assert [path.stem for path in audio.files(night["pages"])] == [LARGE]
    assert [path.stem for path in audio.files(night["pages"] / "blog")] == [LARGE]


def test_a_pull_request_is_measured_beside_its_base_and_commented_on(
    origin: Path, tmp_path: Path, server: FakeGitHub, as_expected: Expected
) -> None:
    def measured(folder: Path) -> None:
        cell = planted()
        pairs = dict.fromkeys(("base_s", "head_s"), [2.0] * 20)
        pairs |= dict.fromkeys(("base_step_p10_s", "head_step_p10_s"), [0.005] * 20)
        cell["extra_info"]["against"] = {
            "record": counted_cell()["extra_info"],
            "rounds_s": [2.0, 2.2],
            "pairs": {**pairs, "launches": [5] * 4},
        }
        cell["extra_info"]["against"]["record"]["environment"] = "env-b"
        known: dict[str, Any] = {
            "against": {"name": "../base/.venv/bin/python", "lane": "current", "commit_info": {"id": BEFORE["commit"]}},
            "environments": {"env-b": {"gpu": H200, "host": HOST, "software": SOFTWARE, "commit": BEFORE["commit"]}},
        }
        runfile.write(folder / "measured" / "run.json", run_of(cell, **AFTER, **known))

    values = {
        "github.event.pull_request.base.sha": git("rev-parse", "HEAD^1", cwd=origin),
        "github.event.pull_request.number": "7",
    }
    (tmp_path / "measure").mkdir()
    measure = Job("gpu-pr.yml", "measure", tmp_path / "measure", origin, values, LISTED)
    measure.before = {"Keep the run": measured}
    measure.run()
    assert measure.codes == dict.fromkeys(commands("gpu-pr.yml", "measure"), 0) | {"Verdict": 1}, measure.ended
    assert "small-" in measure.ended["Measure the head against the base"].stdout
    assert git("rev-parse", "HEAD", cwd=tmp_path / "measure" / "base") == values["github.event.pull_request.base.sha"]

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(measure.artifacts["gpu-pr"].rglob("*.*")):
            archive.write(path, path.relative_to(measure.artifacts["gpu-pr"]))
    server.artifacts = {"gpu-pr": stream.getvalue()}
    fork = {"user": "somebody", "ref": "faster", "sha": SHA, "repo": {"full_name": "somebody/bark"}}
    server.pulls = [{"number": 7, "head": fork}]
    event = {"head_sha": SHA, "head_branch": "faster", "head_repository": {"full_name": "somebody/bark"}}
    (tmp_path / "event.json").write_text(json.dumps({"workflow_run": event}))

    for times in (1, 2):
        folder = tmp_path / f"comment-{times}"
        folder.mkdir()
        comment = Job(
            "gpu-pr-comment.yml",
            "comment",
            folder,
            origin,
            {
                **VALUES,
                "github.event.workflow_run.id": "42",
                "github.event.workflow_run.html_url": "https://github.example/owner/bark/actions/runs/42",
            },
            {**server.environment, "GITHUB_EVENT_PATH": str(tmp_path / "event.json")},
        ).run()
        assert comment.codes == dict.fromkeys(commands("gpu-pr-comment.yml", "comment"), 0), comment.ended
    assert [row["on"] for row in server.comments] == [7], "the second run replaced the comment of the first"
    as_expected("gpu-pr-comment.md", server.comments[0]["body"])
