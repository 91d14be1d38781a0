from __future__ import annotations

import copy
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fixtures.models.bark.published import PUBLISHED
from reports.errors import ReportError
from reports.records.model import ModelRecord, schema_1_models
from reports.render import study_grids
from reports.render.study import FUSED, PEAK, reproduce
from reports.render.study_agreement import (
    relative_peak_agreement,
)
from tests.builders import run_of
from tests.lanes import MATRIX
from tests.published_run import NOTEBOOK, STUDY, cell_of, everything, found_in, run_as_published

CHANGES = st.floats(min_value=-0.9, max_value=10)


def test_the_published_absolute_and_relative_tables_agree_with_each_other() -> None:
    for row in found_in(run_as_published()).rows:
        for exact, printed in zip(row.own.changes, row.published_changes, strict=True):
            assert printed is None or math.isclose(exact or 0.0, printed, abs_tol=0.03)


def test_every_row_is_a_cell_of_the_matrix() -> None:
    matrix = {cell.id for cell in MATRIX}
    for fused in FUSED:
        sources = ((STUDY, "large"), (NOTEBOOK, "small"))
        assert {cell_of(row, checkpoint, fused) for source, checkpoint in sources for row in source.rows} <= matrix
    assert set(found_in(run_as_published(without="fp16")).missing) <= matrix


def test_files_of_schema_1_stand_beside_the_figures_that_the_model_brings() -> None:
    assert schema_1_models()["bark"]["published"] == PUBLISHED


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ({"precision": "int4"}, "precision has no value int4"),
        ({"colour": "red"}, "its axes are"),
    ],
)
def test_a_published_row_that_is_no_cell_of_the_model_is_refused(change: dict[str, str], flaw: str) -> None:
    model = copy.deepcopy(schema_1_models()["bark"])
    model["published"][0]["rows"][0]["axes"] |= change
    with pytest.raises(ValidationError, match=flaw):
        ModelRecord.model_validate(model)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://x.example/) [y](https://z.example", "http://x.example"]
)
def test_a_source_links_to_nothing_but_a_plain_address(url: str) -> None:
    model = copy.deepcopy(schema_1_models()["bark"])
    assert ModelRecord.model_validate(model).published[0].link
    model["published"][0]["url"] = url
    assert not ModelRecord.model_validate(model).published[0].link


def test_there_are_four_tables_absolute_and_relative_for_each_batch_size() -> None:
    titles = [grid.title for grid in study_grids.study(found_in(run_as_published()))]
    assert titles == [
        "large, batch 1: absolute performance",
        "large, batch 1: relative performance, against no optimization",
        "large, batch 8: absolute performance",
        "large, batch 8: relative performance, against bettertransformer",
    ]


def test_rows_have_the_order_of_the_study() -> None:
    first, _, third, _ = study_grids.study(found_in(run_as_published()))
    assert [row[0] for row in first.rows] == [
        "no optimization",
        "bettertransformer",
        "cpu_offload + bettertransformer",
        "cpu_offload + bettertransformer + fp16",
    ]
    assert [row[0] for row in third.rows] == [
        "bettertransformer",
        "bettertransformer + fp16",
        "cpu_offload + bettertransformer",
        "cpu_offload + bettertransformer + fp16",
    ]


def test_published_figures_stand_as_printed_beside_the_runs() -> None:
    grids = study_grids.study(found_in(run_as_published(peak=1.05)))
    absolute, relative = grids[2].rows[1], grids[3].rows[1]
    assert absolute[1:] == ("10.32 s", "10.32 s", "4,408.7 MB", "4,198.8 MB", "+5.0 %", "0.775", "0.78")
    assert relative[1:] == ("-46 %", "-46 %", "-50 %", "-50 %", "+0.4 points", "+87 %", "+87 %")


def test_one_sample_has_no_published_throughput() -> None:
    found = found_in(run_as_published())
    assert "samples/s" not in study_grids.absolute(found.sections[0]).header
    assert study_grids.combined(found).rows[1][-2:] == ("+36 %", "-")


@given(CHANGES)
def test_the_difference_of_memory_is_a_fraction_of_the_published_value(change: float) -> None:
    rows = found_in(run_as_published(peak=1 + change)).rows
    assert all(math.isclose(row.peak_difference or 0.0, change, rel_tol=1e-6, abs_tol=1e-9) for row in rows)


@given(CHANGES)
def test_a_factor_on_all_rows_leaves_the_relative_columns_alone(change: float) -> None:
    plain, scaled = (found_in(run_as_published(peak=factor)).rows for factor in (1.0, 1 + change))
    for before, after in zip(plain, scaled, strict=True):
        assert math.isclose(before.own.changes[PEAK] or 0.0, after.own.changes[PEAK] or 0.0, abs_tol=1e-9)


def test_without_its_reference_a_table_says_so_and_shows_no_change() -> None:
    found = found_in(run_as_published(without="large-eager"))
    grid = study_grids.relative(found.sections[0])
    assert grid.title.endswith("against no optimization, which was not measured")
    assert grid.rows[0][1] == study_grids.NOT_MEASURED
    assert grid.rows[1][1] == "-"
    assert len(relative_peak_agreement(found.rows).unknown) == 3


def test_a_row_without_bettertransformer_is_not_filled_with_sdpa_where_others_have_it() -> None:
    spare = "large-sdpa-fp32-resident-dynamic-batch1"
    kept = run_as_published(without="large-bettertransformer-fp32-resident-dynamic-batch1")
    cells = [entry.model_dump(mode="json") for entry in kept.benchmarks]
    found = found_in(run_of(*cells, spare, lane="blog"))
    assert found.missing == ["large-bettertransformer-fp32-resident-dynamic-batch1"]


@pytest.mark.parametrize(("lane", "fused"), [("blog", "bettertransformer"), ("current", "sdpa")])
def test_a_run_without_fused_attention_asks_for_that_of_its_lane(lane: str, fused: str) -> None:
    found = found_in(run_of("large-eager-fp32-resident-dynamic-batch1", lane=lane))
    assert len(found.missing) == 7
    assert all(fused in cell for cell in found.missing)


def test_a_run_without_the_small_checkpoint_has_no_table_of_the_notebook_and_misses_none_of_its_cells() -> None:
    found = found_in(run_as_published(without="small"))
    assert found.notebook is None
    assert found.missing == []
    assert "notebook" not in "".join(everything(found).values())


def test_a_run_of_the_small_checkpoint_alone_is_shown_but_fills_no_file() -> None:
    run = run_as_published(without="large")
    assert len(found_in(run).missing) == 8
    with pytest.raises(ReportError, match=r"run\.json holds no cell of the study"):
        reproduce(run, "run.json", notebook_suffices=False)


def test_a_run_without_any_of_the_rows_is_one_clear_error() -> None:
    with pytest.raises(ReportError, match="large-eager-fp32-resident-dynamic-batch1: measure on a GPU"):
        found_in(run_of("tiny-eager-fp32-resident-dynamic-batch1"))
