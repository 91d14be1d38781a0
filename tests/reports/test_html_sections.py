from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.records.metrics import METRICS
from reports.render.html import page, statuses
from reports.render.html.figures import plain
from reports.render.html.report import Report
from reports.render.html.sections import cells, environment, limit, listen, matrix, trends, verdicts
from reports.render.html.sections.tradeoff import Place, front, tradeoffs
from reports.verdicts.compare import compare
from reports.verdicts.rules import Status
from reports.verdicts.verdict import Verdict
from tests.builders import FUSED, H200, PLAIN, SOFTWARE, cell_document, run_of
from tests.page_runs import OFFLOADED, SKIPPED, full_report, history, with_sample, with_stages

places = st.lists(
    st.builds(
        Place,
        st.just("cell"),
        st.integers(1, 9).map(float),
        st.integers(1, 9).map(float),
    ),
    min_size=1,
)


def beats(one: Place, other: Place) -> bool:
    """As good in both and better in one."""
    ours, theirs = (one.latency_s, one.peak_bytes), (other.latency_s, other.peak_bytes)
    return ours != theirs and all(a <= b for a, b in zip(ours, theirs, strict=True))


@given(places)
def test_the_front_is_what_nothing_beats_and_every_other_place_is_beaten_or_a_double(found: list[Place]) -> None:
    best = front(found)
    assert not any(beats(one, other) for one in found for other in best)
    for place in found:
        assert place in best or any(beats(one, place) for one in best)


def test_a_tradeoff_says_which_cells_are_on_the_front(tmp_path: Path) -> None:
    (figure,) = tradeoffs(full_report(tmp_path))
    assert figure.summary.startswith("2 of 3 cells are on the front: from sdpa + fp16 (1.000 s, 600.0 MB)")
    assert {row[0]: row[3] for row in figure.rows} == {
        "sdpa + fp16": "on the front",
        "cpu_offload + sdpa + fp16": "on the front",
        "no optimization": "",
    }


def test_cells_of_one_kind_only_have_no_tradeoff() -> None:
    assert tradeoffs(Report(run_of(PLAIN), "run.json", Path())) == []


def test_a_cell_shows_its_stages_and_rounds_beside_the_baseline(tmp_path: Path) -> None:
    shown = {cell["name"]: cell for cell in cells.cells(full_report(tmp_path))}
    stages, rounds = shown[FUSED]["figures"]
    assert [trace["name"] for trace in stages["traces"]] == ["this run", "baseline"]
    assert stages["traces"][0]["y"] == ["semantic", "coarse", "fine", "codec"]
    assert stages["summary"] == "coarse takes 60% of the 2.000 s in the stages."
    assert [row[-1] for row in stages["rows"]] == ["4 x"] * 4
    assert rounds["rows"][0] == ["this run", "2", "1.000 s", "1.050 s", "1.100 s"]
    assert [figure["title"] for figure in shown[OFFLOADED]["figures"]] == ["Rounds"]


def test_a_baseline_of_other_work_is_not_set_beside_a_cell() -> None:
    run, base = run_of(cell_document(PLAIN, tokens=64)), run_of(cell_document(PLAIN, tokens=16))
    report = Report(run, "run.json", Path(), compare(base, run, baseline="b"), base)
    (shown,) = cells.cells(report)
    assert shown["status"] == "incomparable"
    assert [row[0] for row in shown["figures"][0]["rows"]] == ["this run"]


@pytest.mark.parametrize("other", [{"gpu": {**H200, "model": "NVIDIA A100"}}, {"host": {"cpu_model": "EPYC"}}])
def test_times_of_another_machine_are_shown_without_a_change_and_with_the_reason(other: dict[str, Any]) -> None:
    fast, slow = (with_stages(cell_document(PLAIN), {"coarse": seconds}) for seconds in (1.0, 1.5))
    base, run = run_of(fast, **other), run_of(slow)
    (shown,) = cells.cells(Report(run, "run.json", Path(), compare(base, run, baseline="b"), base))
    stages, rounds = shown["figures"]
    assert [list(stages["header"]), stages["rows"]] == [
        ["stage", "tokens", "this run", "baseline"], [["coarse", "64", "1.500 s", "1.000 s"]],
    ]  # fmt: skip
    assert all("not comparable with the baseline's: " in figure["summary"] for figure in (stages, rounds))
    (shown,) = cells.cells(Report(run, "run.json", Path(), compare(run_of(fast), run, baseline="b"), run_of(fast)))
    assert shown["figures"][0]["rows"] == [["coarse", "64", "1.500 s", "1.000 s", "+50.00%"]]


