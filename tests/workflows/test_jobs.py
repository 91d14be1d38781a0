"""Every job, with a planted regression, and what it would write. Nothing here is measured: runs are made up.

The CPU smoke gate is in test_smoke_gate.py.
"""

from __future__ import annotations

import re
import shutil
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.plugin import plan
from fixtures.levels import LEVELS
from fixtures.machine.gpus import this_machine
from reports.records import audio, runfile
from reports.records.schema import RunFile
from tests.builders import H200, HOST, SOFTWARE, cell_document, run_document, run_of
from tests.counted import counted_cell
from tests.lanes import MATRIX
from tests.workflows import test_smoke_gate
from tests.workflows.gh import BOT, Repository
from tests.workflows.runner import ROOT, WORKFLOWS, Job, git

SHA = "0123456789abcdef0123456789abcdef01234567"
LARGE = "large-sdpa-fp16-resident-dynamic-batch1"
LISTED = {"PYTEST_ADDOPTS": "--collect-only -q"}
"""No GPU is here: what would be measured is only listed."""

TESTED = {
    "ci.yml:checks": "test_the_checks_are_commands_of_the_makefile",
    "ci.yml:smoke": "test_the_smoke_gate_measures_both_and_finds_what_is_worse",
    "nightly.yml:measure": "test_each_job_of_the_night_measures_its_shard",
    "nightly.yml:oldest": "test_the_oldest_releases_measure_a_cell",
    "nightly.yml:report": "test_the_night_is_joined_worded_and_judged",
    "nightly.yml:verdict": "test_the_night_is_joined_worded_and_judged",
    "nightly.yml:issue": "test_the_night_is_joined_worded_and_judged",
    "nightly.yml:history": "test_the_history_grows_and_the_report_is_rendered",
    "nightly.yml:keep": "test_the_history_grows_and_the_report_is_rendered",
    "gpu-measure.yml:measure": "test_a_pull_request_is_measured_beside_its_base",
    "gpu-pr-comment.yml:word": "test_a_pull_request_gets_one_comment_that_is_replaced",
    "gpu-pr-comment.yml:comment": "test_a_pull_request_gets_one_comment_that_is_replaced",
}
"""Job -> the test that runs all its commands."""

VALUES = {
    "github.server_url": "https://github.example",
    "github.repository": "owner/bark",
    "github.run_id": "42",
    "github.run_attempt": "1",
    "github.token": "a-token-for-tests",
    "secrets.BARK_BENCHMARKS_WEBHOOK": "",
}

Expected = Callable[[str, str], None]


BEFORE: dict[str, Any] = {"commit": "f" * 40}
AFTER: dict[str, Any] = {"commit": SHA, "software": {**SOFTWARE, "transformers": "5.17.1"}}


def planted() -> dict[str, Any]:
    """A cell with sixteen synchronizations more in the semantic stage: one a token."""
    return counted_cell({"semantic": {"host_syncs": 16}})


def commands(workflow: str, job: str) -> list[str]:
    return [step["name"] for step in WORKFLOWS[workflow]["jobs"][job].get("steps", []) if "run" in step]


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
    # The jobs' repository here is owner/bark.
    (warned,) = shown["Is the GPU run set to this repository"].splitlines()
    assert warned.startswith(
        "::warning file=.github/workflows/gpu-pr.yml::the label gpu-benchmarks measures nothing here: write"
    )
    assert warned.endswith(" write owner/bark into the line with uses, and see docs/ci.md")
    assert (
        ".venv-blog/bin/python -m pytest tests/fixtures" in shown["Tests of what depends on the lane, in the blog lane"]
    )


