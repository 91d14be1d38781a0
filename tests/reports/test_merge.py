from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from reports.errors import ReportError
from reports.records import runfile
from reports.records.keep import keep
from reports.records.merge import merge, missing
from reports.records.schema import RunFile
from tests.builders import FUSED, H200, PLAIN, SOFTWARE, cell_document, run_of

EIGHT = "small-eager-fp32-resident-dynamic-batch8"


def test_merged_parts_hold_every_cell_with_its_environment() -> None:
    other = run_of(
        cell_document(FUSED, environment="env-b"), environment="env-b", host={"cpu_model": "Other", "cpu_count": 1}
    )
    merged = merge([("a", run_of(PLAIN)), ("b", other)])
    assert set(merged.cells) == {PLAIN, FUSED}
    assert merged.environment_of(merged.cells[FUSED])["host"]["cpu_model"] == "Other"
    assert merged.environment_of(merged.cells[PLAIN])["host"]["cpu_model"] == "Xeon"


def test_what_one_part_measured_stands_over_what_another_skipped() -> None:
    merged = merge([("a", run_of(PLAIN, outcomes={FUSED: ("skipped", "elsewhere")})), ("b", run_of(FUSED))])
    assert merged.outcomes()[FUSED].outcome == "measured"


def test_what_an_interrupted_part_left_can_be_measured_by_another_and_kept(tmp_path: Path) -> None:
    cut = run_of(PLAIN, outcomes={FUSED: ("not run", "the run ended before")}, finished=False)
    assert not merge([("cut", cut), ("eight", run_of(EIGHT))]).suite.finished
    rest = run_of(FUSED, outcomes={PLAIN: ("not asked for", "")})
    for ordered in ([("cut", cut), ("rest", rest)], [("rest", rest), ("cut", cut)]):
        merged = merge(ordered)
        assert merged.suite.finished
        assert missing(merged) == []
    runfile.write(tmp_path / "merged.json", merged)
    assert keep(tmp_path / "merged.json", tmp_path / "history")


def test_of_the_workers_of_one_run_what_was_measured_last_stands_in_the_order_of_the_plan() -> None:
    failed = run_of(FUSED, outcomes={PLAIN: ("failed", "out of memory")})
    again = run_of(PLAIN, cell_document(FUSED, {"latency": 9.0}))
    parts = [("gw0", of_commit(failed, id="unknown")), ("gw1", of_commit(again, id="unknown"))]
    merged = merge(parts, one_run=True)
    assert {cell: outcome.outcome for cell, outcome in merged.outcomes().items()} == {
        PLAIN: "measured",
        FUSED: "measured",
    }
    assert [benchmark.extra_info.cell for benchmark in merged.benchmarks] == list(merged.outcomes())
    assert merged.cells[FUSED].metrics["latency"].value == 9.0
    unlike = run_of(PLAIN, software={**SOFTWARE, "torch": "1.0"})
    with pytest.raises(ReportError, match=r"gw1 and gw0 differ in .*software torch"):
        merge([("gw0", run_of(FUSED)), ("gw1", unlike)], one_run=True)


def of_commit(run: RunFile, **commit_info: Any) -> RunFile:
    return run.model_copy(update={"commit_info": commit_info})


@pytest.mark.parametrize("commit", [{"id": "unknown"}, {"id": "unversioned"}, {"id": ""}, {}])
def test_parts_of_a_commit_that_is_not_known_are_refused(commit: dict[str, Any]) -> None:
    parts = [(name, of_commit(run_of(cell), **commit)) for name, cell in (("a", PLAIN), ("b", FUSED))]
    with pytest.raises(ReportError, match=r"commit of a, b is not known.*run each part with BARK_BENCHMARKS_COMMIT="):
        merge(parts)
    assert merge(parts[:1]).cells.keys() == {PLAIN}, "one part is of one commit, whichever it is"


