from __future__ import annotations

import math

import pytest

from reports.records.units import change, points, quantity, step
from reports.render import markdown, reproduce, summary, tables, terminal
from reports.verdicts.compare import compare, percent
from tests.builders import FUSED, H200, HOST, PLAIN, cell_document, run_of


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (5_025_000_000, "B", "5,025.0 MB"),
        (10.48, "s", "10.48 s"),
        (0.5, "s", "0.500 s"),
        (0.0123, "s", "12.3 ms"),
        (0.0003658, "s", "0.366 ms"),
        (0.0, "s", "0.0 ms"),
        (0.42, "samples/s", "0.42 samples/s"),
        (30_367.0, "", "30,367"),
        (0.00123, "", "0.00123"),
        (None, "s", "-"),
    ],
)
def test_a_quantity_is_shown_as_people_read_it(value: float | None, unit: str, shown: str) -> None:
    assert quantity(value, unit) == shown


@pytest.mark.parametrize(
    ("before", "after", "unit", "shown"),
    [
        (30_367.0, 30_468.0, "", "30,367 -> 30,468"),
        (4e8, 4e8, "B", "400.0 MB -> 400.0 MB"),
        (4e8, 4e8 + 1, "B", "400,000,000 B -> 400,000,001 B"),
        (None, 0.5, "s", "- -> 0.500 s"),
    ],
)
def test_two_values_that_differ_never_look_equal(
    before: float | None, after: float | None, unit: str, shown: str
) -> None:
    assert step(before, after, unit) == shown


def test_a_change_that_is_not_zero_is_never_shown_as_zero() -> None:
    assert [percent(change) for change in (0.0, 2.5e-9, -4e-5, 5e-5, 0.0712, None)] == [
        "+0.00%", "+2e-07%", "-0.004%", "+0.01%", "+7.12%", "from zero",
    ]  # fmt: skip


@pytest.mark.parametrize(("value", "shown"), [(-0.27, "-27 %"), (0.004, "0 %"), (0.87, "+87 %"), (None, "-")])
def test_a_change_is_a_signed_percentage(value: float | None, shown: str) -> None:
    assert change(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(-0.2311, "-23.1 %"), (0.0004, "0 %"), (0.07, "+7.0 %"), (None, "-")])
def test_a_change_can_be_shown_to_a_tenth(value: float | None, shown: str) -> None:
    assert change(value, digits=1) == shown


def test_the_difference_of_two_changes_is_in_points() -> None:
    assert [points(value) for value in (-0.0152, 0.0, None)] == ["-1.5 points", "0 points", "-"]


def test_one_sample_stands_against_no_optimization_and_a_batch_against_fused_attention() -> None:
    batch = ["large-sdpa-fp32-resident-dynamic-batch8", "large-sdpa-fp16-cpu_offload-dynamic-batch8"]
    single, eight = tables.study_tables(run_of(cell_document(FUSED, {"latency": 1.0}), PLAIN, *batch))
    assert (single.title, single.reference) == ("small, batch 1", "no optimization")
    assert [row.label for row in single.rows] == ["no optimization", "sdpa + fp16"]
    assert math.isclose(single.rows[1].changes[0] or 0, -0.5)
    assert (eight.title, eight.reference) == ("large, batch 8", "sdpa")
    assert {row.label for row in eight.rows} == {"sdpa", "cpu_offload + sdpa + fp16"}


def test_rows_go_from_no_optimization_to_all_combined() -> None:
    cells = ["sdpa-fp16-cpu_offload", "sdpa-fp32-cpu_offload", "eager-fp32-resident", "sdpa-fp32-resident"]
    (table,) = tables.study_tables(run_of(*(f"large-{cell}-dynamic-batch1" for cell in cells)))
    assert [row.label for row in table.rows] == [
        "no optimization",
        "sdpa",
        "cpu_offload + sdpa",
        "cpu_offload + sdpa + fp16",
    ]


def test_bettertransformer_is_the_reference_of_a_batch_where_it_was_measured() -> None:
    cells = [f"large-{a}-fp32-resident-dynamic-batch8" for a in ("sdpa", "bettertransformer")]
    (table,) = tables.study_tables(run_of(*cells))
    assert table.reference == "bettertransformer"


def test_without_its_reference_a_table_shows_no_change() -> None:
    (table,) = tables.study_tables(run_of(FUSED))
    assert table.reference == ""
    assert tables.shown(table.rows[0], tables.headers(table, relative=True), relative=True) == ["-", "-", "-"]


def test_the_distance_to_the_limit_stands_beside_the_absolute_values_where_it_is_known() -> None:
    run = run_of(cell_document(PLAIN, {"floor": 0.1, "limit_ratio": 20.0}), FUSED)
    text = terminal.to_text(terminal.study(tables.study_tables(run)), width=120, colour=False)
    absolute, _, relative = text.partition("Relative performance")
    assert "of the limit" in absolute
    assert "20 x" in absolute
    assert "of the limit" not in relative
    assert "| cell | latency | peak memory | throughput | of the limit |" in markdown.report(run, None, "run.json")
    assert "of the limit" not in markdown.report(run_of(), None, "run.json")


