"""Work that only moved from one stage to another: the totals gate, so it is said and fails nothing."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from reports.render import alert_github, alerts, markdown, summary, terminal
from reports.render.html.report import Report
from reports.render.html.sections import cells
from reports.verdicts.compare import compare
from reports.verdicts.rules import Status
from tests.builders import run_of
from tests.counted import COUNTED, STAGE_BUSY, counted_cell

MOVED = {"semantic": {"kernel_launches": -48, "aten_calls": -7}, "coarse": {"kernel_launches": 48, "aten_calls": 7}}
TOLD = "1 same in all, moved from semantic to coarse: kernel_launches"


def test_work_that_moved_to_another_stage_is_said_everywhere_and_fails_nothing() -> None:
    base, head = run_of(counted_cell()), run_of(counted_cell(MOVED))
    comparison = compare(base, head, baseline="b")
    assert not comparison.failed
    assert summary.headline(comparison) == "passed: no regression against b"
    assert TOLD in summary.folded(comparison)
    assert TOLD in terminal.to_text(terminal.verdicts(comparison), width=120, colour=False)
    assert TOLD.replace("_", "\\_") in markdown.report(head, comparison, "r")
    alert = alerts.alert(base, head, comparison, reviewed=True)
    assert TOLD.replace("_", "\\_") in alert_github.comment(alert, "x")
    moved = {one["metric"]: one["moved"] for one in summary.as_json(comparison)["verdicts"] if one["moved"]}
    assert moved == {
        "kernel_launches": [["semantic", -48], ["coarse", 48]], "aten_calls": [["semantic", -7], ["coarse", 7]],
    }  # fmt: skip
    (shown,) = cells.cells(Report(head, "r", Path(), comparison, base))
    (row,) = [row for row in shown["rows"] if row[0] == "kernel_launches"]
    assert row[4:] == ["= same", "+0.00% against a threshold of 0.0%; moved between stages: semantic -48, coarse +48"]


def test_a_cell_that_got_slower_with_it_is_told_in_the_same_sentence() -> None:
    head = counted_cell(MOVED, latency={"coarse": 0.2}, step=0.008)
    (why,) = compare(run_of(counted_cell()), run_of(head), baseline="b").attributions
    assert "moved between stages: kernel_launches (semantic -48, coarse +48) and 1 more counter" in why.sentence
    assert "kernels, Python calls and GPU time in all take longer on the host" in why.sentence


def test_nothing_that_is_counted_is_not_said_to_have_stayed_where_something_went_elsewhere() -> None:
    few = counted_cell(MOVED)
    few["extra_info"]["rounds"] |= {"step_p10_s": [0.005] * 4, "host_probe_s": [], "launches": [4]}
    (why,) = compare(run_of(counted_cell()), run_of(few), baseline="b").attributions
    assert "nothing that is counted moved" not in why.sentence
    assert "GPU time in all; moved between stages: " in why.sentence


def test_what_changed_in_all_is_not_called_moved() -> None:
    head = counted_cell({"semantic": {"kernel_launches": -48}, "coarse": {"kernel_launches": 49}})
    comparison = compare(run_of(counted_cell()), run_of(head), baseline="b")
    assert [verdict.metric for verdict in comparison.failures] == ["kernel_launches"]
    assert not any(verdict.moved for verdict in comparison.verdicts)


def test_counts_of_generations_of_other_lengths_are_not_compared_by_stage() -> None:
    head = counted_cell(MOVED)
    head["extra_info"]["counters"]["steps"]["coarse"] += 1
    assert not any(v.moved for v in compare(run_of(counted_cell()), run_of(head), baseline="b").verdicts)


parts = st.sampled_from(sorted(STAGE_BUSY))


@given(parts, parts, st.sampled_from(["kernel_launches", "aten_calls", "python_calls"]), st.integers(1, 90))
def test_swapping_the_runs_turns_what_moved_round(source: str, target: str, counter: str, number: int) -> None:
    plant: dict[str, dict[str, float]] = {source: {counter: -number}}
    plant[target] = {counter: number if target != source else 0}
    one, other = run_of(counted_cell()), run_of(counted_cell(plant))
    there, back = (compare(a, b, baseline="b") for a, b in ((one, other), (other, one)))
    assert counter in COUNTED
    for verdict, reverse in zip(there.verdicts, back.verdicts, strict=True):
        assert dict(verdict.moved) == {part: -by for part, by in reverse.moved}
        assert not verdict.moved or verdict.status is Status.SAME
    assert any(verdict.moved for verdict in there.verdicts) is (source != target)