def test_parts_with_uncommitted_changes_are_merged_with_a_warning() -> None:
    one, two = (of_commit(run_of(cell, warnings=["hot"]), id="abc", dirty=True) for cell in (PLAIN, FUSED))
    doubt, hot = merge([("a", one), ("b", two)]).suite.warnings
    assert doubt.startswith("parts with uncommitted changes were merged: nothing says that the changes were the same")
    assert hot == "hot"
    assert merge([("a", one)]).suite.warnings == ["hot"]
    with pytest.raises(ReportError, match="b and a differ in uncommitted changes: False and True"):
        merge([("a", one), ("b", of_commit(two, id="abc", dirty=False))])


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"commit": "def456"}, "commit: def456 and abc123"),
        ({"level": "nightly"}, "level: nightly and pr"),
        ({"lane": "blog"}, "lane: blog and current"),
        ({"overrides": {"tokens": 8.0}}, "options: tokens 8.0 and none"),
        ({"gpu": None}, "hardware: cpu and nvidia-h200"),
        ({"gpu": {**H200, "model": "NVIDIA H200 NVL"}}, "GPU model: NVIDIA H200 NVL and NVIDIA H200"),
        ({"gpu": {**H200, "driver": "590.2"}}, "GPU driver: 590.2 and 580.1"),
        ({"software": SOFTWARE | {"torch": "1.0"}}, "software torch: 1.0 and 2.11.0"),
        ({"software": SOFTWARE | {"optimum": "2.3"}}, "software optimum: 2.3 and none"),
    ],
)
def test_parts_of_different_runs_are_refused_by_the_field_and_both_values(
    change: dict[str, Any], difference: str
) -> None:
    with pytest.raises(ReportError, match=f"b and a differ in .*{re.escape(difference)}.*; not one run"):
        merge([("a", run_of(PLAIN)), ("b", run_of(FUSED, **change))])


def test_every_differing_field_is_named_up_to_some() -> None:
    with pytest.raises(ReportError, match="differ in commit: def and abc123; level: study and pr; not one run"):
        merge([("a", run_of(PLAIN)), ("b", run_of(FUSED, commit="def", level="study"))])
    software = {f"package {number:02d}": "1" for number in range(12)}
    with pytest.raises(ReportError, match="package 07: 1 and none; 7 more fields; not one run"):
        merge([("a", run_of(PLAIN)), ("b", run_of(FUSED, software=software))])


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"tokens": 8}, "workload of small at batch 1, semantic_tokens: 8 and 64"),
        ({"source": "hub"}, "workload of small at batch 1, source: hub and synthetic"),
    ],
)
def test_other_work_of_one_kind_of_cell_is_not_one_run(change: dict[str, Any], difference: str) -> None:
    with pytest.raises(ReportError, match=difference):
        merge([("a", run_of(PLAIN)), ("b", run_of(cell_document(FUSED, **change)))])
    assert merge([("a", run_of(PLAIN)), ("b", run_of(cell_document(EIGHT, **change)))]), "another kind of cell"


def test_parts_are_held_against_each_other_and_not_the_first_alone() -> None:
    parts = [("a", run_of(EIGHT)), ("b", run_of(PLAIN)), ("c", run_of(cell_document(FUSED, tokens=8)))]
    with pytest.raises(ReportError, match="c and b differ in workload of small"):
        merge(parts)


def test_other_weights_of_one_checkpoint_are_not_one_run() -> None:
    other = run_of(FUSED)
    other.machine_info["checkpoints"]["small"]["digest"] = "beef"
    with pytest.raises(ReportError, match="digest of the small weights: beef and c0ffee"):
        merge([("a", run_of(PLAIN)), ("b", other)])


def test_a_cell_measured_twice_with_different_numbers_is_refused_with_both() -> None:
    again = run_of(cell_document(PLAIN, {"latency": 3.0}))
    with pytest.raises(ReportError, match=rf"{PLAIN} \(latency 2 s in a, 3 s in b\); leave one out"):
        merge([("a", run_of()), ("b", again)])


def test_one_measurement_in_two_files_is_taken_once() -> None:
    merged = merge([("a", run_of()), ("b", run_of(PLAIN))])
    assert merged.suite == run_of().suite
    assert len(merged.benchmarks) == 2


def test_a_cell_that_failed_in_one_part_and_not_in_another_is_refused() -> None:
    parts = [("a", run_of(FUSED, outcomes={PLAIN: ("failed", "no memory")})), ("b", run_of(PLAIN))]
    for ordered in (parts, parts[::-1]):
        with pytest.raises(ReportError, match=f"{PLAIN} failed in a and was measured in b"):
            merge(ordered)


def test_nothing_cannot_be_merged() -> None:
    with pytest.raises(ReportError, match="nothing to merge"):
        merge([])


def test_parts_of_one_drill_stay_a_drill() -> None:
    parts = [("a", run_of(PLAIN, drill="tokens=-1")), ("b", run_of(FUSED, drill="tokens=-1"))]
    assert merge(parts).suite.drill == "tokens=-1"


@pytest.mark.parametrize(("first", "second"), [("", "latency=+5%"), ("latency=+5%", ""), ("latency=+5%", "gpu=+1%")])
def test_a_drill_and_another_run_are_not_one_run(first: str, second: str) -> None:
    parts = [("a", run_of(PLAIN, drill=first)), ("b", run_of(FUSED, drill=second))]
    with pytest.raises(ReportError) as refused:
        merge(parts)
    assert f"b and a differ in drill: {second or 'none'} and {first or 'none'}" in str(refused.value)