def test_a_regression_is_named_with_cell_metric_both_values_and_threshold() -> None:
    head = run_of(cell_document(PLAIN, {"peak_allocated": 1.064e9}))
    comparison = compare(run_of(PLAIN), head, baseline="base.json")
    commands = reproduce.next_commands(comparison, head, "run.json")
    text = terminal.to_text(terminal.verdicts(comparison, commands), width=200, colour=False)
    assert f"{PLAIN}: peak_allocated worse: 1,000.0 MB -> 1,064.0 MB, +6.40% against a threshold of 0.5%" in text
    assert text.startswith("FAILED: 1 worse in 1 cells, against base.json")
    assert "python -m reports accept run.json" in text


def test_what_failed_is_in_the_headline_also_where_nothing_could_be_compared() -> None:
    base = run_of(PLAIN, FUSED, gpu={**H200, "model": "NVIDIA A100"})
    head = run_of(cell_document(PLAIN, {"weights": 5e8}), outcomes={FUSED: ("failed", "no memory")})
    headline = summary.headline(compare(base, head, baseline="b"))
    assert headline.startswith(
        "FAILED: nothing could be compared with b: GPU model is NVIDIA H200 here and NVIDIA A100"
    )
    assert headline.endswith("; and all the same 1 failed, 1 worse in 2 cells")
    assert "all the same" not in summary.headline(compare(base, run_of(PLAIN, FUSED), baseline="b"))


def test_a_pass_says_against_what() -> None:
    comparison = compare(run_of(), run_of(), baseline="base.json")
    assert summary.headline(comparison) == "passed: no regression against base.json"
    assert reproduce.next_commands(comparison, run_of(), "run.json") == []


def test_what_failed_is_measured_again_as_it_was_and_only_what_can_be_is_accepted() -> None:
    worse = cell_document(PLAIN, {"peak_allocated": 2e9})
    short = run_of(worse, level="nightly", overrides={"rounds": 3.0, "tokens": 32.0})
    comparison = compare(run_of(PLAIN, level="nightly"), short, baseline="b")
    again = f"pytest benchmarks/ --level=nightly --rounds=3 --tokens=32 --checkpoint-source=synthetic -k '{PLAIN}'"
    assert reproduce.next_commands(comparison, short, "run.json", "--baseline-dir=b") == [
        f"{again} --benchmark-compare --baseline-dir=b   (measure the failing cells again)"
    ]
    failed = run_of(FUSED, outcomes={PLAIN: ("failed", "no memory")}, level="nightly")
    nothing = failed.model_copy(update={"benchmarks": []})
    for run, offered in ((failed, True), (nothing, False)):
        comparison = compare(run_of(PLAIN, level="nightly"), run, baseline="b")
        again, *accept = reproduce.next_commands(comparison, run, "run.json")
        assert again.startswith("pytest benchmarks/ --level=nightly ")
        assert bool(accept) is offered
    cells = [f"small-eager-fp32-resident-dynamic-batch{batch}" for batch in range(1, 8)]
    many = run_of(*(cell_document(cell, {"peak_allocated": 2e9}) for cell in cells))
    told = reproduce.next_commands(compare(run_of(*cells), many, baseline="b"), many, "run.json")
    assert told[0].split("   ")[0].endswith("--benchmark-compare --lf")
    assert told[1].startswith("python -m reports accept run.json ")
    told = reproduce.next_commands(compare(run_of(*cells), many, baseline="b"), many, "my runs/run.json")
    assert told[1].startswith("python -m reports accept 'my runs/run.json' ")


def test_what_moved_without_being_gated_is_folded() -> None:
    comparison = compare(run_of(PLAIN), run_of(cell_document(PLAIN, {"load": 50.0})), baseline="b")
    assert summary.listed(comparison) == []
    assert summary.folded(comparison) == ["1 worse, not gated: load"]


def test_plain_text_has_no_escape_codes_and_colour_has() -> None:
    comparison = compare(run_of(), run_of(), baseline="b")
    assert "\x1b" not in terminal.to_text(terminal.verdicts(comparison, ["r"]), width=80, colour=False)
    assert "\x1b" in terminal.to_text(terminal.verdicts(comparison, ["r"]), width=80, colour=True)


def test_the_markdown_report_holds_verdicts_both_tables_and_the_reasons_of_skips() -> None:
    run = run_of(outcomes={"tiny-x": ("skipped", "needs a <GPU> | or *two*")})
    text = markdown.report(run, compare(run, run, baseline="b"), "run.json")
    for part in ("## Verdicts", "## Absolute performance", "## Relative performance", "NVIDIA H200", "c0ffee"):
        assert part in text
    assert "needs a &lt;GPU> \\| or \\*two\\*" in text.replace("\\>", ">")


def test_the_markdown_report_says_how_a_run_was_measured_where_that_is_not_as_usual() -> None:
    warnings = ["4 workers <measured> at once"]
    run = run_of(host={**HOST, "workers": 4}, warnings=warnings, overrides={"rounds": 3.0})
    text = markdown.report(run, None, "run.json")
    assert "## Warnings\n\n- 4 workers &lt;measured\\> at once\n" in text
    assert "16 processors for each of 4 workers at once" in text
    assert "| --rounds | 3 |" in text
    assert "## Warnings" not in markdown.report(run_of(), None, "run.json")


def test_hostile_names_cannot_leave_their_markdown_cell() -> None:
    hostile = "a|b\n<script>alert(1)</script>[x](y)`z`"
    shown = markdown.escape(hostile)
    assert "\n" not in shown
    assert "<" not in shown
    assert "\\|" in shown
    assert "](" not in shown.replace("\\](", "")
