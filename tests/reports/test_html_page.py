from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.commands.shared import PASSED
from reports.records import runfile
from reports.render import markdown, summary
from reports.render.html import folder, page
from reports.render.html.report import Report
from reports.render.html.sections import verdicts
from reports.verdicts.compare import compare
from tests.builders import FUSED, H200, PLAIN, cell_document, run_of
from tests.page_runs import HOSTILE, OFFLOADED, SKIPPED, full_report, hostile_report, with_stages, write_sample
from tests.time_page import steps

ROOT = Path(__file__).resolve().parents[2]


def data(text: str, name: str) -> Any:
    """A block of the page's data, as a script of the page would read it."""
    (found,) = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', text, re.DOTALL)
    return json.loads(found)


def files(into: Path) -> set[str]:
    return {str(path.relative_to(into)) for path in into.rglob("*") if path.is_file()}


def test_the_verdict_comes_first_in_the_words_of_every_other_report(tmp_path: Path) -> None:
    report = full_report(tmp_path)
    assert report.comparison is not None
    text = page.render(report)
    first = text[text.index("<main") : text.index('id="study"')]
    assert summary.headline(report.comparison) == "FAILED: 1 worse in 1 cells, against base.json"
    for part in (
        summary.headline(report.comparison),
        summary.counts(report.comparison),
        "peak_allocated worse: 500.0 MB -&gt; 600.0 MB, +20.00% against a threshold of 0.5%",
        "certain: one code differs by less than the threshold",
        "Changed since the baseline: torch 2.10.0 -&gt; 2.11.0",
        "python -m reports accept run.json",
    ):
        assert part in first


def test_a_run_without_a_baseline_says_so_and_still_shows_everything_measured() -> None:
    text = page.render(Report(run_of(), "run.json", Path()))
    assert "Not compared with a baseline" in text
    assert 'id="matrix"' in text
    assert 'id="trends"' not in text
    assert 'id="limit"' not in text


def test_a_run_without_a_measured_cell_has_a_page_with_the_reasons() -> None:
    run = run_of("tiny-eager-fp32-resident-dynamic-batch1").model_copy(deep=True)
    run.benchmarks.clear()
    run.suite.cells[0].outcome, run.suite.cells[0].reason = "skipped", "needs a GPU"
    text = page.render(Report(run, "run.json", Path()))
    assert "needs a GPU" in text
    assert 'id="cell"' not in text


def test_every_cell_of_the_matrix_is_there_measured_or_not(tmp_path: Path) -> None:
    text = page.render(full_report(tmp_path))
    matrix = text[text.index('<table id="matrix-table"') :]
    matrix = matrix[: matrix.index("</table>")]
    for cell in (PLAIN, FUSED, OFFLOADED, SKIPPED):
        assert f">{cell}<" in matrix
    assert "flash-attn is not installed" in matrix


def test_hostile_text_is_escaped_in_the_page_and_in_its_data(tmp_path: Path) -> None:
    text = page.render(hostile_report(tmp_path))
    assert "<script>window" not in text
    assert "<img" not in text
    assert text.count("</script") == len(folder.SCRIPTS) + 3  # one each, and three blocks of data
    assert data(text, "data-cells")[1]["name"] == HOSTILE[0]
    assert "\u2028" not in text[text.index('<script type="application/json"') :]


def test_the_page_allows_no_script_of_its_own_and_no_other_host(tmp_path: Path) -> None:
    text = page.render(full_report(tmp_path))
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert "default-src 'none'" in policy
    assert re.findall(r"script-src ([^;]*)", policy) == ["'self' file:"]
    assert "http" not in policy
    assert not re.search(r"<[^>]+\son\w+=", text)


def test_the_folder_holds_what_the_page_needs_and_nothing_else(tmp_path: Path) -> None:
    into = tmp_path / "page"
    page.write(into, full_report(tmp_path))
    assets = {f"assets/{name}" for name in (folder.STYLES, *folder.SCRIPTS, folder.PLOTLY)}
    assert files(into) == {page.FILE, folder.OWNED, f"audio/{FUSED}.wav", *assets}


