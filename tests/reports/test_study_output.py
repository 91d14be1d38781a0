from __future__ import annotations

import pytest

from reports.render import markdown, study_grids, study_words, terminal
from tests.builders import SOFTWARE, cell_document, run_of
from tests.published_run import STUDY, cell_of, everything, found_in, run_as_published


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_a_row_that_the_run_lacks_is_shown_as_not_measured_with_the_command_that_measures_it(form: str) -> None:
    missing = "large-bettertransformer-fp16-resident-dynamic-batch8"
    found = found_in(run_as_published(without=missing))
    assert found.missing == [missing]
    text = everything(found)[form]
    assert "bettertransformer + fp16" in text
    assert text.count("not measured") >= 6  # three values, three changes
    assert "not judged: batch 8 bettertransformer + fp16." in text
    command = f"pytest benchmarks/ --level=nightly --checkpoint-source=synthetic -k '{missing}'"
    assert text.rstrip().endswith(command)


def test_the_command_for_missing_rows_repeats_the_options_of_the_run_that_are_ours() -> None:
    run = run_as_published(without="batch8", level="x; rm -rf *", overrides={"tokens": 128.0, "budget": 1.5, "p": 1.0})
    command = study_words.command(found_in(run))
    assert command.startswith("pytest benchmarks/ --tokens=128 --budget=1.5 --checkpoint-source=synthetic -k '")
    assert command.count(" or ") == 3


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_sdpa_stands_in_where_there_is_no_bettertransformer_and_the_caption_says_so(form: str) -> None:
    found = found_in(run_as_published(fused="sdpa", lane="current"))
    assert found.missing == []
    text = everything(found)[form]
    assert "sdpa stands in for bettertransformer" in text
    assert "relative performance, against sdpa" in text
    assert "cpu_offload + sdpa + fp16" in text
    assert "stands in" not in everything(found_in(run_as_published()))[form]


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_the_notebooks_figure_that_held_two_models_is_annotated_not_compared(form: str) -> None:
    found = found_in(run_as_published())
    assert found.notebook
    grid = study_grids.notebook(found.notebook)
    assert [row[0] for row in grid.rows] == [
        "no optimization",
        "bettertransformer",
        "fp16",
        "cpu_offload",
        "cpu_offload + bettertransformer + fp16",
    ]
    assert [row[-1] for row in grid.rows] == ["0 %", "0 %", study_grids.SEE_REMARK, "0 %", "0 %"]
    text = everything(found)[form]
    assert "fp16: peak memory is not comparable, the published figure held the fp32 model too." in text
    assert "Tesla T4" in text


def test_the_caption_names_what_the_figures_were_measured_with() -> None:
    software = SOFTWARE | {"optimum": "1.24.0", "transformers": "4.48.3"}
    found = found_in(run_as_published(software=software))
    (measured_with, latency, relative) = study_words.caption(found, found.rows)
    assert measured_with == (
        "Measured: NVIDIA H200, level nightly, lane blog, torch 2.11.0, transformers 4.48.3, optimum 1.24.0, "
        "no accelerate, synthetic weights, 256 semantic tokens a sample, 2 timed rounds a cell."
    )
    assert "minimum" in latency
    assert relative == "Relative: batch 1 against no optimization, batch 8 against bettertransformer."


def test_the_caption_gives_the_span_of_rounds_and_every_source_and_version() -> None:
    rows = STUDY.rows
    first = cell_document(cell_of(rows[0], "large"), source="hub", tokens=256, environment="env-b")
    first["stats"]["data"] = [1.0] * 9
    second = cell_document(cell_of(rows[1], "large"), tokens=256)
    older = {"gpu": None, "host": {}, "software": {"torch": "2.9.0"}, "environment": "env-b"}
    found = found_in(run_of(first, second, environments={"env-b": older}))
    caption = study_words.caption(found, found.rows)[0]
    assert "2 to 9 timed rounds a cell" in caption
    assert "hub and synthetic weights" in caption
    assert "torch 2.9.0 and torch 2.11.0" in caption
    assert "no GPU and NVIDIA H200" in caption
    assert "--checkpoint-source" not in study_words.command(found)


def test_a_run_of_another_length_says_that_its_work_is_not_the_studys() -> None:
    assert "of other work" in "".join(everything(found_in(run_as_published(tokens=64))).values())
    assert "of other work" not in "".join(everything(found_in(run_as_published())).values())


def test_markdown_begins_with_one_table_of_the_eight_rows() -> None:
    found = found_in(run_as_published())
    lines = markdown.combined(found, found.rows).splitlines()
    assert lines[0].count("|") == 12
    assert [line.split("|")[1].strip() for line in lines[2:10]] == ["1"] * 4 + ["8"] * 4
    assert lines[10] == ""
    assert markdown.beside_published(found).split("\n\n")[1].splitlines() == lines[:10]


def test_hostile_text_of_a_run_file_cannot_leave_its_place_in_markdown() -> None:
    hostile = "H200 | <script>\n# [x](y) `z`"
    run = run_as_published(gpu={"model": hostile}, hardware="x", level=hostile, without="batch8")
    text = markdown.beside_published(found_in(run))
    assert "<script>" not in text.replace(study_words.command(found_in(run)), "")
    assert "[x](y)" not in text.replace(study_words.command(found_in(run)), "")
    assert "\n# [" not in text
    assert "\n" not in study_words.command(found_in(run))


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_figure_is_cut_off_in_a_narrow_terminal(width: int) -> None:
    text = terminal.to_text(terminal.beside_published(found_in(run_as_published())), width=width, colour=False)
    assert "…" not in text
    assert all(len(line) <= width for line in text.splitlines())
    for figure in ("8,329.2", "19.26", "0.42", "+87 %", "2,743.9"):
        assert figure in text
