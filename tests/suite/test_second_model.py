"""A second model, and benchmarks of a user's own, through the whole suite: from the plan to the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.records.schema import RunFile
from tests.suite.conftest import ROOT, Ended, Suite, runner

TOY = ("tests.toy_lm",)
OWN = str(ROOT / "tests" / "own_benchmarks.py")
CELLS = ["mini-whole-recomputed", "mini-whole-kept", "mini-halved-recomputed", "mini-halved-kept"]
TESTS = ["test_short_text", "test_with_a_parameter-True"]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    return runner(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def accepted(toy: Suite) -> Ended:
    """The first run of the toy's matrix, with a user's own benchmarks, made the baseline."""
    ended = toy(OWN, "--model=toy", "--rounds=2", "--update-baselines", plugins=TOY)
    assert ended.code == 0, ended.output
    return ended


@pytest.fixture(scope="module")
def run(accepted: Ended) -> RunFile:
    return accepted.run


def test_the_run_file_describes_the_model_and_each_cell_has_its_axes(run: RunFile) -> None:
    assert list(run.suite.models) == ["toy"]
    assert [axis.name for axis in run.suite.models["toy"].axes] == ["size", "format", "history"]
    record = run.cells["mini-halved-kept"]
    assert record.axes == {"size": "mini", "format": "halved", "history": "kept"}
    assert (record.model, record.label, record.group, record.batch) == ("toy", "halved + kept", "mini", 2)


def test_a_cell_is_proven_counted_and_set_beside_its_reference(run: RunFile) -> None:
    record = run.cells["mini-halved-kept"]
    assert record.proofs["format"] == "parameters are bfloat16"
    assert record.proofs["device"] == "all stages computed on cpu"
    assert record.stages["generate"].tokens == 12
    assert record.counters is not None
    assert record.counters.steps == {"generate": 4}
    assert {"latency", "peak_allocated", "aten_calls", "python_calls", "step_latency"} <= record.metrics.keys()
    assert 0 < record.metrics["logit_error_max"].value < 1
    assert run.cells["mini-whole-kept"].metrics["top1_agreement"].value == 1


def test_a_users_own_benchmark_runs_over_the_matrix_and_is_named_by_test_and_cell(run: RunFile) -> None:
    own = [name for name in run.cells if name not in CELLS]
    assert own == [f"{test}[{cell}]" for test in TESTS for cell in CELLS]
    record = run.cells["test_short_text[mini-whole-kept]"]
    assert record.test == "test_short_text"
    assert list(record.metrics) == ["latency"]
    assert record.axes == run.cells["mini-whole-kept"].axes


def test_the_axes_are_parameters_of_pytest_benchmarks_entries(run: RunFile) -> None:
    for benchmark in run.benchmarks:
        params = benchmark.model_dump()["params"]
        assert benchmark.extra_info.axes.items() <= params.items()


def test_page_and_report_show_the_models_own_axes(accepted: Ended) -> None:
    page = (accepted.folder / "latest" / "index.html").read_text(encoding="utf-8")
    for shown in ("history", "halved + kept", "test_short_text[mini-whole-kept]"):
        assert shown in page
    assert "attention" not in page
    assert "| halved + kept |" in (accepted.folder / "latest" / "report.md").read_text(encoding="utf-8")


def test_unchanged_code_passes_and_what_was_not_asked_for_is_not_missed(toy: Suite, accepted: Ended) -> None:
    ended = toy("--model=toy", "--rounds=2", "--benchmark-compare", plugins=TOY)
    assert ended.code == 0, ended.output
    assert "missing" not in ended.output


def test_an_injected_fault_is_found_in_the_cell_and_its_stage(toy: Suite, accepted: Ended) -> None:
    chosen = ("--model=toy", "--rounds=2", "-k", "whole and recomputed and test_generate")
    ended = toy(*chosen, "--benchmark-compare", "--tokens=12", "--drill=memory=+1MiB", plugins=TOY)
    assert ended.code == 1
    assert "mini-whole-recomputed: peak_allocated worse" in ended.output


def test_two_models_with_cells_of_their_own_are_planned_together(toy: Suite) -> None:
    ended = toy("--collect-only", "-q", plugins=TOY)
    assert "test_generate[mini-whole-kept]" in ended.output
    assert "test_generate[tiny-sdpa-fp32-resident-dynamic-batch1]" in ended.output


def test_a_model_that_is_not_there_is_a_usage_error(toy: Suite) -> None:
    ended = toy("--model=whisper", plugins=TOY)
    assert ended.code == 4
    assert "unknown model whisper; choose from bark, toy" in ended.output


def test_a_closed_model_says_so(tmp_path: Path) -> None:
    from fixtures.checkpoints.source import CheckpointSource
    from fixtures.errors import SuiteError
    from fixtures.loading import Job, ProvenModel
    from fixtures.meters.memory import live_tensor_bytes
    from fixtures.models import Matrix
    from tests.toy_lm import MODEL

    cell = Matrix([MODEL])["mini-whole-kept"]
    checkpoint = CheckpointSource("synthetic", cache=tmp_path).get(MODEL, cell.checkpoint)
    before = live_tensor_bytes()
    model = ProvenModel(Job(MODEL, cell, checkpoint, MODEL.workload(cell, "synthetic", 12), "cpu"))
    assert model.generate().shape == (2, 20)
    model.close()
    assert live_tensor_bytes() == before
    with pytest.raises(SuiteError, match="mini-whole-kept on cpu is closed"):
        model.generate()
