"""`python -m reports advise`: its forms, its exit codes, and run files of somebody who means ill."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from reports.__main__ import main
from reports.characters import UNSEEN
from reports.commands.shared import PASSED, USAGE
from reports.errors import ReportError
from reports.records import document, runfile
from reports.records.baselines import DEFAULT_ROOT
from reports.records.schema import RunFile
from reports.render import advice_json, markdown, terminal
from reports.verdicts.advice import Advice, Limits, advise
from tests.builders import FUSED, PLAIN, run_document, run_of
from tests.builders import proven_cell as cell
from tests.mutations import HOSTILE, hostile, mutated

MANY = "small-sdpa-fp16-resident-dynamic-batch8"
OFFLOADED = "small-sdpa-fp16-cpu_offload-dynamic-batch1"


def text_of(advice: Advice, width: int = 140) -> str:
    return terminal.to_text(terminal.advice(advice), width=width, colour=False)


def every_form(run: RunFile) -> None:
    """All forms of the advice under several limits; what a reader could be harmed by is not in there."""
    for limits in (Limits(), Limits(5, 1e-9), Limits(10**9, 1.0)):
        try:
            advice = advise(run, "run.json", limits)
        except ReportError as error:
            assert "\n" not in str(error)
            continue
        # A command is indented: a block of code, in which nothing is markup.
        assert not [line for line in markdown.advice(advice).split("\n") if "<script" in line and line[:4] != " " * 4]
        json.dumps(advice_json.as_json(advice), allow_nan=False)
        for width in (40, 80, 140):
            text = text_of(advice, width)
            assert not [one for one in text if unicodedata.category(one) in UNSEEN and one != "\n"]


VALID = run_document(
    [cell(PLAIN, 1.0, 900), cell(FUSED, 1.5, 500, logit_error_mean=0.1, top1_agreement=0.9), cell(MANY, 2.0, 800)],
    outcomes={OFFLOADED: ("failed", "no memory")},
)


@given(mutated(VALID))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_damaged_run_file_is_refused_in_one_line_or_advised_on_without_harm(damaged: Any) -> None:
    try:
        run = runfile.parse(document.decode(json.dumps(damaged).encode(), "x"), "x")
    except ReportError as error:
        assert "\n" not in str(error)
        return
    every_form(run)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_do_no_harm_in_any_form(text: str) -> None:
    document_ = json.loads(json.dumps(VALID))
    hostile(document_, text)
    run = runfile.parse(document_, "x")
    every_form(run)
    lines = [
        *text_of(advise(run, "x", Limits()), 1000).split("\n"),
        *markdown.advice(advise(run, "x", Limits())).split("\n"),
    ]
    assert not [line for line in lines if line.lstrip().startswith("# heading")]


@pytest.fixture
def saved(tmp_path: Path) -> str:
    path = tmp_path / "run.json"
    runfile.write(path, run_of(cell(PLAIN, 1.0, 1000), cell(FUSED, 1.5, 550), cell(MANY, 2.0, 800)))
    return str(path)


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_the_command_names_the_cell_its_axes_and_what_measures_it_again(
    saved: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--max-memory", "0.6GB", "--max-latency", "1600ms", "--batch", "1", "--checkpoint", "small"]
    assert main(["advise", saved, *options, "--format", form]) == PASSED
    printed = capsys.readouterr().out.replace("\\_", "_")
    assert "Best within 600.0 MB and 1.600 s" in printed
    assert "take sdpa + fp16: 1.500 s, 550.0 MB reserved" in printed
    assert "set attention=sdpa precision=fp16 placement=resident decoding=dynamic" in printed
    assert printed.rstrip().endswith(f"pytest benchmarks/ --level=pr --checkpoint-source=synthetic -k '{FUSED}'")
    assert "batch 8" not in printed


def test_the_command_as_json_can_be_read_by_programs(saved: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", saved, "--max-memory", "700MB", "--batch", "1", "--format", "json"]) == PASSED
    found = json.loads(capsys.readouterr().out)
    assert (found["found"], found["max_memory_bytes"], found["max_latency_s"]) == (True, 700_000_000, None)
    (answer,) = found["answers"]
    assert (answer["best"], answer["batches"]) == (FUSED, [1])
    plain = next(one for one in answer["cells"] if one["cell"] == PLAIN)
    assert (plain["fits"], plain["on_front"], plain["memory_is"]) == (False, False, "peak_reserved")
    assert plain["memory_excess"] == pytest.approx(1000 / 700 - 1)


def test_the_command_fails_where_nothing_fits_and_names_the_closest(
    saved: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["advise", saved, "--max-memory", "500MB"]) == 1
    assert "closest is sdpa + fp16: 1.500 s, 550.0 MB reserved, 50.0 MB (10 %) too much" in capsys.readouterr().out


def test_a_command_to_copy_is_on_one_line_in_a_narrow_terminal(
    saved: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["advise", saved]) == PASSED
    assert capsys.readouterr().out.splitlines()[-1].endswith(f"-k '{PLAIN} or {MANY}'")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--max-memory", "2 parsecs"], "'2 parsecs' is no size: give a number with kB, MB"),
        (["--max-memory", "0"], "'0' is no limit that a cell could keep"),
        (["--max-latency", "1"], "'1' is no time: give a number with us, ms, s or min, such as 1s"),
        (["--max-latency", "-1s"], "'-1s' is no time"),
        (["--batch", "4"], "measured no cell of batch 4; choose from 1, 8"),
        (["--checkpoint", "huge"], "measured no cell of checkpoint huge; choose from small"),
    ],
)
def test_what_cannot_be_answered_is_one_line_on_standard_error(
    saved: str, options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    joined = [f"{options[0]}={options[1]}"]
    assert main(["advise", saved, *joined]) == USAGE
    printed = capsys.readouterr()
    assert says in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (run_document([cell(PLAIN, 1.0, 1)], drill="latency=+20%"), "is a drill: latency=+20% was planted"),
        (run_document([PLAIN]), "no cell to choose from (1 measured without a proof that its optimizations were on)"),
        (run_document([], outcomes={PLAIN: ("failed", "no memory")}), "no cell to choose from (1 failed no memory)"),
    ],
)
def test_a_run_without_a_cell_to_choose_is_refused(
    run: dict[str, Any], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runfile.write_document(tmp_path / "run.json", run)
    assert main(["advise", str(tmp_path / "run.json"), "--max-memory", "2GB"]) == USAGE
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted(DEFAULT_ROOT.rglob("0001_baseline.json")), ids=str)
def test_the_committed_baselines_are_advised_on_within_the_width(path: Path) -> None:
    advice = advise(runfile.read(path), str(path), Limits())
    assert all(one.best for one in advice.answers)
    assert all(len(line) <= 80 for line in text_of(advice, 80).splitlines() if "pytest benchmarks/" not in line)
