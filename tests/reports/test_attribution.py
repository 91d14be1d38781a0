"""Why a cell changed: planted causes have to be named, by stage, operator, and number a token."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.records.schema import RunFile
from reports.render import markdown, summary, terminal
from reports.verdicts.compare import compare
from reports.verdicts.rules import Status
from reports.verdicts.verdict import Attribution, Comparison
from tests.builders import H200, SOFTWARE, run_of
from tests.counted import ADD, GEMM, STEPS, counted_cell

LAYERS = 12
EXTRA = LAYERS * STEPS["coarse"]
ELEMENTWISE: dict[str, Any] = {
    "plant": {
        "coarse": {
            "kernel_launches": EXTRA, "launch_calls": EXTRA, "aten_calls": EXTRA, "python_calls": EXTRA,
            "gpu_busy_s": 1e-6 * EXTRA,
        }
    },
    "uses": {("coarse", "operator_calls", "aten::add_"): EXTRA, ("coarse", "kernel_launches", ADD): EXTRA},
}  # fmt: skip
PYTHON: dict[str, Any] = {"plant": {"semantic": {"python_calls": 16 * 50}}, "latency": {"semantic": 0.1}, "step": 0.007}
ITEM: dict[str, Any] = {
    "plant": {"coarse": {"host_syncs": 48, "copies_to_host": 48, "copied_to_host_bytes": 384, "aten_calls": 96}},
    "uses": {
        ("coarse", "operator_calls", "aten::item"): 48,
        ("coarse", "operator_calls", "aten::_local_scalar_dense"): 48,
    },
}
SLOW_KERNELS: dict[str, Any] = {
    "plant": {"fine": {"gpu_busy_s": 0.010}},
    "uses": {("fine", "kernel_us", GEMM): 10_000.0},
    "latency": {"fine": 0.010},
}


def compared(base: dict[str, Any], head: dict[str, Any], gpu: Any = H200, **options: Any) -> Comparison:
    return compare(run_of(base, gpu=gpu), run_of(head, gpu=gpu, **options), baseline="base.json")


def why(base: dict[str, Any], head: dict[str, Any], **options: Any) -> Attribution:
    (found,) = compared(base, head, **options).attributions
    return found


def test_an_extra_elementwise_kernel_in_each_layer_is_named_with_its_stage_operator_and_number() -> None:
    found = why(counted_cell(), counted_cell(**ELEMENTWISE))
    assert found.sentence.startswith(
        "coarse: 12 more kernels a token, from aten::add_ (vectorized_elementwise_kernel<4, CUDAFunctor_add, array>); "
        "coarse carries 100% of the change in kernel_launches; host-bound, the GPU computes"
    )
    rows = {row.what: row for row in found.rows}
    kernel = rows[f"kernel {ADD}"]
    assert (kernel.base, kernel.head, kernel.per_step, kernel.shares) == (0, EXTRA, LAYERS, {"coarse": 1.0})
    assert rows["operator aten::add_"].per_step == LAYERS
    assert rows["kernel_launches"].shares == {"coarse": 1.0}
    assert rows["kernel_launches"].per_step == LAYERS


def test_work_in_python_alone_is_the_hosts() -> None:
    found = why(counted_cell(), counted_cell(**PYTHON))
    assert found.sentence.startswith(
        "slower: semantic: 50 more Python calls a token on the host, with the same operators and kernels; "
        "semantic carries 100% of the change in python_calls and 100% of the change in latency; host-bound"
    )


def test_slower_steps_with_every_count_the_same_are_the_hosts() -> None:
    found = why(counted_cell(), counted_cell(step=0.007, latency={"coarse": 0.3}))
    assert found.sentence.startswith(
        "slower: coarse: the same operators, kernels, Python calls and GPU time take longer on the host; coarse carries"
    )


def test_an_item_in_the_loop_is_a_synchronization() -> None:
    found = why(counted_cell(), counted_cell(**ITEM))
    assert found.sentence.startswith("coarse: 1 more synchronization a token, by aten::item; coarse carries 100% of")


def test_an_item_in_the_loop_is_found_on_a_cpu_as_well() -> None:
    found = why(counted_cell(gpu=False), counted_cell(**ITEM, gpu=False), gpu=None)
    assert found.sentence.startswith(
        "coarse: 1 more aten::item call a token (a synchronization on a GPU); coarse carries 100% of the change in "
    )
    assert (found.busy_share, found.bound) == (None, "")


def test_one_more_synchronization_a_generation_is_not_told_as_a_fraction_of_a_token() -> None:
    found = why(counted_cell(), counted_cell({"coarse": {"host_syncs": 1}}))
    assert found.sentence.startswith("coarse: 1 more synchronization in the counted generation")


def test_slower_kernels_are_the_gpus() -> None:
    found = why(counted_cell(), counted_cell(**SLOW_KERNELS))
    assert found.sentence.startswith(
        f"fine: the same number of kernels keeps the GPU busy 25.0% longer (most in {GEMM}, +10 ms); fine carries 100%"
    )


def at_clock(cell: dict[str, Any], mhz: int) -> dict[str, Any]:
    cell["extra_info"]["rounds"]["sm_clock_mhz"] = [mhz - 15, mhz, mhz, mhz + 15] * 20
    return cell


@pytest.mark.parametrize(
    ("planted", "where"),
    [
        (SLOW_KERNELS, f"keeps the GPU busy 25.0% longer (most in {GEMM}, +10 ms)"),
        (
            {"step": 0.007, "latency": {"coarse": 0.3}},
            "the same operators, kernels, Python calls and GPU time take longer",
        ),
    ],
    ids=["GPU time", "steps"],
)
def test_a_card_that_ran_at_a_lower_clock_is_told_with_what_took_longer(planted: dict[str, Any], where: str) -> None:
    found = why(at_clock(counted_cell(), 1_980), at_clock(counted_cell(**planted), 1_200))
    assert f"{where}: the card ran at 1,200 MHz instead of 1,980 MHz; " in found.sentence
    assert "on the host" not in found.sentence


@pytest.mark.parametrize("mhz", [1_935, 1_980, 2_200], ids=["a step lower", "the same", "higher"])
def test_a_clock_that_cannot_be_the_cause_is_not_told(mhz: int) -> None:
    found = why(at_clock(counted_cell(), 1_980), at_clock(counted_cell(**SLOW_KERNELS), mhz))
    assert "MHz" not in found.sentence


@pytest.mark.parametrize(("latency", "bound"), [(0.0, "host"), (-1.6, "GPU")])
def test_the_busy_share_is_scaled_from_the_counted_tokens_to_the_round(latency: float, bound: str) -> None:
    stages = {"semantic": latency / 4, "coarse": latency * 5 / 8, "fine": latency / 8 * 0.5}
    found = why(counted_cell(latency=stages), counted_cell({"coarse": {"kernel_launches": 48}}, latency=stages))
    busy_s = 4 * 0.016 + 4 * 0.040 + 0.040 + 4 * 0.001
    assert found.busy_share == pytest.approx(busy_s / (2.0 + sum(stages.values())))
    assert found.bound == bound
    assert f"{bound}-bound, the GPU computes {found.busy_share:.0%} of the time" in found.sentence


def test_fewer_kernels_that_take_longer_are_both_told() -> None:
    head = counted_cell({"coarse": {"kernel_launches": -48, "gpu_busy_s": 0.020}})
    sentence = why(counted_cell(), head).sentence
    assert sentence.startswith("coarse: its kernels keep the GPU busy 50.0% longer and 1 fewer kernel a token")


def test_changed_versions_are_named() -> None:
    newer = {**SOFTWARE, "torch": "2.12.0"}
    found = why(counted_cell(), counted_cell(**ELEMENTWISE), software=newer)
    assert found.sentence.endswith("; changed: torch 2.11.0 -> 2.12.0")
    nothing = counted_cell()
    nothing["extra_info"]["metrics"]["weights"]["value"] = 5e8
    found = why(counted_cell(), nothing, software=newer)
    assert found.sentence.startswith("no counter explains it; host-bound")
    assert found.sentence.endswith("changed: torch 2.11.0 -> 2.12.0")


plants = st.sampled_from([ELEMENTWISE, PYTHON, ITEM, SLOW_KERNELS, {"latency": {"coarse": 1.0}, "step": 0.02}])


@given(plants)
def test_a_record_against_itself_attributes_nothing(planted: dict[str, Any]) -> None:
    assert compared(counted_cell(**planted), counted_cell(**planted)).attributions == ()


OPPOSITE = {"more": "fewer", "longer": "shorter", "slower:": "faster:"}


@given(plants, plants)
@settings(max_examples=25, deadline=None)
def test_swapping_the_records_turns_the_sentence_around(one: dict[str, Any], other: dict[str, Any]) -> None:
    there, back = (compared(counted_cell(**a), counted_cell(**b)).attributions for a, b in ((one, other), (other, one)))
    assert [turned(found.sentence) for found in there] == [told(found.sentence) for found in back]
    assert [found.stage for found in there] == [found.stage for found in back]
    for forth, again in zip(there, back, strict=True):
        assert {(row.what, row.base, row.head) for row in forth.rows} == {
            (row.what, row.head, row.base) for row in again.rows
        }


def told(sentence: str) -> str:
    """Without the busy share, which is the run's alone."""
    return "; ".join(part for part in sentence.split("; ") if "-bound" not in part)


