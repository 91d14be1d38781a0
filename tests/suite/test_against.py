"""`--against`: base against head in one run, with made-up measurements (tests/fake_worker.py)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.plugin.against import Against
from reports.__main__ import main
from tests.suite.conftest import OTHER, ROOT, SMALLEST, Ended, Suite

ONE = ("-k", SMALLEST, "--rounds=5")
GPU = {"FAKE_GPU": "NVIDIA H200"}
AGAINST = f"--against={sys.executable}"
BASE_NAME = Against(Path(sys.executable), ROOT).name
"""What a run in this folder calls this interpreter."""


def against(suite: Suite, *arguments: str, **sides: Any) -> Ended:
    return suite(*ONE, AGAINST, *arguments, environment={**GPU, "FAKE_SIDES": json.dumps(sides)})


def test_ten_percent_slower_is_found_in_every_place_that_shows_a_verdict(
    suite: Suite, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = against(suite, head={"noise": 0.02, "step": 0.00125 * 1.1}, base={"noise": 0.02})
    assert ended.code == 1
    verdict = "step_latency worse, paired: 1.3 ms -> 1.4 ms, 20 of 20 pairs are more than 3% slower, 17 decide"
    assert f"{SMALLEST}: {verdict}" in ended.output
    assert f"FAILED: 1 worse in 1 cells, against {BASE_NAME} (paired)" in ended.output
    again = f"--checkpoint-source=synthetic -k '{SMALLEST}' --against=PYTHON   (measure the failing cells again)"
    assert f"pytest benchmarks/ --level=smoke --rounds=5 {again}" in ended.output
    assert "reports accept" not in ended.output
    report = (ended.folder / "latest" / "report.md").read_text()
    page = (ended.folder / "latest" / "index.html").read_text()
    for text in (report.replace("\\_", "_"), page):
        assert "step_latency worse, paired" in text
        assert BASE_NAME in text.replace("\\_", "_")
    run = str(ended.folder / "latest" / "run.json")
    assert main(["compare", run]) == 1
    assert verdict in " ".join(capsys.readouterr().out.split())
    assert main(["alert", run]) == 0
    assert "| worse, paired |" in capsys.readouterr().out
    assert main(["render", run, "--output", str(ended.folder / "again")]) == 0
    assert "step_latency worse, paired" in (ended.folder / "again" / "index.html").read_text()


def test_exact_metrics_are_compared_between_the_two_sides_own_records(suite: Suite) -> None:
    ended = against(
        suite, "--against-launches=0", base={"metrics": {"weights": 37_000_000}, "environment": {"torch": "2.12.1"}}
    )
    assert ended.code == 1
    assert f"{SMALLEST}: weights worse: 37.0 MB -> 38.0 MB" in ended.output
    assert "weights worse, paired" not in ended.output
    assert "differs from the base: torch 2.12.1 -> 2.13.0" in ended.output
    (environment,) = ended.run.suite.environments.values()
    assert environment["software"] == {"torch": "2.12.1"}


def test_a_cell_that_the_base_lacks_is_new_and_says_why(suite: Suite) -> None:
    ended = against(suite, "--against-launches=0", base={"at": {"measure": "lacks"}})
    assert "new: not measured on the base: the base" in ended.output
    assert "unknown attention 'sdpa'; choose from eager" in ended.output
    assert ended.code == 1
    assert "nothing could be compared with" in ended.output
    assert list(ended.run.cells) == [SMALLEST]


def test_a_run_whose_cells_were_all_skipped_judged_nothing_and_fails(suite: Suite) -> None:
    ended = suite("-k", "tiny and flash_attention_2 and fp16 and dynamic", AGAINST)
    assert ended.code == 1, ended.output
    said = f"FAILED: nothing could be compared with {BASE_NAME}: no selected cell ran here, most often as "
    assert f"{said}flash_attention_2 needs a GPU" in ended.output


LOST = "tiny-flash_attention_2-fp16-resident-dynamic-batch1"
OLDER = "tiny-bettertransformer-fp32-resident-dynamic-batch1"


def test_a_cell_that_the_head_alone_skips_is_missing_unless_the_packages_explain_it(
    suite: Suite, capsys: pytest.CaptureFixture[str]
) -> None:
    lanes = {"optimum": "1.24.0", "transformers": "4.48.3"}
    ended = suite(
        *("-k", " or ".join((SMALLEST, LOST, OLDER)), "--rounds=5", AGAINST, "--against-launches=0"),
        environment=GPU | {"FAKE_SIDES": json.dumps({"base": {"runs": [SMALLEST, LOST, OLDER], "environment": lanes}})},
    )
    assert ended.code == 1, ended.output
    assert f"FAILED: 1 missing in 1 cells, against {BASE_NAME} (paired)" in ended.output
    lost = f"{LOST}: missing: the base can run it, but the head skipped it: flash_attention_2 needs a GPU"
    older = "1 new: only the base can run it: bettertransformer needs optimum<2"
    assert lost in ended.output
    assert older in ended.output
    assert main(["compare", str(ended.folder / "latest" / "run.json")]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert lost in said
    assert older in said


def test_a_side_that_dies_fails_the_cell_and_loses_nothing(suite: Suite) -> None:
    ended = against(suite, base={"at": {"round 4": "die"}, "noise": 0.02})
    assert ended.code == 1
    assert "failed: its pairs could not be timed: the base" in ended.output
    assert "ended while timing a round (exit code 3); its last output: a library greets" in ended.output
    assert "terminate called after throwing an instance of" in ended.output
    (cell,) = ended.run.cells.values()
    assert cell.against is not None
    assert cell.against.record is not None
    assert cell.against.pairs is not None
    assert cell.against.pairs.launches == [3]
    assert "3 pairs say nothing yet" in ended.output


def test_a_run_that_is_interrupted_in_its_last_cell_does_not_pass(
    suite: Suite, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = json.dumps({"base": {"at": {"measure 2": "interrupt"}}})
    ended = suite(
        *("-k", f"{SMALLEST} or {OTHER}", "--rounds=5", AGAINST, "--against-launches=0"),
        environment={**GPU, "FAKE_SIDES": sides},
    )
    assert ended.code == 2, ended.output
    assert all(cell.against for cell in ended.run.cells.values())
    assert main(["compare", str(ended.folder / "latest" / "run.json")]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert f"{SMALLEST}: failed: not measured on the base: the run ended before the base was measured" in shown
    assert "FAILED: 1 failed in" in shown


def test_a_shard_against_an_identical_base_passes_judged_as_part_of_the_whole_run(suite: Suite) -> None:
    six = ("-k", "batch1 and tiny and dynamic and not bettertransformer")
    ended = suite(*six, "--rounds=5", AGAINST, "--shard=1/2", environment={**GPU, "FAKE_SIDES": "{}"})
    assert ended.code == 0, ended.output
    assert "shard 1/2: 3 of 6 cells" in ended.output
    assert f"interleaved with {BASE_NAME}; both hold the model at once" in ended.output
    assert f"passed: no regression against {BASE_NAME} (paired)" in ended.output
    assert ended.run.suite.against is not None
    assert ended.run.suite.against.name == BASE_NAME
    measured = [(cell, cell.against) for cell in ended.run.cells.values() if cell.against]
    assert len(measured) == 3
    for cell, base in measured:
        assert base.record is not None
        assert base.record.metrics["weights"] == cell.metrics["weights"]
        assert base.pairs is not None
        assert (base.pairs.launches, base.pairs.family) == ([20], True), "three cells alone would be judged by less"


def test_a_base_that_cannot_start_ends_the_run_before_it_measures(suite: Suite) -> None:
    ended = against(suite, base={"at": {"ready": "import"}})
    assert ended.code == 4
    assert "cannot import what it needs: ImportError: No module named 'transformers'" in ended.output
    assert "Traceback" not in ended.output
    assert not (ended.folder / "latest" / "run.json").exists()


def test_without_memory_for_both_the_wall_time_is_unclear_and_the_rest_is_judged(suite: Suite) -> None:
    ended = against(suite, base={"at": {"load": "memory"}})
    assert ended.code == 0, ended.output
    assert "step_latency unclear, paired" in ended.output
    assert "both sides hold the model at once, about twice 60.0 MB" in ended.output
    assert any("ran out of memory" in warning for warning in ended.run.suite.warnings)


def test_a_run_is_accepted_without_its_base(suite: Suite) -> None:
    ended = against(suite, "--against-launches=0")
    run = str(ended.folder / "latest" / "run.json")
    assert main(["accept", run, "--baseline-dir", str(ended.folder / "baselines")]) == 0
    (path,) = (ended.folder / "baselines").rglob("*.json")
    document = json.loads(path.read_text())
    assert "against" not in document["benchmarks"][0]["extra_info"]
    assert not document["suite"]["against"]


def test_an_interpreter_of_another_checkout_after_a_space_is_a_usage_error(suite: Suite, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("raise RuntimeError('pytest took the interpreter for a test path')")
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    ended = suite("--against", str(python))
    assert ended.code == 4
    assert "write --against=PYTHON and --against-tree=DIR, with =" in ended.output
    assert "took the interpreter" not in ended.output


def test_a_base_that_does_not_exist_is_a_usage_error(suite: Suite) -> None:
    ended = suite("--against=/nowhere/python")
    assert ended.code == 4
    assert "no such interpreter; name one, as in --against=.venv-blog/bin/python" in ended.output
    assert "Traceback" not in ended.output
