"""What to take under limits: nothing that breaks one, nothing that another beats, and no order that is only luck."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.records import runfile
from reports.records.model import ModelRecord, schema_1_models
from reports.render import advice as words
from reports.render import terminal
from reports.verdicts.advice import Advice, Answer, Limits, advise
from reports.verdicts.apart import Standing, standing
from tests.builders import FUSED, H200, HOST, PLAIN, run_document, run_of
from tests.builders import proven_cell as cell

HALF = "small-eager-fp16-resident-dynamic-batch1"
MANY = "small-sdpa-fp16-resident-dynamic-batch8"
OFFLOADED = "small-sdpa-fp16-cpu_offload-dynamic-batch1"
NAMES = [
    f"small-{attention}-{precision}-{placement}-{decoding}-batch{batch}"
    for attention in ("eager", "sdpa")
    for precision in ("fp32", "fp16")
    for placement in ("resident", "cpu_offload")
    for decoding in ("dynamic", "cuda_graph")
    for batch in (1, 8)
]


def advised(*cells: dict[str, Any], memory: int | None = None, latency: float | None = None, **options: Any) -> Advice:
    return advise(run_of(*cells, **options), "run.json", Limits(memory, latency))


def one_of(advice: Advice) -> Answer:
    (answer,) = advice.answers
    return answer


def text_of(advice: Advice, width: int = 140) -> str:
    return terminal.to_text(terminal.advice(advice), width=width, colour=False)


runs = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=len(NAMES)).map(
    lambda costs: [cell(name, *map(float, cost)) for name, cost in zip(NAMES, costs, strict=False)]
)


@given(runs, st.integers(1, 9) | st.none(), st.integers(1, 9) | st.none())
@settings(max_examples=60, deadline=None)
def test_no_cell_of_the_front_is_beaten_and_every_other_one_is_beaten_or_breaks_a_limit(
    cells: list[dict[str, Any]], memory: int | None, latency: int | None
) -> None:
    for answer in advised(*cells, memory=memory and memory * 10**6, latency=latency).answers:
        limits = Limits(memory and memory * 10**6, latency)
        within = [one for one in answer.cells if limits.hold(one)]
        assert all(
            (memory is None or one.memory_bytes <= memory * 10**6) and (latency is None or one.latency_s <= latency)
            for one in (*answer.front, *answer.tied, *([answer.best] if answer.best else []))
        )
        for one in within:
            beaten = any(
                other.costs != one.costs and all(a <= b for a, b in zip(other.costs, one.costs, strict=True))
                for other in within
            )
            assert (one in answer.front) is not beaten
        assert not [one for one in answer.front if one not in within]
        assert (answer.best is None) is (not within)
        assert (answer.closest is None) is bool(within)


@given(runs)
@settings(max_examples=60, deadline=None)
def test_the_best_cell_is_not_slower_than_any_and_of_those_as_fast_none_needs_much_less(
    cells: list[dict[str, Any]],
) -> None:
    for answer in advised(*cells).answers:
        assert answer.best
        for other in answer.cells:
            assert standing(answer.best.timing, other.timing) is not Standing.SLOWER
            if standing(other.timing, answer.best.timing) is Standing.TIED:
                assert other.memory_bytes >= answer.best.memory_bytes / 1.02


def test_of_cells_as_fast_the_one_of_least_memory_is_taken_and_all_are_told() -> None:
    answer = one_of(advised(cell(PLAIN, 1.0, 900), cell(FUSED, 1.05, 500), cell(OFFLOADED, 2.0, 300)))
    assert answer.best
    assert (answer.best.cell, [one.cell for one in answer.tied]) == (FUSED, [PLAIN])
    assert [row[0] for row in words.table(answer).rows] == [
        "no optimization",
        "sdpa + fp16",
        "cpu_offload + sdpa + fp16",
    ]
    assert [row[-1] for row in words.table(answer).rows] == ["tied", "best", "+90 %"]


def test_of_cells_as_fast_and_as_small_the_one_of_least_drift_is_taken() -> None:
    drifted = cell(FUSED, 1.0, 500, logit_error_mean=0.1, top1_agreement=0.72)
    answer = one_of(advised(drifted, cell(HALF, 1.02, 505, logit_error_mean=0.004, top1_agreement=0.98)))
    assert answer.best
    assert answer.best.cell == HALF


def test_a_cell_as_fast_with_less_drift_is_shown_with_both_drifts_even_if_it_is_not_on_the_front() -> None:
    plain = cell(PLAIN, 1.01, 900, logit_error_mean=0.0, top1_agreement=1.0)
    answer = one_of(advised(cell(FUSED, 1.0, 500, logit_error_mean=0.1, top1_agreement=0.724), plain))
    assert [one.cell for one in answer.front] == [FUSED]
    assert [(row[0], *row[4:]) for row in words.table(answer).rows] == [
        ("sdpa + fp16", "72.4 %", "0.1", "best"),
        ("no optimization", "100.0 %", "0", "tied"),
    ]


def test_cells_of_another_environment_are_unclear_and_never_preferred_for_memory() -> None:
    document = run_document([
        cell(PLAIN, 1.0, 900), cell(FUSED, 1.9, 500, environment="env-b"), cell(HALF, 2.1, 700, environment="env-b"),
    ])  # fmt: skip
    document["suite"]["environments"] = {"env-b": {**document["machine_info"], "environment": "env-b"}}
    advice = advise(runfile.parse(document, "x"), "x", Limits())
    answer = one_of(advice)
    assert answer.best
    assert (answer.best.cell, [one.cell for one in answer.tied]) == (PLAIN, [FUSED])
    assert words.table(answer).rows[1][-1] == "unclear"
    assert "unclear: measured in another environment, where only a factor of 2 tells" in text_of(advice)


def test_cells_of_other_hardware_other_work_or_without_proof_cannot_be_chosen_and_are_counted() -> None:
    other_work = cell(HALF, 0.1, 1)
    other_work["extra_info"]["workload"]["digest"] = "less"
    document = run_document(
        [cell(PLAIN, 1.0, 900), cell(OFFLOADED, 1.0, 901), other_work, cell(FUSED, 0.1, 1, proven=False),
         cell(FUSED.replace("fp16", "bf16"), 0.1, 1, environment="env-b")],
        outcomes={FUSED.replace("sdpa", "flash_attention_2"): ("skipped", "needs flash-attn")},
    )  # fmt: skip
    elsewhere = {**document["machine_info"], "environment": "env-b", "gpu": H200 | {"model": "NVIDIA T4"}}
    document["suite"]["environments"] = {"env-b": elsewhere}
    advice = advise(runfile.parse(document, "x"), "x", Limits())
    assert [one.cell for one in one_of(advice).cells] == [PLAIN, OFFLOADED]
    assert sorted(advice.left_out.items()) == [
        (("measured", "on other hardware than the run's"), 1),
        (("measured", "with other work than most of its checkpoint and batch"), 1),
        (("measured", "without a proof that its optimizations were on"), 1),
        (("skipped", "needs flash-attn"), 1),
    ]
    assert "not known: 4 cells, which might be better: 1 measured (on other hardware" in text_of(advice)


def test_cells_that_several_workers_measured_can_be_chosen_where_the_machine_is_the_same() -> None:
    document = run_document([cell(PLAIN, 1.0, 900), cell(FUSED, 0.1, 900, environment="env-b")])
    busy = {**document["machine_info"], "environment": "env-b", "host": {**HOST, "workers": 4}}
    document["suite"]["environments"] = {"env-b": busy}
    answer = one_of(advise(runfile.parse(document, "x"), "x", Limits()))
    assert answer.best
    assert answer.best.cell == FUSED


def test_the_limit_holds_for_peak_reserved_and_a_cell_whose_tensors_fit_is_told() -> None:
    advice = advised(cell(PLAIN, 1.0, 1000), cell(FUSED, 2.0, 800), memory=950_000_000)
    assert one_of(advice).best is one_of(advice).cells[1]
    text = text_of(advice)
    assert "limits hold for peak reserved, what PyTorch took of the card" in text
    assert "might fit, since what was allocated would: no optimization" in text


def test_a_cell_that_is_too_slow_might_not_fit_however_small_its_tensors_are() -> None:
    assert not one_of(advised(cell(PLAIN, 1.0, 1000), memory=950_000_000, latency=0.9)).may_fit


def test_without_peak_reserved_the_limit_holds_for_peak_allocated_and_the_text_says_so() -> None:
    made = cell(PLAIN, 1.0, 1000)
    del made["extra_info"]["metrics"]["peak_reserved"]
    advice = advised(made, memory=900_000_000, gpu=None)
    assert advice.found
    assert words.table(one_of(advice)).header == ("cell", "latency", "allocated", "top-1", "logits", "vs best")
    assert "limits hold for peak allocated, what tensors held" in text_of(advice)
    assert "on the CPU" in text_of(advice)


def test_what_cuda_took_beside_pytorch_and_how_much_audio_is_made_stand_below() -> None:
    made = cell(PLAIN, 2.0, 1000, process_gpu_memory=1.75e9, real_time_factor=0.5)
    text = text_of(advised(made))
    assert "CUDA itself took up to 750.0 MB more" in text
    assert "on NVIDIA H200, a call of generate, which makes 4.000 s of audio a sample" in text


def test_batches_are_answered_apart_and_together_by_throughput() -> None:
    single, many, both = advised(cell(FUSED, 1.0, 500), cell(MANY, 2.0, 900), cell(PLAIN, 0.5, 950)).answers
    assert [one.best.cell for one in (single, many, both) if one.best] == [PLAIN, MANY, MANY]
    assert both.batches == (1, 8)
    assert words.table(both).rows == (
        ("sdpa + fp16", "8", "4", "900.0 MB", "-", "-", "best"),
        ("sdpa + fp16", "1", "1", "500.0 MB", "-", "-", "-75 %"),
    )
    assert words.verdict(both, Limits())[1].endswith("decoding=dynamic batch=8")


def test_batches_are_not_answered_together_where_only_one_of_them_fits() -> None:
    answers = advised(cell(FUSED, 1.0, 500), cell(MANY, 2.0, 900), latency=1.5).answers
    assert [(one.batches, bool(one.best)) for one in answers] == [((1,), True), ((8,), False)]


def test_where_nothing_fits_the_closest_cell_is_named_with_what_it_misses_by() -> None:
    advice = advised(cell(PLAIN, 1.0, 1000), cell(FUSED, 1.5, 550), memory=500_000_000, latency=1.2)
    (line,) = words.verdict(one_of(advice), advice.limits)
    assert line == (
        "nothing fits; closest is sdpa + fp16: 1.500 s, 550.0 MB reserved, "
        "50.0 MB (10 %) too much and 0.300 s (25 %) too long"
    )
    assert text_of(advice).startswith("Nothing fits 500.0 MB and 1.200 s\n")
    assert "measure again" not in text_of(advice)


def test_a_cell_whose_slower_rounds_break_the_limit_is_told() -> None:
    advice = advised(cell(PLAIN, 1.0, 500, spread=1.3), latency=1.2)
    assert "some rounds above 1.200 s: no optimization" in text_of(advice)


def test_a_time_that_no_clock_gives_is_not_advised() -> None:
    made = cell(FUSED, 1.0, 1)
    made["stats"]["data"][0] = 0.0
    assert [one.cell for one in one_of(advised(made, cell(PLAIN, 1.0, 500))).cells] == [PLAIN]


@pytest.mark.parametrize("name", [PLAIN, "a-b", ""])
def test_a_cell_s_name_holds_its_axes_or_nothing_is_known_of_it(name: str) -> None:
    expected = ["small", "eager", "fp32", "resident", "dynamic", 1] if name == PLAIN else []
    assert list(ModelRecord.model_validate(schema_1_models()["bark"]).values_in(name).values()) == expected
