from __future__ import annotations

import pytest

from reports.records.metrics import METRICS
from reports.records.schema import RunFile
from reports.render.summary import headline
from reports.verdicts.compare import compare
from reports.verdicts.rules import Status
from reports.verdicts.verdict import Comparison, Verdict
from tests.builders import FUSED, H200, HOST, PLAIN, SOFTWARE, cell_document, run_of


def judged(base: RunFile | None, head: RunFile) -> Comparison:
    return compare(base, head, baseline="base.json")


def verdict(comparison: Comparison, cell: str, metric: str) -> Verdict:
    (found,) = [v for v in comparison.verdicts if (v.cell, v.metric) == (cell, metric)]
    return found


@pytest.mark.parametrize("metric", ["peak_allocated", "weights"])
def test_64_mib_more_is_worse_and_names_both_values(metric: str) -> None:
    base, head = run_of(PLAIN), run_of(cell_document(PLAIN, {metric: 1e9 + 64 * 2**20}))
    found = verdict(judged(base, head), PLAIN, metric)
    assert found.status is Status.WORSE
    assert found.fails
    assert found.head == 1e9 + 64 * 2**20
    assert found.base in (1e9, 4e8)


def test_a_metric_that_is_not_gated_never_fails_a_run() -> None:
    comparison = judged(run_of(PLAIN), run_of(cell_document(PLAIN, {"load": 100.0})))
    assert verdict(comparison, PLAIN, "load").status is Status.WORSE
    assert not comparison.failed


def test_a_cell_that_was_asked_for_and_not_measured_is_missing() -> None:
    head = run_of(PLAIN, outcomes={FUSED: ("skipped", "needs a GPU")})
    comparison = judged(run_of(), head)
    found = verdict(comparison, FUSED, "")
    assert found.status is Status.MISSING
    assert "needs a GPU" in found.reason
    assert comparison.failed


def test_a_cell_that_left_the_matrix_is_missing() -> None:
    assert verdict(judged(run_of(), run_of(PLAIN)), FUSED, "").status is Status.MISSING


def test_a_cell_that_was_not_asked_for_is_not_missing() -> None:
    comparison = judged(run_of(), run_of(PLAIN, outcomes={FUSED: ("not asked for", "")}))
    assert {v.cell for v in comparison.verdicts} == {PLAIN}
    assert not comparison.failed


def test_a_failed_cell_fails_with_its_reason_whether_or_not_it_has_a_baseline() -> None:
    head = run_of(PLAIN, outcomes={FUSED: ("failed", "ran out of memory")})
    for base in (run_of(), run_of(PLAIN)):
        comparison = judged(base, head)
        found = verdict(comparison, FUSED, "")
        assert (found.status, found.reason) == (Status.FAILED, "ran out of memory")
        assert comparison.failed


def test_a_gated_metric_that_vanished_is_missing() -> None:
    head = run_of(PLAIN)
    del head.benchmarks[0].extra_info.metrics["peak_allocated"]
    comparison = judged(run_of(PLAIN), head)
    assert verdict(comparison, PLAIN, "peak_allocated").status is Status.MISSING
    assert comparison.failed


def test_a_new_cell_passes_beside_one_that_was_compared() -> None:
    comparison = judged(run_of(PLAIN), run_of())
    assert verdict(comparison, FUSED, "").status is Status.NEW
    assert not comparison.failed


@pytest.mark.parametrize(
    ("base", "says"),
    [
        (None, "there is no baseline"),
        (run_of(FUSED), "does not hold this cell"),
        (run_of(cell_document(PLAIN, tokens=16)), "semantic_tokens is 64 here and 16"),
    ],
)
def test_a_gate_never_passes_with_nothing_compared(base: RunFile | None, says: str) -> None:
    comparison = judged(base, run_of(PLAIN, outcomes={FUSED: ("not asked for", "")}))
    assert comparison.failed
    assert says in comparison.problem


def test_exact_metrics_alone_do_not_count_as_compared() -> None:
    comparison = judged(run_of(PLAIN), run_of(PLAIN, gpu=H200 | {"model": "NVIDIA A100"}))
    assert verdict(comparison, PLAIN, "weights").status is Status.SAME
    assert comparison.failed
    assert "GPU model is NVIDIA A100 here and NVIDIA H200 in the baseline" in comparison.problem


def test_what_could_not_be_compared_is_said_in_the_headline() -> None:
    comparison = judged(run_of(PLAIN), run_of(PLAIN, host=HOST | {"cpu_model": "EPYC"}))
    assert not comparison.failed
    assert headline(comparison).endswith("; not comparable: 1 latency")


def test_wall_time_on_the_cpu_is_shown_and_not_gated() -> None:
    base, head = run_of(PLAIN, gpu=None), run_of(cell_document(PLAIN, {"latency": 20.0}), gpu=None)
    found = verdict(judged(base, head), PLAIN, "latency")
    assert found.status is Status.WORSE
    assert not found.fails
    on_gpu = verdict(judged(run_of(PLAIN), run_of(cell_document(PLAIN, {"latency": 20.0}))), PLAIN, "latency")
    assert on_gpu.fails


def test_another_source_of_weights_is_incomparable_and_named() -> None:
    found = verdict(judged(run_of(PLAIN), run_of(cell_document(PLAIN, source="hub"))), PLAIN, "")
    assert found.status is Status.INCOMPARABLE
    assert "source is hub here and synthetic" in found.reason


