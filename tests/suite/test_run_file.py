"""The run file and what lies beside it: what they hold, and what survives interrupts, failures and full disks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reports.records import runfile
from tests.lanes import ALL_CELLS, SMOKE_CELLS
from tests.suite.conftest import OTHER, ROOT, SMALLEST, Suite

PART = ("-k", "dynamic and batch1 and fp32 and not bettertransformer")


def test_every_cell_of_the_product_is_in_the_run_file_with_its_outcome(suite: Suite) -> None:
    run = suite().run
    outcomes = run.outcomes()
    assert len(outcomes) == ALL_CELLS
    assert sum(outcome.outcome == "measured" for outcome in outcomes.values()) == SMOKE_CELLS
    assert all(outcome.reason for outcome in outcomes.values() if outcome.outcome in ("skipped", "not asked for"))
    assert sum(outcome.outcome == "not asked for" for outcome in outcomes.values()) == ALL_CELLS // 3 * 2
    assert run.suite.finished


def test_a_run_leaves_its_samples_its_environment_and_a_report(suite: Suite, tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    ended = suite(*PART, "--rounds=7", f"--benchmark-json={own}", cells={SMALLEST: {"latency": 0.1234567890123}})
    run, folder = ended.run, ended.folder / "latest"
    stats = {b.extra_info.cell: b.stats for b in run.benchmarks}[SMALLEST]
    assert stats.data == [0.1234567890123] * 7, "pytest-benchmark's samples are the measured ones"
    assert stats.min == 0.1234567890123
    assert set(runfile.read(own).cells) == {OTHER, SMALLEST}, "pytest-benchmark's own JSON is a run file too"

    assert run.machine_info["gpu"] is None
    assert run.machine_info["host"]["cpu_count"] >= 1
    assert run.machine_info["software"] == {"torch": "2.13.0"}
    assert run.machine_info["checkpoints"] == {"tiny": {"source": "synthetic", "digest": "c0ffee"}}
    assert {cell.environment for cell in run.cells.values()} == {run.machine_info["environment"]}

    report = (folder / "report.md").read_text()
    assert "| no optimization | 0.125 s | 60.0 MB | 8 samples/s |" in report
    assert "needs a GPU" in report
    text = (folder / "run.json").read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in the run file"))
    command = [sys.executable, "-m", "pytest_benchmark", "compare", str(folder / "run.json")]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert SMALLEST in shown.stdout


def test_the_commit_can_be_given_where_there_is_no_git_history(suite: Suite, tmp_path: Path) -> None:
    run = suite(*PART, environment={"BARK_BENCHMARKS_COMMIT": "f00d", "GIT_DIR": str(tmp_path)}).run
    assert run.commit_info["id"] == "f00d"
    assert run.machine_info["commit"] == "f00d"


def test_a_run_whose_context_broke_ends_there_and_keeps_what_it_measured(suite: Suite) -> None:
    four = "tiny and resident and dynamic and fp32 and (eager or sdpa)"
    ended = suite("-k", four, cells={SMALLEST: {"raise": "break"}})
    assert ended.code == 1
    assert "1 failed, 2 passed" in ended.output
    assert f"{SMALLEST} has broken the context on cpu: nothing more can be measured in this process" in ended.output
    outcomes = [one.outcome for one in ended.run.suite.cells if one.outcome != "not asked for"]
    assert outcomes == ["measured", "measured", "failed", "not run"]
    assert ended.run.outcomes()[SMALLEST].reason == "RuntimeError: CUDA error: an illegal memory access was encountered"
    assert not ended.run.suite.finished
    assert any("so the run ended there" in line for line in ended.run.suite.warnings)


@pytest.mark.parametrize("how", ["interrupt", "terminate"])
def test_ctrl_c_and_sigterm_keep_and_judge_the_cells_already_measured(with_baseline: Suite, how: str) -> None:
    cells = {OTHER: {"weights": 99e6}, SMALLEST: {"raise": how}}
    ended = with_baseline(*PART, "--benchmark-compare", cells=cells)
    assert ended.code == 2
    assert list(ended.run.cells) == [OTHER]
    assert ended.run.outcomes()[SMALLEST].outcome == "not run"
    assert not ended.run.suite.finished
    assert "FAILED: 1 worse, 1 missing in 2 cells" in ended.output
    assert (ended.folder / "latest" / "index.html").exists()


def test_a_cell_of_which_a_part_could_not_be_measured_fails_and_keeps_the_rest(suite: Suite) -> None:
    no_room = "no room for the profiler's trace in /tmp"
    ended = suite(*PART, "--update-baselines", cells={SMALLEST: {"problem": no_room}})
    assert ended.code == 1
    assert f"\n{no_room}\n" in ended.output  # and no traceback
    assert ended.run.cells[SMALLEST].metrics["latency"].value == 0.125
    outcome = ended.run.outcomes()[SMALLEST]
    assert (outcome.outcome, outcome.reason) == ("failed", no_room)
    (baseline,) = ended.folder.rglob("0001_baseline.json")
    assert list(runfile.read(baseline).cells) == [OTHER]
    judged = suite(*PART, "--benchmark-compare", cells={OTHER: {"problem": no_room}})
    assert judged.code == 1
    assert f"{OTHER}: failed: {no_room}" in " ".join(judged.output.split())


def test_a_killed_run_keeps_the_cells_already_measured(suite: Suite) -> None:
    ended = suite(*PART, cells={SMALLEST: {"raise": "kill"}})
    assert ended.code == -9
    assert list(ended.run.cells) == [OTHER]
    assert not ended.run.suite.finished


@pytest.mark.parametrize(
    ("kind", "says"), [("suite", "Tried to allocate 20.00 GiB"), ("crash", "the driver fell over")]
)
def test_a_cell_that_fails_costs_only_itself(suite: Suite, kind: str, says: str) -> None:
    ended = suite(*PART, cells={OTHER: {"raise": kind}})
    assert ended.code == 1
    assert list(ended.run.cells) == [SMALLEST]
    outcome = ended.run.outcomes()[OTHER]
    assert outcome.outcome == "failed"
    assert says in outcome.reason
    assert ("raise RuntimeError" in ended.output) is (kind == "crash")  # a known problem shows no traceback


def test_results_that_cannot_be_written_fail_the_run_with_advice(suite: Suite, tmp_path: Path) -> None:
    (tmp_path / "latest" / "run.json" / "a folder where the file should be").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    ended = suite(*PART, environment={"TMPDIR": str(tmp_path / "elsewhere")})
    assert ended.code == 1
    assert "results are not complete: cannot write" in ended.output
    assert "free space or make the folder writable" in ended.output
    assert "2 passed" in ended.output
    (rescued,) = (tmp_path / "elsewhere").rglob("run.json")
    assert f"what was measured is in {rescued}" in ended.output
    assert set(runfile.read(rescued).cells) == {OTHER, SMALLEST}


def test_a_run_that_measures_nothing_leaves_the_last_run_and_says_whose_it_is(suite: Suite) -> None:
    before = suite(*PART)
    for nothing in (("-k", "tiny and cpu_offload"), (*PART, "--benchmark-disable")):
        ended = suite(*nothing)
        assert ended.code == 0, ended.output
        assert ended.run == before.run
        assert "nothing was measured, so " in ended.output
        assert "run.json is of an earlier run" in ended.output


def test_a_judged_run_has_a_page_with_all_it_needs_and_junit_names_the_verdict(
    with_baseline: Suite, tmp_path: Path
) -> None:
    junit = tmp_path / "junit.xml"
    worse = {SMALLEST: {"weights": 99e6}}
    ended = with_baseline(*PART, "--benchmark-compare", f"--junitxml={junit}", cells=worse)
    page = (ended.folder / "latest" / "index.html").read_text()
    assert "FAILED: 1 worse in 1 cells" in page
    assert (ended.folder / "latest" / "assets" / "plotly.min.js").exists()
    assert "latest/index.html" in ended.output
    assert f"{SMALLEST}: weights worse" in junit.read_text()


def test_a_page_that_cannot_be_written_is_a_warning_and_loses_nothing(suite: Suite, tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "assets").write_text("a file where the folder should be")
    ended = suite(*PART)
    assert ended.code == 0
    assert "warning: index.html was not written: cannot write" in ended.output
    assert set(ended.run.cells) == {OTHER, SMALLEST}
    assert (ended.folder / "latest" / "report.md").exists()


@pytest.mark.parametrize("selection", ["nothing", "large"])
def test_a_run_without_a_cell_writes_nothing(suite: Suite, selection: str) -> None:
    ended = suite("-k", selection)
    assert ended.code == 5
    assert "no cell of this level matches the selection" in ended.output
    assert not (ended.folder / "latest").exists()


def test_last_failed_measures_the_regressed_cells_again(with_baseline: Suite, tmp_path: Path) -> None:
    cache = ("-o", f"cache_dir={tmp_path / 'cache'}", "-p", "cacheprovider")
    worse = {SMALLEST: {"weights": 99e6}}
    assert with_baseline("--benchmark-compare", *PART, *cache, cells=worse).code == 1
    again = with_baseline("--benchmark-compare", *PART, "--lf", *cache)
    assert again.code == 0
    assert list(again.run.cells) == [SMALLEST]


@pytest.mark.parametrize("plugins", [(), ("tests.repeated",)])
def test_a_cell_that_ran_twice_stands_once(suite: Suite, plugins: tuple[str, ...]) -> None:
    twice = ("--keep-duplicates", str(ROOT / "benchmarks")) if not plugins else ()
    ended = suite(*PART, *twice, plugins=("tests.fake_measure", *plugins))
    assert ended.code == 0
    assert ended.passed == 4
    assert set(ended.run.cells) == {OTHER, SMALLEST}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_under_pytest_benchmarks_own_file_takes_nothing_with_it(
    with_baseline: Suite, tmp_path: Path
) -> None:
    junit = tmp_path / "junit.xml"
    ended = with_baseline(*PART, "--benchmark-compare", "--benchmark-json=/dev/full", f"--junitxml={junit}")
    assert ended.code == 1
    assert "pytest-benchmark cannot write its own file: [Errno 28] No space left on device" in ended.output
    assert "passed: no regression against " in ended.output
    assert "Traceback" not in ended.output
    assert ended.run.suite.finished
    assert (ended.folder / "latest" / "report.md").exists()
    assert junit.exists()


def test_a_session_that_measured_nothing_leaves_no_older_results_to_accept(with_baseline: Suite) -> None:
    worse = {SMALLEST: {"weights": 99e6}}
    assert with_baseline(*PART, "--benchmark-compare", cells=worse).code == 1
    ended = with_baseline(*PART, "--benchmark-compare", "--benchmark-disable")
    assert ended.code == 1
    assert "reports accept" not in ended.output
    assert "run.json of an earlier run was removed" in ended.output
    assert not list((ended.folder / "latest").iterdir())


def test_a_profiler_that_stays_attached_is_said_once(suite: Suite) -> None:
    ended = suite(*PART, plugins=("tests.fake_measure", "tests.profiler_stays"))
    assert ended.code == 0, ended.output
    assert ended.run.suite.warnings.count("the profiler stays attached to cpu") == 1
    assert "warning: the profiler stays attached to cpu" in ended.output


def test_a_session_whose_verdict_fails_keeps_its_results_and_says_so_in_one_line(suite: Suite) -> None:
    ended = suite("-k", SMALLEST, plugins=("tests.fake_measure", "tests.judge_out_of_memory"))
    assert ended.code == 1
    assert (
        "FAILED: no verdict: out of memory: read fewer or smaller files at once, or end other programs" in ended.output
    )
    assert "what was measured is in " in ended.output
    assert "Traceback" not in ended.output
    assert set(ended.run.cells) == {SMALLEST}


def test_what_the_file_system_refuses_before_measuring_is_one_line(suite: Suite) -> None:
    ended = suite("-k", SMALLEST, "--benchmark-compare", f"--benchmark-storage=file://{'x' * 300}")
    assert ended.code == 4
    assert "File name too long" in ended.output
    assert "Traceback" not in ended.output