def test_each_job_of_the_night_measures_its_shard(origin: Path, tmp_path: Path) -> None:
    """That the shards together are the whole is in tests/plugin/test_sharding.py."""
    matrix = WORKFLOWS["nightly.yml"]["jobs"]["measure"]["strategy"]["matrix"]["shard"]
    assert matrix == list(range(1, WORKFLOWS["nightly.yml"]["env"]["SHARDS"] + 1))
    values = {**VALUES, "matrix.lane": "blog", "matrix.shard": "2"}
    job = Job("nightly.yml", "measure", tmp_path, origin, values, {"CUDA_VISIBLE_DEVICES": "", **LISTED}).run()
    assert job.codes == {"Measure": 0}, job.ended
    assert f"shard 2/{len(matrix)}: " in job.ended["Measure"].stdout
    # Of a machine without a GPU, as this one may be.
    to_do = [one.cell.id for one in plan.plan(MATRIX, LEVELS["nightly"], this_machine("cpu")) if one.runs]
    listed = set(re.findall(r"test_generate\[(.+)\]", job.ended["Measure"].stdout)) & set(to_do)
    assert 0 < len(listed) < len(to_do)


def shards(folder: Path, lane: str, small: dict[str, Any], options: dict[str, Any]) -> dict[str, Path]:
    """The artifacts of a lane: the small cell is in the first shard, a large one in the second."""
    found = {}
    large = cell_document(LARGE)
    names = [cell["extra_info"]["cell"] for cell in (small, large)]
    for number, cell in enumerate((small, large), 1):
        path = found[f"measured-{lane}-{number}"] = folder / f"{lane}-{number}"
        if cell is large:
            large["extra_info"]["audio"] = audio.write(path, LARGE, b"\x00\x00" * 2_400, 24_000)
        split = [{"number": number, "of": 2, "split": "5p11t"}]
        document = run_document([cell], lane=lane, level="nightly", shards=split, **options)
        document["suite"]["cells"].append({"cell": names[2 - number], "outcome": "not asked for", "shard": 3 - number})
        runfile.write(path / "run.json", runfile.parse(document, "shard"))
    return found


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
    return shards(tmp_path, "current", planted(), AFTER) | shards(tmp_path, "blog", counted_cell(), BEFORE)


def baselines(folder: Path) -> None:
    """Puts made-up baselines where the committed ones are."""
    for lane in ("current", "blog"):
        path = folder / "reports" / "baselines" / "nvidia-h200" / lane / "nightly" / "0001_baseline.json"
        runfile.write(path, run_of(counted_cell(), LARGE, lane=lane, level="nightly", **BEFORE))