def test_stages_of_unequal_work_are_shown_without_a_change() -> None:
    longer = with_stages(cell_document(PLAIN), {"coarse": 1.5})
    longer["extra_info"]["stages"]["coarse"]["tokens"] = 80
    base, run = run_of(with_stages(cell_document(PLAIN), {"coarse": 1.0})), run_of(longer)
    (shown,) = cells.cells(Report(run, "run.json", Path(), compare(base, run, baseline="b"), base))
    assert shown["figures"][0]["rows"] == [["coarse", "80", "1.500 s", "1.000 s"]]


def test_a_metric_that_the_table_does_not_know_is_shown_with_its_own_unit() -> None:
    document = cell_document(PLAIN)
    document["extra_info"]["metrics"]["loudness"] = {"value": 3.0, "unit": "phon"}
    (shown,) = cells.cells(Report(run_of(document), "run.json", Path()))
    assert shown["rows"][-1][:2] == ["loudness", "3 phon"]


def test_the_farthest_from_its_limit_comes_first() -> None:
    near = with_stages(cell_document(FUSED), {"coarse": 1.0}, times=2.0)
    far = with_stages(cell_document(PLAIN), {"coarse": 1.0}, times=12.5)
    (figure,) = limit.limits(Report(run_of(near, far, OFFLOADED), "run.json", Path()))
    assert [row[:3] for row in figure.rows] == [
        ["no optimization", "12.5 x", "0.160 s"],
        ["sdpa + fp16", "2 x", "1.000 s"],
    ]
    assert figure.summary == "From sdpa + fp16: 2 x to no optimization: 12.5 x."


def test_samples_stand_after_the_unoptimized_one_with_their_drift() -> None:
    drift = {"logit_error_mean": 0.5, "top1_agreement": 0.9}
    run = run_of(with_sample(cell_document(FUSED, drift)), with_sample(cell_document(PLAIN)))
    shown = listen.listen(Report(run, "run.json", Path()), {f"audio/{FUSED}.wav"})
    assert list(shown.metrics) == ["logit error mean", "top1 agreement"]
    (group,) = shown.groups
    assert [(one.label, one.source, one.duration) for one in group.samples] == [
        ("no optimization", "", ""),
        ("sdpa + fp16", f"audio/{FUSED}.wav", "0.5 s"),
    ]
    assert list(group.samples[1].drift) == ["0.5", "0.9"]


def test_what_differs_from_the_baselines_environment_is_marked() -> None:
    run = run_of(software=SOFTWARE)
    base = run_of(software={**SOFTWARE, "torch": "2.9.0"}, gpu={**H200, "driver": "570.0"})
    shown = environment.environment(Report(run, "run.json", Path(), None, base))
    assert [(row.name, row.head, row.base) for row in shown.rows if row.differs] == [
        ("gpu driver", "580.1", "570.0"),
        ("torch", "2.11.0", "2.9.0"),
    ]
    alone = environment.environment(Report(run, "run.json", Path()))
    assert (alone.has_baseline, alone.differing) == (False, 0)


@pytest.mark.parametrize(
    ("metric", "status", "sure"),
    [
        ("kernel_launches", Status.WORSE, "certain: one code gives one number"),
        ("peak_allocated", Status.BETTER, "certain: one code differs by less than the threshold"),
        ("step_latency", Status.WORSE, "not timed again; changes below 25% could not have been seen"),
        ("step_latency", Status.UNCLEAR, ""),
        ("", Status.FAILED, ""),
    ],
)
def test_a_verdict_says_how_sure_it_is(metric: str, status: Status, sure: str) -> None:
    verdict = Verdict(PLAIN, metric, status, "+30.0%", 1.0, 1.3, 0.3, 0.08, True, 0.25)
    assert verdicts.sure(verdict) == sure
    again = replace(verdict, reason="+30.0%, confirmed by a rerun")
    assert verdicts.sure(again) == sure.removeprefix("not timed again; ")


def test_a_cell_is_what_the_worst_of_its_gated_verdicts_is() -> None:
    found = [Verdict(PLAIN, "weights", status, "") for status in (Status.SAME, Status.BETTER, Status.UNCLEAR)]
    assert statuses.overall(found) is Status.UNCLEAR
    assert statuses.overall([*found, Verdict(PLAIN, "load", Status.WORSE, "", gated=False)]) is Status.UNCLEAR
    assert statuses.overall([]) is None
    assert set(statuses.ORDER) == set(Status) == set(statuses.SIGNS) - {statuses.PASSED}


def test_a_cell_that_got_worse_stands_before_one_that_got_better() -> None:
    base = run_of(cell_document(PLAIN, {"peak_allocated": 2e9}), FUSED)
    head = run_of(PLAIN, cell_document(FUSED, {"peak_allocated": 2e9}))
    shown = verdicts.verdicts(Report(head, "run.json", Path(), compare(base, head, baseline="b"), base))
    assert [card.cell for card in shown.cards] == [FUSED]
    assert [card.cell for card in shown.gained] == [PLAIN]


