"""A run that was measured with `--against`: exact metrics between two records, wall time by pairs."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.errors import ReportError
from reports.records import merge, runfile
from reports.records.metrics import METRICS
from reports.records.schema import RunFile
from reports.records.sides import base_of
from reports.render import reproduce, summary
from reports.verdicts.rules import Status
from reports.verdicts.sides import compare_sides
from reports.verdicts.thresholds import Override, Overrides
from reports.verdicts.verdict import Attribution, Verdict
from tests.builders import FUSED, H200, HOST, PLAIN, SOFTWARE, cell_document, run_document
from tests.counted import counted_cell

MIRROR = {Status.BETTER: Status.WORSE, Status.WORSE: Status.BETTER}
OTHER = {"name": ".venv-blog/bin/python", "lane": "blog", "commit_info": {"id": "0123abcd", "dirty": False}}
ratios = st.lists(st.floats(0.8, 1.25), min_size=10, max_size=40)


def pairs_of(base: list[float], head: list[float], **more: Any) -> dict[str, Any]:
    return {
        "base_step_p10_s": base,
        "head_step_p10_s": head,
        "base_s": [100 * one for one in base],
        "head_s": [100 * one for one in head],
        "launches": [len(base)],
        **more,
    }


def cell_against(cell: str = PLAIN, *, values: dict[str, float] | None = None, **against: Any) -> dict[str, Any]:
    """A cell's benchmark with its `against`; `values` are the base's metrics."""
    document = cell_document(cell, steps=[[0.001] * 10])
    there = cell_document(cell, values, steps=[[0.001] * 10], environment="env-b")["extra_info"]
    document["extra_info"]["against"] = {"record": there, "rounds_s": [2.0, 2.5], **against}
    return document


def run_against(*cells: dict[str, Any], **options: Any) -> RunFile:
    software = {**SOFTWARE, "torch": "2.9.0"}
    environments = {"env-b": {"gpu": dict(H200), "host": dict(HOST), "software": software}}
    known: dict[str, Any] = {"against": OTHER, "environments": environments, **options}
    document = run_document(cells, **known)
    return runfile.parse(document, "test run")


def why(head: dict[str, Any], *, base: dict[str, Any] | None = None, **against: Any) -> Attribution:
    """Why a cell with counters differs from the base's, `base`, which is as it should be unless given."""
    there = (base or counted_cell())["extra_info"] | {"environment": "env-b"}
    head["extra_info"]["against"] = {"record": there, "rounds_s": [2.0, 2.5], **against}
    (found,) = compare_sides(run_against(head)).attributions
    return found


def found(run: RunFile, metric: str, **options: Any) -> Verdict:
    (verdict,) = [one for one in compare_sides(run, **options).verdicts if one.metric == metric]
    return verdict


@given(ratios)
def test_swapping_the_sides_turns_better_into_worse(values: list[float]) -> None:
    ones = [1.0] * len(values)
    there = found(run_against(cell_against(pairs=pairs_of(ones, values))), "step_latency")
    back = found(run_against(cell_against(pairs=pairs_of(values, ones))), "step_latency")
    assert back.status is MIRROR.get(there.status, there.status)


@given(st.lists(st.floats(1e-4, 1e-2), min_size=20, max_size=40))
def test_a_side_against_itself_is_the_same_everywhere(values: list[float]) -> None:
    comparison = compare_sides(run_against(cell_against(pairs=pairs_of(values, values))))
    assert set(comparison.counts()) == {Status.SAME}
    assert not comparison.failed


def test_wall_time_is_judged_in_pairs_whatever_the_two_records_say() -> None:
    slower = pairs_of([1.0] * 40, [1.1] * 40)
    verdict = found(run_against(cell_against(pairs=slower)), "step_latency")
    assert (verdict.status, verdict.judged_by, verdict.fails) == (Status.WORSE, "paired", True)
    assert verdict.change == pytest.approx(0.1)
    assert "40 pairs in 1 launch of both sides" in verdict.reason
    assert "step_latency worse, paired: " in summary.sentence(verdict)