def turned(sentence: str) -> str:
    words = OPPOSITE | {new: old for old, new in OPPOSITE.items()}
    signs = str.maketrans("+-", "-+")
    return " ".join(
        words.get(word, word.translate(signs) if word[:1] in "+-" else word) for word in told(sentence).split(" ")
    )


@pytest.mark.parametrize("absent", ["base", "head", "both"])
def test_without_counters_there_is_no_sentence_and_no_error(absent: str) -> None:
    base, head = counted_cell(), counted_cell(**ELEMENTWISE)
    for name, cell in (("base", base), ("head", head)):
        if absent in (name, "both"):
            cell["extra_info"]["counters"] = None
    comparison = compared(base, head)
    assert Status.WORSE in {verdict.status for verdict in comparison.verdicts}
    assert comparison.attributions == ()


def test_records_of_before_the_steps_were_stored_are_read() -> None:
    base, head = counted_cell(), counted_cell(**ELEMENTWISE)
    for key in ("steps", "scale"):
        del base["extra_info"]["counters"][key]
    assert "12 more kernels a token" in why(base, head).sentence
    for key in ("steps", "scale"):
        del head["extra_info"]["counters"][key]
    found = why(base, head)
    assert found.sentence.startswith("coarse: 576 more kernels in the counted generation, from aten::add_")
    assert found.bound == ""


