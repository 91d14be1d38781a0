"""What the README and the pages under docs/ say and can be checked, holds: commands, links, and most tables."""

from __future__ import annotations

import datetime
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from fixtures.levels import LEVELS
from fixtures.models.bark import axes
from fixtures.models.bark.model import MODEL
from reports.__main__ import main
from reports.commands.shared import PASSED
from reports.records import runfile
from reports.records.baselines import DEFAULT_ROOT
from reports.records.metrics import METRICS, Kind
from reports.verdicts.rules import Status
from reports.verdicts.thresholds import overrides
from reports.verdicts.wall import RULES
from tests.builders import FUSED, PLAIN, run_of
from tests.suite.conftest import forks

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted(DOCS.glob("*.md")))}
README = PAGES[ROOT / "README.md"]
STUDY = DEFAULT_ROOT / "nvidia-h200" / "blog" / "nightly" / "0001_baseline.json"
"""The run that fills the table of the study."""
STUDY_PAGE = DOCS / "study.md"


def commands(text: str) -> list[str]:
    """The lines of a page's consoles."""
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def prose(text: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def anchors(text: str) -> set[str]:
    """What a link to a page can name: its headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead(page: Path, link: str) -> bool:
    """Whether a link of a page, or a picture, leads nowhere in the repository."""
    name, _, anchor = link.partition("#")
    to = (page.parent / name).resolve() if name else page
    return (
        not to.is_relative_to(ROOT)
        or not to.exists()
        or to.is_relative_to(ROOT / "reports" / "latest")
        or bool(anchor and anchor not in anchors(PAGES.get(to, "")))
    )


def runnable(command: str, folder: Path) -> list[str]:
    """The command as a test can run it: make only prints, benchmarks are only listed, reports work on copies."""
    words = shlex.split(command)
    if words[0] == "make":
        return [*words, "--dry-run"]
    words = [sys.executable, "-m", "pytest", *words[1:]] if words[0] == "pytest" else [sys.executable, *words[1:]]
    if "pytest" in words:
        return [*words, "--collect-only", "-q"]
    if "accept" in words:
        words += ["--baseline-dir", str(folder / "baselines")]
    return words


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Stand-ins for the files that commands name: a page's name for it -> path."""
    smoke = DEFAULT_ROOT / "cpu" / "current" / "smoke" / "0001_baseline.json"
    for name, run in (("part-1.json", run_of(PLAIN)), ("part-2.json", run_of(FUSED))):
        runfile.write(tmp_path / name, run)
    baseline = runfile.read_document(smoke)
    baseline["suite"].pop("accepted", None)  # what makes it a baseline
    runfile.write_document(tmp_path / "latest.json", baseline)
    runfile.write(tmp_path / "runs" / "run.json", run_of())
    (tmp_path / STUDY_PAGE.name).write_text(PAGES[STUDY_PAGE], encoding="utf-8")
    stand_in = DEFAULT_ROOT / "nvidia-h200" / "current" / "nightly" / "0001_baseline.json"
    return {
        "reports/latest/run.json": str(tmp_path / "latest.json"),
        "reports/latest": str(tmp_path / "latest"),
        "part-1.json": str(tmp_path / "part-1.json"),
        "part-2.json": str(tmp_path / "part-2.json"),
        "run.json": str(tmp_path / "run.json"),
        "runs/": str(tmp_path / "runs"),
        str(STUDY_PAGE.relative_to(ROOT)): str(tmp_path / STUDY_PAGE.name),
        str(STUDY.relative_to(ROOT)): str(STUDY if STUDY.exists() else stand_in),
    }


RUN_ELSEWHERE = ("-m pytest tests/", "reports calibrate")
"""Commands that something else here carries out: whatever runs this test, and the test of the table of rates."""


def shown_commands() -> list[str]:
    every = [command for text in PAGES.values() for command in commands(text)]
    return [command for command in every if not any(words in command for words in RUN_ELSEWHERE)]


@pytest.mark.parametrize("command", shown_commands())
def test_a_command_works(command: str, files: dict[str, str], tmp_path: Path) -> None:
    words = [files.get(word, word) for word in runnable(command, tmp_path)]
    here = {"CUDA_VISIBLE_DEVICES": ""}  # whatever this host's driver says
    if words[1:3] == ["-m", "pytest"]:
        code, output = forks().run(words[3:], here)
    else:
        ended = subprocess.run(
            words, cwd=ROOT, env=os.environ | here, capture_output=True, text=True, check=False, timeout=120
        )
        code, output = ended.returncode, ended.stdout[-2000:] + ended.stderr
    assert code == 0, output


def test_the_readme_shows_the_commands_that_matter() -> None:
    assert all(text.count("```") % 2 == 0 for text in PAGES.values())  # each block is closed: all commands are seen
    shown = commands(README)
    assert {"make bench", "make test"} <= set(shown)
    assert any("--update-baselines" in command for command in shown)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", prose(PAGES[page]))
    assert [link for link in links if not link.startswith("https://") and dead(page, link)] == []
    assert page == ROOT / "README.md" or f"(docs/{page.name})" in README


@pytest.mark.parametrize("link", ["docs/nowhere.md", "../elsewhere.md", "#no-such-heading", "docs/trust.md#nothing"])
def test_a_dead_link_would_be_found(link: str) -> None:
    assert dead(ROOT / "README.md", link)
    assert not dead(ROOT / "README.md", "docs/trust.md#the-cards-limit")


def test_the_table_of_axes_is_true() -> None:
    for axis in axes.AXES:
        (row,) = re.findall(rf"^\| {axis.name} \| (.+) \|$", README, re.MULTILINE)
        assert row == ", ".join(f"`{value.name}`" for value in axis.values)


def test_the_table_of_gates_is_true() -> None:
    def gate(metrics: str) -> list[str]:
        (row,) = re.findall(rf"^\| [^|]+ \| [^|]*{metrics}[^|]* \| (.+) \|$", README, re.MULTILINE)
        return re.findall(r"[\d.]+ %", row)

    def percent(share: float | None) -> str:
        return f"{(share or 0) * 100:.2g} %"

    peak, busy = METRICS["peak_allocated"], METRICS["gpu_busy"]
    assert gate("peak memory") == [percent(peak.threshold), percent(busy.threshold), percent(busy.across_cards)]
    assert gate("decoding steps") == [percent(RULES.threshold - 1), percent(RULES.certain - 1)]
    assert gate("stage time a step") == [percent(RULES.threshold - 1)]
    assert METRICS["latency"].threshold == 1.0  # twice as long
    assert {each.threshold for each in METRICS.values() if each.kind is Kind.EXACT and each.gated} == {0.0}


@pytest.mark.parametrize("level", list(LEVELS.values()), ids=lambda level: level.name)
def test_the_table_of_levels_is_true(level: object) -> None:
    chosen = LEVELS[getattr(level, "name", "")]
    (row,) = re.findall(rf"^\| `{chosen.name}`.*$", README, re.MULTILINE)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == ", ".join(chosen.checkpoints_of(MODEL))
    assert cells[2] == str(chosen.tokens_of(MODEL))
    numbers = [int(number) for number in re.findall(r"\d+", cells[3])]
    assert numbers[0] == chosen.rounds.minimum
    if chosen.rounds.budget_s:
        assert numbers == [chosen.rounds.minimum, chosen.rounds.maximum, int(chosen.rounds.budget_s)]


@pytest.mark.parametrize("path", sorted(DEFAULT_ROOT.rglob("*.json")), ids=lambda path: "/".join(path.parts[-4:-1]))
def test_the_table_of_baselines_is_true(path: Path) -> None:
    name = "/".join(path.parts[-4:-1])
    (cells,) = re.findall(rf"^\| `{name}` \| (\d+) \|", PAGES[DOCS / "baselines.md"], re.MULTILINE)
    assert int(cells) == len(runfile.read(path).cells)


@pytest.mark.skipif(not STUDY.exists(), reason="the run that fills the table is not accepted yet")
def test_the_table_of_the_study_is_what_its_command_writes(tmp_path: Path) -> None:
    copy = tmp_path / STUDY_PAGE.name
    copy.write_text(PAGES[STUDY_PAGE], encoding="utf-8")
    assert main(["study", str(STUDY), "--into", str(copy)]) == PASSED
    assert copy.read_text(encoding="utf-8") == PAGES[STUDY_PAGE]


def test_the_table_of_fast_decoding_is_what_the_baseline_holds() -> None:
    baseline = json.loads((DEFAULT_ROOT / "nvidia-h200" / "current" / "pr" / "0001_baseline.json").read_text())
    found = {each["extra_info"]["cell"]: each["extra_info"]["metrics"] for each in baseline["benchmarks"]}
    page = PAGES[DOCS / "decoding.md"]
    rows = re.findall(r"^\| `((?:small|large)-\S+-batch\d)` \| (.+) \|$", page, re.MULTILINE)
    assert any("cuda_graph" in cell for cell, _ in rows)
    for cell, text in rows:
        metrics = {name: each["value"] for name, each in found[cell].items()}
        latency, throughput, peak, limit, cold = text.split(" | ")
        assert latency == f"{metrics['latency']:.3f} s"
        assert throughput == f"{metrics['throughput']:.2f}"
        assert peak == f"{metrics['peak_allocated'] / 1e6:,.0f} MB"
        assert limit == (f"{metrics['limit_ratio']:.1f}" if "limit_ratio" in metrics else "-")
        assert cold == f"{metrics['cold_start']:.1f} s"


def test_every_verdict_is_explained() -> None:
    explained = set(re.findall(r"`(\w+)`", README))
    assert {status.value for status in Status} <= explained


def test_the_table_of_rates_is_what_calibrate_says(capsys: pytest.CaptureFixture[str]) -> None:
    (command,) = [command for command in commands(PAGES[DOCS / "trust.md"]) if "calibrate" in command]
    assert main([*shlex.split(command.removeprefix("python -m reports ")), "--format=markdown"]) == PASSED
    table = re.compile(r"^\| (?:exact|steady|wall) \|.*$", re.MULTILINE)
    rows = table.findall(capsys.readouterr().out)
    assert sum(row.startswith("| wall |") for row in rows) >= 8
    shown = table.findall(PAGES[DOCS / "trust.md"])
    assert [row for row in shown if row not in rows] == []
    assert [row for row in rows if row.startswith("| wall |") and row not in shown] == []


def test_the_example_of_an_override_is_one(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGES[DOCS / "trust.md"], re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(example)
    assert len(overrides(tmp_path / "pyproject.toml", datetime.date(2026, 12, 1)).entries) == 1


def examples() -> list[str]:
    """The README's blocks of Python."""
    return re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_example_of_a_users_own_benchmark_is_the_one_that_is_run() -> None:
    own = (ROOT / "tests" / "own_benchmarks.py").read_text(encoding="utf-8")  # run by tests/suite/test_second_model.py
    imports, test = examples()[0].split("\n\n\n")
    assert test in own
    assert set(imports.split("\n")) <= set(own.split("\n"))


def test_the_example_of_an_axis_value_is_all_of_tf32() -> None:
    source = Path(axes.__file__).read_text(encoding="utf-8")
    assert textwrap.indent(examples()[1].rstrip(), " " * 12) + "," in source
