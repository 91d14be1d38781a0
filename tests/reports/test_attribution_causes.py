"""Planted causes together, in more than one stage, or gone again: what leads is named first, and once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reports.verdicts.compare import compare
from tests.builders import H200, run_of
from tests.counted import ADD, STEPS, counted_cell

NEG = "vectorized_elementwise_kernel<4, neg_kernel_cuda, array> from aten::neg"
Uses = dict[tuple[str, str, str], float]


def kernels(stage: str, each: int, kernel: str = ADD) -> tuple[dict[str, Any], Uses]:
    """More launches of a kernel a token, with what comes along: its operator, and Python that calls it."""
    more = each * STEPS[stage]
    moved = dict.fromkeys(("kernel_launches", "launch_calls", "aten_calls", "python_calls", "allocations"), more)
    operator = kernel.rpartition(" from ")[2]
    return {stage: moved}, {(stage, "operator_calls", operator): more, (stage, "kernel_launches", kernel): more}


def items(stage: str, each: int = 1) -> tuple[dict[str, Any], Uses]:
    """`.item()` in each step, with all that it moves on a GPU: a wait, a copy of 8 bytes, two operators, a hook."""
    more = each * STEPS[stage]
    moved = {
        "host_syncs": more, "copies_to_host": more, "copied_to_host_bytes": 8 * more, "aten_calls": 2 * more,
        "python_calls": 3 * more,
    }  # fmt: skip
    return {stage: moved}, {
        (stage, "operator_calls", "aten::item"): more,
        (stage, "operator_calls", "aten::_local_scalar_dense"): more,
    }


def python(stage: str, each: int = 50) -> tuple[dict[str, Any], Uses]:
    return {stage: {"python_calls": each * STEPS[stage]}}, {}


def cell(*plants: tuple[Mapping[str, Mapping[str, float]], Uses], **options: Any) -> dict[str, Any]:
    """A cell with all of these."""
    together: dict[str, dict[str, float]] = {}
    uses: Uses = {}
    for plant, used in plants:
        for stage, moved in plant.items():
            counted = together.setdefault(stage, {})
            for name, number in moved.items():
                counted[name] = counted.get(name, 0) + number
        for use, number in used.items():
            uses[use] = uses.get(use, 0) + number
    return counted_cell(together, uses=uses, **options)


def why(head: dict[str, Any], base: dict[str, Any] | None = None, gpu: Any = H200) -> str:
    base = base or counted_cell(gpu=bool(gpu))
    (found,) = compare(run_of(base, gpu=gpu), run_of(head, gpu=gpu), baseline="base.json").attributions
    return found.sentence


def test_all_that_an_item_moves_on_a_gpu_is_told_as_one_synchronization() -> None:
    told = why(cell(items("coarse"))).split("; ")
    assert told[:2] == [
        "coarse: 1 more synchronization a token, by aten::item",
        "coarse carries 100% of the change in host_syncs",
    ]
    assert told[2].startswith("host-bound")
    assert len(told) == 3


def test_an_item_of_something_computed_for_it_is_a_synchronization_and_a_kernel() -> None:
    assert why(cell(items("coarse"), kernels("coarse", 1, NEG))).startswith(
        "coarse: 1 more synchronization a token, by aten::item and 1 more kernel a token, from aten::neg (vectorized_"
    )


def test_synchronizations_that_an_item_does_not_explain_are_not_said_to_be_its() -> None:
    others: tuple[dict[str, Any], Uses] = {"coarse": {"host_syncs": 2 * STEPS["coarse"]}}, {}
    sentence = why(cell(items("coarse"), others))
    assert sentence.startswith("coarse: 3 more synchronizations a token, 1 of them by aten::item;")
    fewer: tuple[dict[str, Any], Uses] = {"coarse": {"host_syncs": -2 * STEPS["coarse"]}}, {}
    assert why(cell(items("coarse"), fewer)).startswith("coarse: 1 fewer synchronization a token;")


def test_an_item_of_a_value_that_is_on_the_host_is_no_synchronization() -> None:
    moved, uses = items("coarse")
    on_host = {"coarse": {name: moved["coarse"][name] for name in ("aten_calls", "python_calls")}}
    sentence = why(cell((on_host, uses)))
    assert sentence.startswith("coarse: 2 more operator calls a token (aten::_local_scalar_dense +1, aten::item +1), ")
    assert "synchronization" not in sentence


def test_an_item_among_other_operators_is_told_on_a_cpu() -> None:
    sentence = why(cell(items("coarse"), kernels("coarse", 4), kernels("coarse", 3, NEG), gpu=False), gpu=None)
    assert sentence.startswith(
        "coarse: 9 more operator calls a token (aten::add_ +4, aten::neg +3, aten::_local_scalar_dense +1): "
        "aten::item +1 a token, a synchronization on a GPU; coarse carries 100%"
    )


def test_a_change_in_two_stages_names_the_other_one_too() -> None:
    sentence = why(cell(kernels("coarse", 12), kernels("semantic", 12)))
    assert sentence.startswith("coarse: 12 more kernels a token, from aten::add_ (vectorized_elementwise_kernel<4, ")
    assert "; coarse carries 75% of the change in kernel_launches (semantic 25%); " in sentence


@pytest.mark.parametrize("gpu", [H200, None])
def test_python_in_one_stage_and_work_in_another_are_two_causes(gpu: Any) -> None:
    sentence = why(cell(items("coarse"), python("semantic"), gpu=bool(gpu)), gpu=gpu)
    first = "1 more synchronization a token, by aten::item" if gpu else "1 more aten::item call a token (a "
    same = "operators and kernels" if gpu else "operators"
    assert sentence.startswith(f"coarse: {first}")
    assert f" and semantic: 50 more Python calls a token on the host, with the same {same}; coarse carries" in sentence


def test_python_is_told_apart_also_where_another_gpu_model_runs_other_kernels() -> None:
    head = cell(items("coarse"), python("semantic"), ({"semantic": {"kernel_launches": -24}}, {}))
    there, here = run_of(counted_cell(), gpu=H200), run_of(head, gpu=H200 | {"model": "NVIDIA H100"})
    (found,) = compare(there, here, baseline="base.json").attributions
    assert " and semantic: 50 more Python calls a token on the host, with the same operators; " in found.sentence


def test_python_that_comes_with_work_in_its_own_stage_is_no_cause() -> None:
    assert "Python" not in why(cell(kernels("coarse", 12), python("coarse")))
    assert "Python" not in why(cell(kernels("coarse", 12), kernels("semantic", 6), python("semantic")))
    assert "Python" not in why(cell(kernels("coarse", 12), python("codec", 1)))


def test_the_stage_that_carries_the_time_is_named_where_it_is_not_the_one_with_the_work() -> None:
    head = cell(kernels("coarse", 12), latency={"fine": 3.0}, step=0.007)
    sentence = why(head)
    assert sentence.startswith("slower: coarse: 12 more kernels a token")
    assert (
        "; coarse carries 100% of the change in kernel_launches; fine carries 100% of the change in latency" in sentence
    )


def test_what_vanished_is_told_as_fewer() -> None:
    assert why(counted_cell(), cell(kernels("coarse", 12))).startswith(
        "coarse: 12 fewer kernels a token, from aten::add_ (vectorized_elementwise_kernel<4, CUDAFunctor_add, array>);"
    )
    assert why(counted_cell(gpu=False), cell(kernels("coarse", 12), gpu=False), gpu=None).startswith(
        "coarse: 12 fewer aten::add_ calls a token; coarse carries 100% of the change in aten_calls"
    )
    assert why(counted_cell(), cell(items("coarse"))).startswith(
        "coarse: 1 fewer synchronization a token, by aten::item;"
    )


def test_an_operator_that_took_the_place_of_another_is_told_with_it() -> None:
    assert why(cell(kernels("coarse", 24, NEG)), cell(kernels("coarse", 12))).startswith(
        "coarse: 12 more kernels a token (aten::neg +24, aten::add_ -12); coarse carries 100%"
    )


def peak(cell: dict[str, Any], more: float, stage: str = "") -> dict[str, Any]:
    """A cell with so much higher a peak of memory, which one of its stages holds, if any."""
    cell["extra_info"]["metrics"]["peak_allocated"]["value"] += more
    if stage:
        cell["extra_info"]["counters"]["parts"][stage]["peak_bytes"] += more
    return cell


def test_a_peak_of_memory_that_moved_is_told_beside_the_work_that_did() -> None:
    plain, high = counted_cell(), peak(cell(kernels("coarse", 12)), 64e6, "fine")
    assert "; coarse carries 100% of the change in kernel_launches; fine: its peak is 64.0 MB higher; " in why(
        high, plain
    )
    assert "; coarse carries 100% of the change in kernel_launches; fine: its peak is 64.0 MB lower; " in why(
        plain, high
    )
    assert why(peak(counted_cell(), 64e6, "fine"), plain).startswith("fine: its peak is 64.0 MB higher; host-bound")


def test_of_stages_whose_peaks_moved_the_one_that_holds_the_peak_is_told() -> None:
    base = peak(counted_cell(), 0)
    head = peak(counted_cell(), 16e6, "coarse")
    head["extra_info"]["counters"]["parts"]["fine"]["peak_bytes"] += 15e6
    base["extra_info"]["counters"]["parts"]["fine"]["peak_bytes"] -= 5e5
    base["extra_info"]["counters"]["parts"]["semantic"]["peak_bytes"] -= 9e5
    assert why(head, base).startswith("coarse: its peak is 16.0 MB higher")


def test_a_peak_that_no_stage_explains_is_told_beside_other_work_only() -> None:
    told = why(peak(cell(kernels("coarse", 12)), 64e6))
    assert "; peak memory is 64.0 MB higher, by no stage that is counted; host-bound" in told
    run = run_of(peak(counted_cell(), 64e6))
    assert compare(run_of(counted_cell()), run, baseline="base.json").attributions == ()
