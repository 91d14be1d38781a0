"""A second model, and benchmarks of a user's own, through the whole suite: from the plan to the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.records.schema import RunFile
from tests.suite.conftest import ROOT, Ended, Suite

TOY = ("tests.toy_lm",)
OWN = str(ROOT / "tests" / "own_benchmarks.py")
CELLS = ["mini-whole-kept", "mini-halved-kept"]
KEPT = ("--model=toy", "--rounds=2", "-k", "kept")
TESTS = ["test_short_text", "test_with_a_parameter-True"]


def test_a_second_model_and_a_users_own_benchmarks_go_from_the_plan_to_the_page(suite: Suite) -> None:
    first = suite(OWN, *KEPT, "--update-baselines", plugins=TOY)
    assert first.code == 0, first.output
    describes_the_model(first.run)
    holds_measured_cells(first.run)
    holds_a_users_own_benchmarks(first.run)
    shows_the_models_own_axes(first)

    chosen = (*KEPT, "-k", "whole and kept and test_generate")
    worse = suite(*chosen, "--benchmark-compare", "--drill=memory=+1MiB", plugins=TOY)
    assert worse.code == 1
    assert "mini-whole-kept: peak_allocated worse" in worse.output
    assert "missing" not in worse.output, "what was not asked for is not missed"


def describes_the_model(run: RunFile) -> None:
    assert list(run.suite.models) == ["toy"]
    assert [axis.name for axis in run.suite.models["toy"].axes] == ["size", "format", "history"]
    record = run.cells["mini-halved-kept"]
    assert record.axes == {"size": "mini", "format": "halved", "history": "kept"}
    assert (record.model, record.label, record.group, record.batch) == ("toy", "halved + kept", "mini", 2)
    for benchmark in run.benchmarks:
        assert benchmark.extra_info.axes.items() <= benchmark.model_dump()["params"].items()


def holds_measured_cells(run: RunFile) -> None:
    """Proven, counted, and set beside their reference."""
    record = run.cells["mini-halved-kept"]
    assert record.proofs["format"] == "parameters are bfloat16"
    assert record.proofs["device"] == "all stages computed on cpu"
    assert record.stages["generate"].tokens == 12
    assert record.counters is not None
    assert record.counters.steps == {"generate": 4}
    assert {"latency", "peak_allocated", "aten_calls", "python_calls", "step_latency"} <= record.metrics.keys()
    assert 0 < record.metrics["logit_error_max"].value < 1
    assert run.cells["mini-whole-kept"].metrics["top1_agreement"].value == 1


def holds_a_users_own_benchmarks(run: RunFile) -> None:
    """Named by test and cell."""
    own = [name for name in run.cells if name not in CELLS]
    assert own == [f"{test}[{cell}]" for test in TESTS for cell in CELLS]
    record = run.cells["test_short_text[mini-whole-kept]"]
    assert record.test == "test_short_text"
    assert list(record.metrics) == ["latency"]
    assert record.axes == run.cells["mini-whole-kept"].axes


def shows_the_models_own_axes(ended: Ended) -> None:
    page = (ended.folder / "latest" / "index.html").read_text(encoding="utf-8")
    for shown in ("history", "halved + kept", "test_short_text[mini-whole-kept]"):
        assert shown in page
    assert "attention" not in page
    assert "| halved + kept |" in (ended.folder / "latest" / "report.md").read_text(encoding="utf-8")


def test_two_models_with_cells_of_their_own_are_planned_together(suite: Suite) -> None:
    ended = suite("--collect-only", "-q", plugins=TOY)
    assert "test_generate[mini-whole-kept]" in ended.output
    assert "test_generate[tiny-sdpa-fp32-resident-dynamic-batch1]" in ended.output


def test_a_model_that_is_not_there_is_a_usage_error(suite: Suite) -> None:
    ended = suite("--model=whisper", plugins=TOY)
    assert ended.code == 4
    assert "unknown model whisper; choose from bark, toy" in ended.output


def test_a_closed_model_says_so(tmp_path: Path) -> None:
    from fixtures.checkpoints.source import CheckpointSource
    from fixtures.errors import SuiteError
    from fixtures.loading import Job, ProvenModel
    from fixtures.meters.memory import collect_garbage, live_tensor_bytes
    from fixtures.models import Matrix
    from tests.toy_lm import MODEL

    cell = Matrix([MODEL])["mini-whole-kept"]
    checkpoint = CheckpointSource("synthetic", cache=tmp_path).get(MODEL, cell.checkpoint)
    collect_garbage()
    before = live_tensor_bytes()
    model = ProvenModel(Job(MODEL, cell, checkpoint, MODEL.workload(cell, "synthetic", 12), "cpu"))
    assert model.generate().shape == (2, 20)
    model.close()
    assert live_tensor_bytes() == before
    with pytest.raises(SuiteError, match="mini-whole-kept on cpu is closed"):
        model.generate()