def test_rendering_again_removes_its_own_old_files_and_no_others(tmp_path: Path) -> None:
    into = tmp_path / "page"
    page.write(into, full_report(tmp_path))
    for mine in (into / "audio" / "mine.wav", into / "assets" / "mine.js", into / "notes.txt"):
        mine.write_text("not the report's")
    page.write(into, Report(run_of(), "run.json", tmp_path))
    left = files(into)
    assert f"audio/{FUSED}.wav" not in left
    assert {"audio/mine.wav", "assets/mine.js", "notes.txt", page.FILE} <= left


def test_clearing_a_folder_leaves_only_what_is_not_the_reports(tmp_path: Path) -> None:
    page.write(tmp_path / "page", full_report(tmp_path))
    (tmp_path / "page" / "audio" / "mine.wav").write_text("not the report's")
    folder.clear(tmp_path / "page")
    assert files(tmp_path / "page") == {page.FILE, "audio/mine.wav"}
    assert not (tmp_path / "page" / "assets").exists()
    folder.clear(tmp_path / "absent")


@pytest.mark.parametrize("name", ["../../precious.js", "/etc/hosts", "notes.txt", "assets/../../precious.js"])
def test_a_tampered_list_of_files_removes_nothing_outside(tmp_path: Path, name: str) -> None:
    into = tmp_path / "site" / "page"
    (into / "assets").mkdir(parents=True)
    for kept in (tmp_path / "precious.js", tmp_path / "site" / "precious.js", into / "notes.txt"):
        kept.write_text("kept")
    (into / folder.OWNED).write_text(name + "\n")
    page.write(into, Report(run_of(), "run.json", tmp_path))
    assert (tmp_path / "precious.js").exists()
    assert (tmp_path / "site" / "precious.js").exists()
    assert (into / "notes.txt").exists()


def test_a_report_beside_its_run_file_leaves_the_samples_where_they_are(tmp_path: Path) -> None:
    report = full_report(tmp_path)
    page.write(tmp_path / "page", report)
    # What was copied there once is now a session's own.
    inside = Report(report.run, "run.json", tmp_path / "page")
    write_sample(tmp_path / "page" / "audio" / f"{FUSED}.wav")
    page.write(tmp_path / "page", inside)
    assert (tmp_path / "page" / "audio" / f"{FUSED}.wav").exists()
    assert f'src="audio/{FUSED}.wav"' in (tmp_path / "page" / page.FILE).read_text()


@pytest.mark.parametrize("gpu", [None, H200])
def test_only_the_page_of_a_run_on_a_gpu_speaks_of_a_card(gpu: dict[str, Any] | None) -> None:
    cell = with_stages(cell_document(PLAIN), {"coarse": 1.0}, times=9.5)
    text = page.render(Report(run_of(cell, gpu=gpu), "run.json", Path()))
    assert "Distance to the limit" in text
    words = re.sub(r"<[^>]*>", " ", text)
    assert bool(re.search(r"\bcard\b", words)) is bool(gpu)
    assert ("the processor could take" in words) is not bool(gpu)