def test_a_family_needs_stronger_evidence_in_the_stored_file_too() -> None:
    values = [1.05 if (index + 1) * 29 // 40 > index * 29 // 40 else 1.0 for index in range(40)]
    alone = run_against(cell_against(pairs=pairs_of([1.0] * 40, values)))
    family = run_against(cell_against(pairs=pairs_of([1.0] * 40, values, family=True)))
    assert found(alone, "step_latency").status is Status.WORSE
    assert found(family, "step_latency").status is not Status.WORSE


def test_exact_metrics_come_from_the_two_records() -> None:
    comparison = compare_sides(
        run_against(cell_against(values={"weights": 3e8}, pairs=pairs_of([1.0] * 20, [1.0] * 20)))
    )
    (worse,) = comparison.failures
    assert (worse.metric, worse.judged_by) == ("weights", "baseline")
    assert comparison.changed == ("commit 0123abcd -> abc123", "lane blog -> current", "torch 2.9.0 -> 2.11.0")
    assert comparison.baseline == ".venv-blog/bin/python (paired)"


@pytest.mark.parametrize("change", [0.2, 5.0])
@pytest.mark.parametrize(("metric", "now"), [("cold_start", 4.0), ("energy", 30.0), ("host_probe", 2e-4)])
def test_what_is_timed_on_one_side_after_the_other_is_no_verdict(metric: str, now: float, change: float) -> None:
    document = cell_against(values={metric: change * now}, pairs=pairs_of([1.0] * 20, [1.0] * 20))
    document["extra_info"]["metrics"][metric] = {"value": now, "unit": METRICS[metric].unit}
    verdict = found(run_against(document), metric)
    assert (verdict.status, verdict.fails) == (Status.UNCLEAR, False)
    assert verdict.reason.endswith("but one side was measured after the other, and the host may have changed between")
    assert verdict.change == pytest.approx(1 / change - 1)
    assert verdict.smallest_change is None, "no change of any size would be a verdict"


def test_stages_and_clocks_of_rounds_that_were_not_interleaved_explain_no_verdict_of_pairs() -> None:
    elsewhere = counted_cell(latency={"fine": 0.3, "coarse": 0.1})
    for cell, mhz in ((elsewhere, 1_200), (base := counted_cell(), 1_980)):
        cell["extra_info"]["rounds"]["sm_clock_mhz"] = [mhz] * 80
    told = why(elsewhere, base=base, pairs=pairs_of([0.001] * 40, [0.0011] * 40))
    assert told.sentence.startswith(
        "slower: the same operators, kernels, Python calls and GPU time take longer on the host; host-bound, "
    )
    assert (told.stage, "carries" in told.sentence, "MHz" in told.sentence) == ("", False, False)
    rows = {row.what: (row.base, row.head, row.shares) for row in told.rows}
    assert rows == {"step_latency": (0.001, 0.0011, {})}


def test_what_is_counted_explains_a_verdict_of_pairs() -> None:
    slower = counted_cell({"semantic": {"python_calls": 800}}, latency={"fine": 0.3})
    told = why(slower, pairs=pairs_of([0.001] * 40, [0.0011] * 40))
    assert told.sentence.startswith(
        "slower: semantic: 50 more Python calls a token on the host, with the same operators and kernels; "
        "semantic carries 100% of the change in python_calls; host-bound"
    )
    busy = counted_cell({"fine": {"gpu_busy_s": 0.010}})
    told = why(busy, pairs=pairs_of([0.001] * 40, [0.0011] * 40))
    assert "fine: the same number of kernels keeps the GPU busy 25.0% longer; fine carries 100%" in told.sentence


def test_an_override_of_the_step_time_holds_in_pairs() -> None:
    expires = datetime.date(2099, 1, 1)
    entry = Override(metric="step_latency", threshold=0.2, reason="known", expires=expires)
    run = run_against(cell_against(pairs=pairs_of([1.0] * 40, [1.1] * 40)))
    verdict = found(run, "step_latency", overrides=Overrides((entry,)))
    assert (verdict.status, "(override step_latency of *" in verdict.reason) == (Status.SAME, True)


def test_an_override_of_the_step_time_says_nothing_of_slower_whole_rounds() -> None:
    expires = datetime.date(2099, 1, 1)
    even = pairs_of([1.0] * 40, [1.0] * 40) | {"head_s": [140.0] * 40}
    for threshold, status in ((0.05, Status.WORSE), (0.5, Status.SAME)):
        entry = Override(metric="step_latency", threshold=threshold, reason="known", expires=expires)
        verdict = found(run_against(cell_against(pairs=even)), "step_latency", overrides=Overrides((entry,)))
        assert (verdict.status, "whole rounds are at least 40.0% slower" in verdict.reason) == (status, True)


def test_steps_that_are_not_the_same_thing_are_not_judged_in_pairs() -> None:
    document = cell_against(pairs=pairs_of([1.0] * 40, [1.5] * 40))
    document["extra_info"]["rounds"]["device_paced"] = True
    verdict = found(run_against(document), "step_latency")
    assert (verdict.status, "their steps are not the same thing" in verdict.reason) == (Status.INCOMPARABLE, True)


@pytest.mark.parametrize(("pairs", "status"), [(19, Status.UNCLEAR), (20, Status.WORSE)])
def test_whole_rounds_of_few_pairs_say_nothing(pairs: int, status: Status) -> None:
    slower = pairs_of([1.0] * pairs, [2.5] * pairs)
    assert found(run_against(cell_against(pairs=slower)), "latency").status is status
    same = found(run_against(cell_against(pairs=pairs_of([1.0] * pairs, [1.0] * pairs))), "latency")
    assert same.status is (Status.UNCLEAR if status is Status.UNCLEAR else Status.SAME)


@pytest.mark.parametrize(("broken", "status"), [(True, Status.FAILED), (False, Status.NEW)])
def test_a_cell_that_the_base_did_not_measure_is_new_or_failed(broken: bool, status: Status) -> None:
    document = cell_document(PLAIN)
    document["extra_info"]["against"] = {"problem": "unknown attention", "broken": broken}
    comparison = compare_sides(run_against(document))
    (verdict,) = comparison.verdicts
    assert (verdict.status, verdict.reason) == (status, "not measured on the base: unknown attention")
    assert comparison.failed, "nothing was compared"


def test_a_cell_that_the_run_ended_in_before_the_base_was_measured_has_failed() -> None:
    (verdict,) = compare_sides(run_against(cell_document(PLAIN))).verdicts
    said = "not measured on the base: the run ended before the base was measured"
    assert (verdict.status, verdict.reason) == (Status.FAILED, said)


def test_without_pairs_the_wall_time_is_unclear() -> None:
    verdict = found(run_against(cell_against(problem="out of memory")), "step_latency")
    assert (verdict.status, verdict.reason) == (Status.UNCLEAR, "no pairs were timed: out of memory")


def test_a_step_time_that_neither_pairs_nor_the_base_have_is_new() -> None:
    base, head = counted_cell(), counted_cell({"semantic": {"python_calls": 800}})
    base["extra_info"]["metrics"].pop("step_latency")
    base["extra_info"]["rounds"]["step_p10_s"] = []
    assert why(head, base=base, problem="out of memory").sentence.startswith("semantic: 50 more Python calls a token")
    assert found(run_against(head), "step_latency").status is Status.NEW


def test_a_cell_that_the_run_did_not_get_to_is_missing() -> None:
    run = run_against(cell_against(pairs=pairs_of([1.0] * 20, [1.0] * 20)), outcomes={FUSED: ("not run", "")})
    assert [(one.cell, one.reason) for one in compare_sides(run).failures] == [
        (FUSED, "it was not run: the run ended before")
    ]


@pytest.mark.parametrize(
    ("differs", "status", "says"),
    [
        ("tree", Status.MISSING, "the base can run it, but the head skipped it: needs luck"),
        ("packages", Status.NEW, "only the base can run it: needs luck"),
    ],
)
@pytest.mark.parametrize("outcome", ["skipped", "not asked for"])
def test_a_cell_that_only_the_base_can_run_is_seen(differs: str, status: Status, says: str, outcome: str) -> None:
    run = run_against(
        cell_against(pairs=pairs_of([1.0] * 20, [1.0] * 20)),
        outcomes={FUSED: (outcome, "needs luck")},
        against=OTHER | {"only_there": {FUSED: differs}},
    )
    comparison = compare_sides(run)
    seen = [(one.status, one.reason) for one in comparison.verdicts if one.cell == FUSED]
    assert seen == ([(status, says)] if outcome == "skipped" else [])
    assert comparison.failed is (outcome == "skipped" and differs == "tree")
    if seen and not comparison.failed:
        assert summary.folded(comparison) == [f"1 new: {says}"]


def test_a_cell_that_the_base_can_run_and_that_left_the_heads_matrix_is_missing() -> None:
    run = run_against(
        cell_against(pairs=pairs_of([1.0] * 20, [1.0] * 20)), against=OTHER | {"only_there": {FUSED: "tree"}}
    )
    comparison = compare_sides(run)
    assert comparison.failed
    assert [(one.status, one.reason) for one in comparison.verdicts if one.cell == FUSED] == [
        (Status.MISSING, "the base can run it, but it left the head's matrix")
    ]


def test_the_base_is_a_run_of_its_own() -> None:
    other = base_of(run_against(cell_against()))
    assert other is not None
    assert (other.suite.lane, other.commit_info["id"], list(other.cells)) == ("blog", "0123abcd", [PLAIN])
    assert other.environment_of(other.cells[PLAIN])["software"]["torch"] == "2.9.0"
    assert other.benchmarks[0].stats.data == [2.0, 2.5]
    assert runfile.parse(other.model_dump(mode="json", exclude_unset=True), "again").cells == other.cells


def test_a_run_without_a_base_says_so() -> None:
    run = runfile.parse(run_document([PLAIN]), "test run")
    assert base_of(run) is None
    with pytest.raises(ReportError, match="was not measured with --against: name the run to compare it with"):
        compare_sides(run)


@pytest.mark.parametrize(
    ("against", "says"),
    [
        ({"pairs": pairs_of([1.0, 1.0], [1.0, 1.0], launches=[1])}, "pairs of rounds whose halves differ in number"),
        ({"pairs": pairs_of([1.0], [1.0, 1.0])}, "pairs of rounds whose halves differ in number"),
        ({"record": cell_document(FUSED)["extra_info"]}, f"the base of {PLAIN} is {FUSED}"),
        ({"record": cell_document(PLAIN, environment="env-x")["extra_info"]}, "the environment 'env-x'"),
    ],
)
def test_a_damaged_base_is_refused(against: dict[str, Any], says: str) -> None:
    with pytest.raises(ReportError, match=says):
        run_against(cell_against(**against))


def test_merging_keeps_the_bases_environment_and_refuses_another_one() -> None:
    one, two = run_against(cell_against(PLAIN)), run_against(cell_against(FUSED))
    merged = merge.merge([("a", one), ("b", two)])
    assert set(merged.suite.environments) == {"env-b"}
    assert base_of(merged) is not None
    for change, differs in (
        ({"lane": "current"}, "lane of the base: current and blog"),
        ({"commit_info": {"id": "4567", "dirty": False}}, "commit of the base: id 4567, dirty False and id 0123"),
    ):
        other = run_against(cell_against(FUSED), against={**OTHER, **change})
        with pytest.raises(ReportError, match=f"differ in {differs}"):
            merge.merge([("a", one), ("b", other)])
    alone = run_against(cell_against(FUSED), against=None)
    with pytest.raises(ReportError, match="differ in base: none and measured"):
        merge.merge([("a", one), ("b", alone)])


def test_shards_of_hosts_that_keep_the_base_elsewhere_are_merged() -> None:
    elsewhere = run_against(cell_against(FUSED), against={**OTHER, "name": "../base/.venv/bin/python in ../base"})
    merged = merge.merge([("a", run_against(cell_against(PLAIN))), ("b", elsewhere)])
    assert set(merged.cells) == {PLAIN, FUSED}
    assert merged.suite.warnings == []


@pytest.mark.parametrize("commit", [{"id": "0123abcd", "dirty": True}, {"id": "unknown", "dirty": False}])
def test_a_base_that_no_commit_names_is_merged_with_a_warning(commit: dict[str, Any]) -> None:
    parts = [run_against(cell_against(cell), against={**OTHER, "commit_info": commit}) for cell in (PLAIN, FUSED)]
    (warning,) = merge.merge(list(zip("ab", parts, strict=True))).suite.warnings
    assert "a base with uncommitted changes or no known commit" in warning


def test_measuring_again_lays_the_other_commit_beside() -> None:
    run = run_against(cell_against(pairs=pairs_of([1.0] * 40, [1.1] * 40)), commit="abcdef1")
    commands = reproduce.commands(base_of(run), run, compare_sides(run), reviewed=False)
    assert commands[:4] == (
        "git switch --detach abcdef1",
        "base=$(mktemp -d)",
        'git worktree add --detach "$base" 0123abcd',
        'make -C "$base" setup LANE=blog',
    )
    assert '--against=$base/.venv-blog/bin/python --against-tree=$base"' in commands[4]


@pytest.mark.parametrize(
    ("tree", "options"), [(False, "--against=PYTHON"), (True, "--against=PYTHON --against-tree=DIR")]
)
def test_measuring_again_names_the_other_checkout_where_there_was_one(tree: bool, options: str) -> None:
    same_commit = OTHER | {"other_tree": tree, "commit_info": {"id": "abcdef1", "dirty": True}}
    run = run_against(cell_against(pairs=pairs_of([1.0] * 40, [1.1] * 40)), commit="abcdef1", against=same_commit)
    comparison = compare_sides(run)
    told = reproduce.next_commands(comparison, run, "run.json")
    how = f"--level=pr --checkpoint-source=synthetic -k '{PLAIN}' {options}"
    assert told == [f"pytest benchmarks/ {how}   (measure the failing cells again)"]
    *_, again = reproduce.commands(base_of(run), run, comparison, reviewed=False)
    assert again.endswith(f' {options}"')


def test_a_cell_that_was_lost_is_not_measured_again_but_looked_for() -> None:
    run = run_against(
        cell_against(pairs=pairs_of([1.0] * 20, [1.0] * 20)),
        outcomes={FUSED: ("skipped", "needs luck")},
        against=OTHER | {"only_there": {FUSED: "tree"}},
    )
    assert reproduce.next_commands(compare_sides(run), run, "run.json") == [
        "pytest benchmarks/ --collect-only -q   (see why cells are skipped or gone)"
    ]