def test_generations_of_other_lengths_explain_nothing() -> None:
    base = counted_cell()
    base["extra_info"]["counters"]["steps"]["coarse"] = 12
    assert compared(base, counted_cell(**ELEMENTWISE)).attributions == ()


def test_a_new_name_in_a_list_that_was_cut_off_is_still_counted() -> None:
    base, head = counted_cell(), counted_cell(**ELEMENTWISE)
    for cell in (base, head):
        cell["extra_info"]["counters"]["parts"]["coarse"]["kernel_launches"] += 500
        cell["extra_info"]["metrics"]["kernel_launches"]["value"] += 500
    base["extra_info"]["counters"]["top"]["coarse"]["kernel_launches"]["last from aten::max"] = 48
    assert why(base, head).sentence.startswith("coarse: 12 more kernels a token, from aten::add_ (vec")


def planted() -> tuple[RunFile, Comparison]:
    head = run_of(counted_cell(**ELEMENTWISE))
    return head, compare(run_of(counted_cell()), head, baseline="base.json")


def test_the_sentence_and_the_table_stand_below_the_cells_verdicts() -> None:
    head, comparison = planted()
    lines = terminal.to_text(terminal.verdicts(comparison), width=160, colour=False).split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith("  why: coarse: 12 more kernels a token"))
    assert "worse" in lines[at - 1]
    assert any(line.split() == ["kernel_launches", "coarse", "7,100", "7,676", "+12"] for line in lines[at:])
    report = markdown.report(head, comparison, "")
    assert "\n  - why: coarse: 12 more kernels a token, from aten::add\\_ (" in report
    assert (
        "\n\n    | what changed | where | baseline | this run | a token or pass |\n    | --- | --- | ---: |" in report
    )
    assert "\n    | operator aten::add\\_ | coarse | 0 | 576 | +12 |\n" in report


def test_programs_and_the_failing_test_get_it_too() -> None:
    _, comparison = planted()
    (written,) = json.loads(json.dumps(summary.as_json(comparison)))["attributions"]
    assert (written["stage"], written["bound"]) == ("coarse", "host")
    assert {"what", "unit", "base", "head", "shares", "per_step"} == written["rows"][0].keys()
    message = summary.cell_message(comparison.verdicts, comparison.attributions[0])
    assert message.split("\n")[-1].startswith("why: coarse: 12 more kernels a token")