def test_a_sample_that_is_gone_or_leads_elsewhere_is_not_copied(tmp_path: Path) -> None:
    report = full_report(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("of this machine")
    (tmp_path / "audio" / f"{OFFLOADED}.wav").symlink_to(secret)
    (tmp_path / "audio" / f"{FUSED}.wav").unlink()
    text = page.write(tmp_path / "page", report).read_text()
    assert "<audio" not in text
    assert text.count("no sample kept") == 2
    assert not (tmp_path / "page" / "audio").exists()


def test_the_command_writes_a_page_with_the_history_beside_the_markdown(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        run = run_of(datetime=f"2026-01-0{day}T00:00:00+00:00", commit=f"c{day}")
        run.benchmarks[0].stats.data[0] += day  # other rounds: another measurement
        runfile.write(tmp_path / "runs" / f"{day}.json", run)
    path = str(tmp_path / "runs" / "3.json")
    words = ["render", path, "--output", str(tmp_path / "out"), "--baseline", path, "--history", str(tmp_path / "runs")]
    assert main(words) == PASSED
    text = (tmp_path / "out" / "index.html").read_text()
    assert [commit for _, commit in data(text, "data-trends")["runs"]] == ["c1", "c2", "c3"]
    assert "passed: no regression" in text
    assert (tmp_path / "out" / "report.md").exists()


def test_what_is_not_asked_for_is_not_imported(tmp_path: Path) -> None:
    runfile.write(tmp_path / "run.json", run_of())
    code = (
        "import sys; from reports.__main__ import main, parser; parser();"
        "assert 'jinja2' not in sys.modules;"
        f"main(['render', {str(tmp_path / 'run.json')!r}, '--output', {str(tmp_path / 'out')!r}]);"
        "assert 'jinja2' in sys.modules and 'plotly' not in sys.modules"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_the_same_report_is_written_the_same_twice(tmp_path: Path) -> None:
    report = full_report(tmp_path)
    assert page.render(report) == page.render(report)


def test_an_invariant_that_is_broken_fails_a_page_without_a_baseline() -> None:
    heavy = cell_document(OFFLOADED, {"peak_allocated": 5e9, "weights": 2e8})
    run = run_of(cell_document(FUSED, {"weights": 2e8}), heavy)
    text = page.render(Report(run, "run.json", Path()))
    assert "FAILED: 1 invariant is broken; not compared with a baseline" in text
    assert compare(run, run, baseline="b").failed


def test_a_cell_that_failed_fails_a_page_and_a_text_without_a_baseline_from_the_title_on() -> None:
    heavy = cell_document(OFFLOADED, {"peak_allocated": 5e9, "weights": 2e8})
    outcomes = {PLAIN: ("failed", "out of memory at 3 GB"), SKIPPED: ("skipped", "needs a GPU")}
    run = run_of(cell_document(FUSED, {"weights": 2e8}), heavy, outcomes=outcomes)
    told = "FAILED: 1 cell could not be measured, 1 invariant is broken; not compared with a baseline"
    text = page.render(Report(run, "run.json", Path()))
    assert "<title>failed: Bark benchmarks, pr, nvidia-h200</title>" in text
    first = text[text.index("<main") : text.index('id="study"')]
    assert told in first
    assert first.index("out of memory at 3 GB") < first.index("invariant broken")
    assert "needs a GPU" not in first
    assert "Cells that failed" in first
    assert "Cells that moved" not in first
    written = markdown.report(run, None, "run.json")
    title, rest = written.split("\n", 1)
    assert title == "# FAILED: Bark benchmarks: pr, current lane, nvidia-h200"
    assert rest.index(told) < rest.index("out of memory at 3 GB") < rest.index("## Absolute performance")


def test_a_run_without_a_baseline_in_which_nothing_failed_is_not_said_to_have_failed() -> None:
    run = run_of(outcomes={SKIPPED: ("skipped", "needs a GPU")}, finished=False)
    assert "<title>new: " in page.render(Report(run, "run.json", Path()))
    written = markdown.report(run, None, "run.json")
    assert written.startswith("# Bark benchmarks: pr, ")
    assert "Not compared with a baseline" in written
    assert "**Not finished**: this run was cut short." in written


def test_a_run_that_failed_against_its_baseline_says_so_in_the_title_of_the_text() -> None:
    base, worse = run_of(PLAIN), run_of(cell_document(PLAIN, {"peak_allocated": 2e9}))
    for head, title in ((worse, "# FAILED: Bark benchmarks: pr"), (base, "# Bark benchmarks: pr")):
        assert markdown.report(head, compare(base, head, baseline="b"), "run.json").startswith(title)


def test_a_list_of_many_failed_cells_is_folded_without_a_baseline_too() -> None:
    outcomes = {f"small-eager-fp32-resident-dynamic-batch{n}": ("failed", "no memory") for n in range(2, 32)}
    shown = verdicts.verdicts(Report(run_of(PLAIN, outcomes=outcomes), "run.json", Path()))
    assert (len(shown.cards), len(shown.more)) == (verdicts.FIRST, len(outcomes) - verdicts.FIRST)


def test_the_script_that_times_a_large_page_works() -> None:
    assert [what for what, _ in steps(4, 6)][-1] == "render and write the page"