def test_a_change_of_the_whole_matrix_is_folded_after_the_first_cells() -> None:
    names = [f"small-eager-fp32-resident-dynamic-batch{number}" for number in range(1, 20)]
    base, head = run_of(*names), run_of(*(cell_document(name, {"peak_allocated": 2e9}) for name in names))
    shown = verdicts.verdicts(Report(head, "run.json", Path(), compare(base, head, baseline="b"), base))
    assert (len(shown.cards), len(shown.more)) == (verdicts.FIRST, len(names) - verdicts.FIRST)


def test_a_filter_offers_what_the_matrix_has_and_only_where_there_is_a_choice(tmp_path: Path) -> None:
    filters = matrix.matrix(full_report(tmp_path)).filters
    assert filters["attention"] == ["eager", "flash_attention_2", "sdpa"]
    assert filters["verdict"] == ["same", "skipped", "worse"]
    assert "checkpoint" not in filters


def test_what_the_baseline_has_and_the_run_lacks_is_in_the_matrix_as_missing() -> None:
    base = run_of(PLAIN, FUSED, OFFLOADED)
    run = run_of(PLAIN, outcomes={FUSED: ("skipped", "needs a GPU"), SKIPPED: ("skipped", "no flash-attn")})
    shown = matrix.matrix(Report(run, "run.json", Path(), compare(base, run, baseline="b"), base))
    rows = {row.cell: row for row in shown.rows}
    assert [(row.cell, row.badge.word, row.badge.tone) for row in shown.rows] == [
        (PLAIN, "same", "quiet"),
        (FUSED, "missing", "bad"),
        (OFFLOADED, "missing", "bad"),
        (SKIPPED, "skipped", "quiet"),
    ]
    assert rows[FUSED].note == "the baseline holds it, but it was skipped: needs a GPU"
    assert "it left the matrix" in rows[OFFLOADED].note
    assert rows[OFFLOADED].axes[3] == "cpu_offload"
    assert "missing" in shown.filters["verdict"]


def test_a_metric_that_the_run_lacks_is_missing_in_the_matrix_and_not_only_a_dash() -> None:
    base, run = run_of(cell_document(PLAIN, {"kernel_launches": 9}), FUSED), run_of(PLAIN, FUSED)
    shown = matrix.matrix(Report(run, "run.json", Path(), compare(base, run, baseline="b"), base))
    launches = shown.metrics.index("kernel launches")
    assert [row.numbers[launches].text for row in shown.rows] == ["missing", "-"]


def test_a_cell_that_failed_is_failed_in_the_matrix_with_or_without_a_baseline() -> None:
    base, run = run_of(PLAIN, FUSED), run_of(PLAIN, outcomes={FUSED: ("failed", "no memory")})
    for report in (Report(run, "r", Path()), Report(run, "r", Path(), compare(base, run, baseline="b"), base)):
        row = matrix.matrix(report).rows[1]
        assert (row.badge.word, row.badge.tone, row.note) == ("failed", "bad", "no memory")


def test_what_was_measured_stands_before_what_was_skipped_and_what_nobody_asked_for() -> None:
    skipped, left_out = (
        f"tiny-eager-fp32-{rest}" for rest in ("cpu_offload-dynamic-batch1", "resident-dynamic-batch8")
    )
    run = run_of(FUSED, outcomes={left_out: ("not asked for", ""), skipped: ("skipped", "cpu_offload needs a GPU")})
    run = run.model_copy(update={"suite": run.suite.model_copy(update={"cells": run.suite.cells[::-1]})})
    assert [row.cell for row in matrix.matrix(Report(run, "run.json", Path())).rows] == [FUSED, skipped, left_out]


def test_an_invariant_that_is_broken_marks_its_cell_without_a_baseline_too() -> None:
    heavy = cell_document(OFFLOADED, {"peak_allocated": 5e9, "weights": 2e8})
    report = Report(run_of(cell_document(FUSED, {"weights": 2e8}), heavy), "run.json", Path())
    assert [row.badge.word for row in matrix.matrix(report).rows] == ["measured", "failed"]
    assert [cell["status"] for cell in cells.cells(report)] == ["measured", "failed"]


@given(st.lists(st.sampled_from([4e8, 5e8, 6e8]), min_size=1, max_size=12))
def test_a_folded_series_unfolds_to_its_values(values: list[float]) -> None:
    section = trends.trends(history([PLAIN], values))
    assert section is not None
    first, *pairs = section.data["series"][0]["values"]
    unfolded = [value for value, same in zip(pairs[::2], pairs[1::2], strict=True) for _ in range(same)]
    assert (first, unfolded) == (0, values)