@pytest.fixture(scope="module")
def joined(origin: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The job that joins such a night; run once, as most tests begin where it ends."""
    folder = tmp_path_factory.mktemp("joined")
    night = shards(folder, "current", planted(), AFTER) | shards(folder, "blog", counted_cell(), BEFORE)
    (folder / "job").mkdir()
    report = Job("nightly.yml", "report", folder / "job", origin, VALUES, artifacts=night)
    report.before = {"Fetch the shards": baselines}
    return report.run()


NightJob = Callable[..., Job]


@pytest.fixture
def job(night: dict[str, Path], origin: Path, tmp_path: Path, machine: dict[str, str]) -> NightJob:
    """Runs a job of the night, with made-up baselines."""

    def run(name: str, only: tuple[str, ...] = (), **values: str) -> Job:
        folder = tmp_path / f"job-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        known = {**VALUES, **{f"matrix.{key}": value for key, value in values.items()}}
        made = Job("nightly.yml", name, folder, origin, known, machine, night, only=only)
        made.before = {"Fetch the shards": baselines, "Fetch the night": baselines}
        return made.run()

    return run


def test_the_night_is_joined_worded_and_judged(
    night: dict[str, Path], joined: Job, job: NightJob, github: Repository, as_expected: Expected, tmp_path: Path
) -> None:
    assert joined.codes == dict.fromkeys(commands("nightly.yml", "report"), 0), joined.ended
    assert joined.summary.count("# Bark benchmarks") == 2
    night.update(joined.artifacts)
    assert job("verdict", lane="current").codes == {"Set up": 0, "Verdict": 1}
    assert job("verdict", lane="blog").codes == {"Set up": 0, "Verdict": 0}

    for lane in ("current", "blog"):
        opened = job("issue", lane=lane)
        assert opened.codes == {"Open, update or close the issue": 0}, opened.ended
    (issue,) = github["issues"]
    assert issue["title"] == "Bark benchmarks: 1 worse in 1 cell (nvidia-h200, current lane, nightly)"
    as_expected("nightly-issue.md", issue["body"])

    job("issue", lane="current")
    assert github["writes"] == ["POST issues", "PATCH issues/1"], "the next night that fails replaces its text"
    night.update(shards(tmp_path / "recovered", "current", counted_cell(), BEFORE))
    without_summary = [step["name"] for step in WORKFLOWS["nightly.yml"]["jobs"]["report"]["steps"]]
    without_summary.remove("Summary")
    job("report", only=tuple(without_summary))  # what is handed over again replaces what was
    job("issue", lane="current")
    assert github["issues"][0]["state"] == "closed"
    assert "no regression" in github["comments"][0]["body"]


def test_only_the_bots_own_issue_of_that_lane_is_touched(
    night: dict[str, Path], joined: Job, job: NightJob, github: Repository
) -> None:
    night.update(joined.artifacts)
    ours = {"state": "open", "labels": ["benchmark-regression"], "user": {"login": BOT}, "pull_request": None}
    marked = "<!-- bark-benchmarks:nightly-blog -->\nold"
    github["issues"] = [
        *({**ours, "number": number, "body": "of somebody else"} for number in range(1, 40)),
        {**ours, "number": 40, "body": marked, "user": {"login": "somebody"}},
        {**ours, "number": 41, "body": f"see {marked}"},
        {**ours, "number": 42, "body": None},
        {**ours, "number": 43, "body": marked.replace("blog", "current")},
        {**ours, "number": 44, "body": marked, "pull_request": {}},
        {**ours, "number": 45, "body": marked, "labels": []},
        {**ours, "number": 46, "body": marked},
    ]
    assert job("issue", lane="blog").codes == {"Open, update or close the issue": 0}
    assert github["writes"] == ["POST issues/46/comments", "PATCH issues/46"]


def test_a_lost_shard_and_a_lane_without_any_run_make_the_verdict_red_and_stand_in_the_issues(
    night: dict[str, Path], job: NightJob, github: Repository, tmp_path: Path
) -> None:
    night.update(shards(tmp_path / "lost", "current", counted_cell(), BEFORE))
    del night["measured-current-2"], night["measured-blog-1"], night["measured-blog-2"]
    report = job("report")
    assert report.codes == dict.fromkeys(commands("nightly.yml", "report"), 0), report.ended
    assert f"shard 2/2 would hold {LARGE}" in report.ended["Join the shards"].stderr
    assert "::error::the blog lane has no run" in report.ended["Join the shards"].stdout
    assert report.summary.count("# Bark benchmarks") == 2
    assert job("verdict", lane="current").codes == {"Set up": 0, "Verdict": 1}
    assert job("verdict", lane="blog").codes == {"Set up": 0, "Verdict": 2}
    job("issue", lane="current")
    job("issue", lane="blog")
    lost, nothing = github["issues"]
    assert lost["title"] == "Bark benchmarks: 1 missing in 1 cell (nvidia-h200, current lane, nightly)"
    assert "Shard 2 of 2 left no run file: 1 cell lost." in lost["body"]
    assert "nothing was measured (nvidia-h200, blog lane, nightly)" in nothing["body"]


def test_a_lane_without_any_run_keeps_no_other_out_of_the_history(
    night: dict[str, Path], joined: Job, job: NightJob, tmp_path: Path
) -> None:
    night["night"] = tmp_path / "night"
    shutil.copytree(joined.artifacts["night"] / "current", night["night"] / "current")
    add = "Add the night to the history"
    kept = job("history", only=("Check out", "Check out the history", "Fetch the night", add))
    assert kept.codes == {add: 0}, kept.ended


def test_a_night_that_left_nothing_opens_an_issue_all_the_same(job: NightJob, github: Repository) -> None:
    for _ in range(2):
        opened = job("issue", lane="current")
        assert opened.codes == {"Open, update or close the issue": 0}, opened.ended
    (issue,) = github["issues"]
    assert issue["title"] == "Bark benchmarks: the night was not judged (current lane)"
    assert "(https://github.example/owner/bark/actions/runs/42)" in issue["body"]


SECRET = "https://hooks.example/secret"


@pytest.mark.parametrize("fails", ["", "22"])
def test_the_webhook_is_told_of_the_lane_that_failed_and_changes_nothing(
    fails: str, joined: Job, machine: dict[str, str], tmp_path: Path
) -> None:
    tell = "Tell the webhook, if there is one"
    values = {**VALUES, "secrets.BARK_BENCHMARKS_WEBHOOK": SECRET}
    machine["CURL_FAILS"] = fails
    shutil.copytree(joined.folder, tmp_path / "job", symlinks=True)
    told = (
        Job("nightly.yml", "report", tmp_path / "job", joined.origin, values, machine, only=(tell,)).run().ended[tell]
    )
    assert told.returncode == 0
    config, arguments = Path(machine["SENT"]).read_text().splitlines()
    assert config == f'url = "{SECRET}"'
    assert SECRET not in arguments + told.stdout + told.stderr, "a secret is no argument, which any process can read"
    assert ("::warning::the webhook was not told of the current lane" in told.stdout) == bool(fails)


def test_without_a_webhook_nothing_is_sent(joined: Job) -> None:
    told = joined.ended["Tell the webhook, if there is one"]
    assert (told.returncode, told.stdout, told.stderr) == (0, "", ""), "curl would have been asked"


def test_the_issue_is_written_whatever_became_of_the_jobs_before() -> None:
    condition = WORKFLOWS["nightly.yml"]["jobs"]["issue"]["if"]
    assert condition == "${{ !cancelled() && github.ref == 'refs/heads/main' }}"


def test_the_history_grows_and_the_report_is_rendered(
    job: NightJob, joined: Job, night: dict[str, Path], origin: Path
) -> None:
    night.update(joined.artifacts)
    made = job("history")
    assert made.codes == dict.fromkeys(commands("nightly.yml", "history"), 0), made.ended
    assert job("keep").codes == {"Keep the history": 0}
    pages = made.folder / ".artifact-github-pages-1"
    rendering = ("Render the report", "Hand the report to Pages")
    again = tuple(step["name"] for step in WORKFLOWS["nightly.yml"]["jobs"]["history"]["steps"])
    made = job("history", only=tuple(step for step in again if step not in rendering))
    assert set(made.codes.values()) == {0}, "a re-run finds the night there already"
    assert job("keep").codes == {"Keep the history": 0}
    assert git("log", "-1", "--format=%s %an", "benchmark-history", cwd=origin).startswith("Nightly run 42 ")
    assert git("rev-list", "--count", "main..benchmark-history", cwd=origin) == "1"
    grown = git("diff", "--name-only", "main", "benchmark-history", cwd=origin).splitlines()
    assert [Path(path).parent.as_posix() for path in grown] == [
        "nvidia-h200/blog/nightly",
        "nvidia-h200/current/nightly",
    ]
    assert (pages / "index.html").exists()
    assert (pages / "blog" / "index.html").exists()
    assert [path.stem for path in audio.files(pages)] == [LARGE]
    assert [path.stem for path in audio.files(pages / "blog")] == [LARGE]


def test_pages_are_of_the_attempt_that_rendered_them() -> None:
    jobs = WORKFLOWS["nightly.yml"]["jobs"]
    (deployed,) = (step["with"]["artifact_name"] for step in jobs["publish"]["steps"])
    (uploaded,) = (step["with"]["name"] for step in jobs["history"]["steps"] if "pages" in step.get("uses", ""))
    assert deployed == "${{ needs.history.outputs.pages }}"
    assert uploaded == jobs["history"]["outputs"]["pages"] == "github-pages-${{ github.run_attempt }}"


def measured_pull_request(**change: Any) -> RunFile:
    """The run of a pull request, with a planted regression."""
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
    return run_of(cell, **{**AFTER, **known, **change})


def test_a_pull_request_is_measured_beside_its_base(origin: Path, tmp_path: Path) -> None:
    values = {"github.event.pull_request.base.sha": git("rev-parse", "HEAD^1", cwd=origin)}
    measure = Job("gpu-measure.yml", "measure", tmp_path, origin, values, LISTED)
    measure.before = {
        "Keep the run": lambda folder: runfile.write(folder / "measured/run.json", measured_pull_request())
    }
    measure.run()
    assert measure.codes == dict.fromkeys(commands("gpu-measure.yml", "measure"), 0) | {"Verdict": 1}, measure.ended
    assert "small-" in measure.ended["Measure the head against the base"].stdout
    assert git("rev-parse", "HEAD", cwd=tmp_path / "base") == values["github.event.pull_request.base.sha"]
    assert [path.name for path in measure.artifacts["gpu-pr"].iterdir()] == ["run.json"]


@dataclass
class Fork:
    """A pull request of a fork, number 7, that was measured; `run` words its comment, and writes it."""

    github: Repository
    folder: Path
    origin: Path
    machine: dict[str, str]

    def measured(self, run: RunFile) -> None:
        """Puts the run into the artifact that the measurement leaves."""
        runfile.write(self.folder / "run.json", run)
        with zipfile.ZipFile(self.folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(self.folder / "run.json", "run.json")
        row = {"id": 5, "name": "gpu-pr", "created_at": "2026-01-01T10:00:00Z", "size_in_bytes": 9, "expired": False}
        self.github["artifacts"] = [{**row, "path": str(self.folder / "a.zip")}]

    def run(self, times: str = "first") -> tuple[Job, Job | None]:
        """Both jobs; none for the second where the first failed."""
        jobs: list[Job] = []
        artifacts: dict[str, Path] = {}
        for name in ("word", "comment"):
            folder = self.folder / f"{name}-{times}"
            folder.mkdir()
            jobs.append(Job("gpu-pr-comment.yml", name, folder, self.origin, RUN, self.machine, artifacts).run())
            if any(jobs[-1].codes.values()):
                break
        return jobs[0], jobs[1] if len(jobs) > 1 else None


RUN = {
    **VALUES,
    "github.event.workflow_run.head_sha": SHA,
    "github.event.workflow_run.head_branch": "faster",
    "github.event.workflow_run.head_repository.owner.login": "somebody",
    "github.event.workflow_run.head_repository.full_name": "somebody/bark",
    "github.event.workflow_run.id": "42",
    "github.event.workflow_run.html_url": "https://github.example/owner/bark/actions/runs/42",
}


def pull(number: int = 7, labels: tuple[str, ...] = ("gpu-benchmarks",), **change: Any) -> dict[str, Any]:
    head = {"user": "somebody", "ref": "faster", "sha": SHA, "repo": {"full_name": "somebody/bark"}, **change}
    named = [{"name": label} for label in labels]
    return {"number": number, "state": "open", "head": head, "base": {"sha": "b" * 40}, "labels": named}


@pytest.fixture
def fork(github: Repository, tmp_path: Path, origin: Path, machine: dict[str, str]) -> Fork:
    github["pulls"] = [pull()]
    github["merge_bases"] = {f"{'b' * 40}...{SHA}": BEFORE["commit"]}
    made = Fork(github, tmp_path, origin, machine)
    made.measured(measured_pull_request())
    return made


def test_a_pull_request_gets_one_comment_that_is_replaced(fork: Fork, as_expected: Expected) -> None:
    marked = "<!-- bark-benchmarks:gpu-pr -->\nold"
    fork.github["comments"] = [
        *({"id": number, "on": 7, "user": {"login": BOT}, "body": "x"} for number in range(40)),
        {"id": 50, "on": 7, "user": {"login": "somebody"}, "body": marked},
        {"id": 51, "on": 7, "user": {"login": BOT}, "body": f"quoted:\n{marked}"},
        {"id": 52, "on": 7, "user": None, "body": None},
        {"id": 53, "on": 8, "user": {"login": BOT}, "body": marked},
    ]
    for times in ("first", "again"):  # a re-run hands over the same artifact
        worded, written = fork.run(times)
        assert worded.codes == dict.fromkeys(commands("gpu-pr-comment.yml", "word"), 0), worded.ended
        assert written
        assert written.codes == {"Write the comment": 0}, written.ended
    new = fork.github["comments"][-1]
    assert fork.github["writes"] == ["POST issues/7/comments", f"PATCH issues/comments/{new['id']}"]
    as_expected("gpu-pr-comment.md", new["body"])


@pytest.mark.parametrize(
    "pulls",
    [
        [],
        [pull(sha="f" * 40)],
        [pull(repo={"full_name": "somebody/other"})],
        [pull(repo=None)],
        [pull(user="another")],
        [pull(labels=("documentation",))],
        [pull(), pull(8)],
    ],
    ids=["closed", "newer commits", "another repository", "a deleted fork", "another's branch", "no label", "two"],
)
def test_a_run_that_is_of_no_one_pull_request_is_written_nowhere(pulls: list[dict[str, Any]], fork: Fork) -> None:
    fork.github["pulls"] = pulls
    worded, written = fork.run()
    assert written is None
    assert (
        "open pull requests with the label gpu-benchmarks are at"
        in worded.ended["Ask GitHub which pull request it is"].stdout
    )
    assert fork.github["writes"] == []


def test_a_run_file_that_contradicts_github_is_refused(fork: Fork) -> None:
    fork.measured(measured_pull_request(commit="e" * 40, level="smoke"))
    worded, written = fork.run()
    assert written is None
    said = worded.ended["Take the run file out of it"].stderr
    assert f"level smoke instead of pr, commit {'e' * 40} instead of {SHA}" in said
    assert fork.github["writes"] == []


def test_a_pull_request_that_went_on_meanwhile_gets_no_comment(fork: Fork) -> None:
    folder = fork.folder / "late"
    folder.mkdir()
    (folder / "words").mkdir()
    (folder / "words" / "number.txt").write_text("7\n")
    (folder / "words" / "comment.md").write_text("x")
    for pulls in ([pull(sha="f" * 40)], [{**pull(), "state": "closed"}], []):
        fork.github["pulls"] = pulls
        job = Job("gpu-pr-comment.yml", "comment", folder, fork.origin, RUN, fork.machine, only=("Write the comment",))
        assert job.run().codes == {"Write the comment": 1}
    fork.github["pulls"] = [pull()]
    (folder / "words" / "comment.md").write_text("x" * 300_000)
    assert job.run().codes == {"Write the comment": 1}
    assert fork.github["writes"] == []


@pytest.mark.parametrize("change", [{"size_in_bytes": 2**30}, {"expired": True}, {"name": "another"}])
def test_an_artifact_that_is_too_large_or_not_there_is_not_fetched(change: dict[str, Any], fork: Fork) -> None:
    fork.github["artifacts"] = [{**fork.github["artifacts"][0], **change}]
    worded, _ = fork.run()
    assert "run 42 has no artifact gpu-pr of at most 16 MiB" in worded.ended["Fetch the artifact"].stdout


def test_of_several_artifacts_the_newest_is_taken(fork: Fork) -> None:
    (row,) = fork.github["artifacts"]
    fork.github["artifacts"] = [{**row, "id": 4, "created_at": "2026-01-01T09:00:00Z", "path": "absent"}, row]
    _, written = fork.run()
    assert written