@pytest.mark.parametrize(
    ("base", "head", "reason"),
    [
        ("", "", ""),
        ("aaaa", "aaaa", ""),
        ("", "aaaa", ""),
        ("aaaa", "", ""),
        ("aaaa", "bbbb", "workload: inputs is bbbb here and aaaa in the baseline"),
    ],
)
def test_other_inputs_are_incomparable_where_both_sides_know_them(base: str, head: str, reason: str) -> None:
    def run(inputs: str) -> RunFile:
        document = cell_document(PLAIN)
        if inputs:
            document["extra_info"]["workload"]["inputs"] = inputs
        return run_of(document)

    refused = [found for found in judged(run(base), run(head)).verdicts if found.status is Status.INCOMPARABLE]
    assert [found.reason for found in refused] == ([reason] if reason else [])


def test_unequal_work_is_refused_and_names_the_stage() -> None:
    head = run_of(PLAIN)
    head.benchmarks[0].extra_info.stages["semantic"].tokens = 63
    found = verdict(judged(run_of(PLAIN), head), PLAIN, "")
    assert found.status is Status.INCOMPARABLE
    assert "semantic made 63 tokens here and 64" in found.reason


@pytest.mark.parametrize(
    ("gpu", "host", "incomparable", "field"),
    [
        (H200 | {"model": "NVIDIA A100"}, HOST, {"steady", "wall"}, "GPU model"),
        (H200 | {"mig": True}, HOST, {"steady", "wall"}, "MIG"),
        (H200 | {"power_cap_w": 500.0}, HOST, {"wall"}, "power cap"),
        (H200 | {"sm_clock_max_mhz": 1500}, HOST, {"wall"}, "SM clock cap"),
        (H200, HOST | {"cpu_model": "EPYC"}, {"wall"}, "host CPU"),
        (H200, HOST | {"cpu_count": 64}, set(), ""),
        (H200 | {"driver": "600.1"}, HOST, set(), ""),
    ],
)
def test_each_kind_of_metric_needs_its_own_fields_to_match(
    gpu: dict[str, object], host: dict[str, object], incomparable: set[str], field: str
) -> None:
    comparison = judged(run_of(PLAIN), run_of(PLAIN, gpu=gpu, host=host))
    refused = [v for v in comparison.verdicts if v.status is Status.INCOMPARABLE]
    assert {METRICS[v.metric].kind.value for v in refused} == incomparable
    assert all(field in v.reason for v in refused)


def test_kernels_are_counted_against_those_of_one_gpu_model_and_what_the_host_asks_for_against_any() -> None:
    counts = {"kernel_launches": 100, "launch_calls": 50, "aten_calls": 900, "host_syncs": 7}
    base, head = (
        run_of(cell_document(PLAIN, counts), gpu=H200 | {"model": model}) for model in ("NVIDIA H200", "H100")
    )
    found = {name: verdict(judged(base, head), PLAIN, name).status for name in counts}
    assert found == {
        "kernel_launches": Status.INCOMPARABLE,
        "launch_calls": Status.INCOMPARABLE,
        "aten_calls": Status.SAME,
        "host_syncs": Status.SAME,
    }


def test_on_the_cpu_wall_time_needs_the_same_number_of_processors() -> None:
    base, head = run_of(PLAIN, gpu=None), run_of(PLAIN, gpu=None, host=HOST | {"cpu_count": 2})
    comparison = judged(base, head)
    assert verdict(comparison, PLAIN, "latency").status is Status.INCOMPARABLE
    assert verdict(comparison, PLAIN, "peak_allocated").status is Status.SAME


@pytest.mark.parametrize(
    ("there", "here", "status"), [("a", "a", Status.WORSE), ("a", "b", Status.SAME), (None, None, Status.SAME)]
)
def test_gpu_time_is_judged_more_closely_on_the_same_card(there: str | None, here: str | None, status: Status) -> None:
    base, head = (
        run_of(cell_document(PLAIN, {"gpu_busy": busy}), gpu=H200 | {"card": card})
        for busy, card in ((0.100, there), (0.102, here))
    )
    (verdict,) = (one for one in compare(base, head, baseline="base").verdicts if one.metric == "gpu_busy")
    assert verdict.status is status
    assert verdict.threshold == (0.01 if status is Status.WORSE else 0.03)


def test_a_package_that_older_files_did_not_look_for_is_told_only_where_both_did() -> None:
    old = run_of(PLAIN)
    new, newer = (run_of(PLAIN, software=SOFTWARE | {"huggingface-hub": version}) for version in ("2.3.0", "2.4.0"))
    for base, head in ((old, new), (new, old)):
        assert judged(base, head).changed == ()
    assert judged(new, newer).changed == ("huggingface-hub 2.3.0 -> 2.4.0",)


def test_software_never_blocks_a_comparison_and_is_listed_as_changed() -> None:
    head = run_of(cell_document(PLAIN, digest="beef"), software=SOFTWARE | {"torch": "2.13.0", "numpy": "2.4"})
    comparison = judged(run_of(PLAIN), head)
    assert {v.status for v in comparison.verdicts} == {Status.SAME}
    assert set(comparison.changed) == {
        "torch 2.11.0 -> 2.13.0",
        "numpy absent -> 2.4",
        "small checkpoint c0ffee -> beef",
    }