def test_a_series_that_starts_late_and_has_a_gap_says_so() -> None:
    long = history([PLAIN], [4e8] * 5)
    (series,) = long.history.series
    short = replace(series, cell=FUSED, points=(series.points[1], series.points[3]))
    found = replace(long, history=replace(long.history, series=(series, short)))
    section = trends.trends(found)
    assert section is not None
    assert section.data["series"][1]["values"] == [1, 4e8, 1, None, 1, 4e8, 1]


def test_a_package_that_earlier_runs_did_not_look_for_is_no_change_in_a_trend() -> None:
    seen = history([PLAIN], [4e8] * 2)
    (series,) = seen.history.series
    first, second = series.points
    looked = second._replace(software={**first.software, "huggingface-hub": "2.4.0"})
    found = replace(seen.history, series=(replace(series, points=(first, looked)),))
    section = trends.trends(replace(seen, history=found))
    assert section is not None
    assert (section.data["series"][0]["software"], section.data["texts"]) == ([], [])


def test_a_trend_says_what_changed_worse_first_and_which_software_with_it() -> None:
    section = trends.trends(history([PLAIN], [4e8, 4e8, 5e8, 4e8]))
    assert section is not None
    assert [entry.badge.word for entry in section.entries] == ["worse", "better"]
    assert "changed there: torch 2.10.0 -> 2.11.0" in section.entries[0].text
    (series,) = section.data["series"]
    assert [[run, section.data["texts"][text]] for run, text in series["software"]] == [[2, "torch 2.10.0 -> 2.11.0"]]
    assert series["changes"] == [[2, "worse"], [3, "better"]]
    assert section.data["metrics"] == [["weights", METRICS["weights"].unit]]


def test_a_label_of_a_chart_is_shown_as_it_is() -> None:
    assert plain('<a href="x">\n%{y} & co') == '&lt;a href="x"&gt; %{y} &amp; co'


def test_a_page_of_very_many_cells_shows_the_worst_and_counts_the_rest() -> None:
    number = max(cells.MOST, verdicts.MOST) + 20
    names = [f"small-e{at}-fp32-resident-dynamic-batch1" for at in range(number)]
    base = run_of(*names)
    # The last ones got worse, and the others better.
    head = run_of(
        *(cell_document(name, {"peak_allocated": 2e9 if at > number - 4 else 5e8}) for at, name in enumerate(names))
    )
    report = Report(head, "run.json", Path(), compare(base, head, baseline="b"), base)
    found = verdicts.verdicts(report)
    assert [card.cell for card in found.cards] == names[-3:]
    assert (len(found.gained), found.cells_gained) == (verdicts.MOST, number - 3)
    in_full = [one["name"] for one in cells.cells(report)]
    assert len(in_full) == cells.MOST
    assert in_full[-3:] == names[-3:]
    text = page.render(report)
    assert f"… {number - 3 - verdicts.MOST:,} more cells: each is a row of the matrix." in text
    assert f"The {cells.MOST} of {number} measured cells" in text
    rows = matrix.matrix(report, in_full).rows
    assert [row.cell for row in rows] == names  # nothing that was judged is left out
    assert [row.index for row in rows if row.cell == names[-1]] == [cells.MOST - 1]


def test_failed_cells_beyond_those_that_are_listed_are_counted_and_stand_in_the_matrix() -> None:
    number = verdicts.FIRST + verdicts.MOST + 5
    run = run_of(PLAIN, outcomes={f"cell {at}": ("failed", f"error {at}") for at in range(number)})
    report = Report(run, "run.json", Path())
    text = page.render(report)
    assert f"<summary>{verdicts.MOST + 5} more cells</summary>" in text
    assert "… 5 more cells: each is a row of the matrix." in text
    assert all(f">cell {at}</th>" in text for at in range(number))
    rest = number - environment.MOST_REASONS
    assert environment.environment(report).unmeasured[-1] == (str(rest), "…", f"{rest} more reasons: see the matrix")


def test_a_chart_of_the_limit_has_the_farthest_cells_and_says_of_how_many() -> None:
    stages = {f"stage {at}": 0.1 for at in range(limit.MOST_STAGES + 2)}
    run = run_of(*(
        with_stages(cell_document(f"small-e{at}-fp32-resident-dynamic-batch1"), stages, times=2.0 + at)
        for at in range(limit.MOST + 3)
    ))  # fmt: skip
    (figure,) = limit.limits(Report(run, "run.json", Path()))
    assert len(figure.rows) == limit.MOST
    assert figure.summary.endswith(f"The {limit.MOST} farthest of {limit.MOST + 3} cells.")
    assert len(figure.header) == 4 + limit.MOST_STAGES
