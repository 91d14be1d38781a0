from __future__ import annotations

from typing import Any

from benchmarks.plugin.only_there import only_there
from fixtures.levels import LEVELS
from fixtures.machine.gpus import Machine
from fixtures.pairs.worker import runnable
from tests.lanes import MATRIX

CURRENT = {"transformers": "5.23.0", "optimum": "2.3.0"}
BLOG = {"transformers": "4.48.3", "optimum": "1.24.0"}
FLASH = CURRENT | {"flash-attn": "2.8.3"}
H200 = "NVIDIA H200"


def described(packages: dict[str, str], gpu: str | None = None) -> dict[str, Any]:
    """What a worker of this very tree says of itself."""
    return {"environment": {"software": {"python": "3.12.3", **packages}}, **runnable(MATRIX, Machine(gpu, packages))}


def test_what_both_sides_skip_alike_is_on_neither_side_alone() -> None:
    for gpu in (None, H200):
        assert only_there(described(CURRENT, gpu), MATRIX, LEVELS["smoke"], Machine(gpu, CURRENT)) == {}


def test_a_cell_that_the_other_sides_packages_alone_can_run_is_explained_by_them() -> None:
    found = only_there(described(BLOG), MATRIX, LEVELS["smoke"], Machine(None, CURRENT))
    assert set(found.values()) == {"packages"}
    assert {MATRIX[cell].name("attention") for cell in found} == {"bettertransformer"}
    assert {MATRIX[cell].checkpoint for cell in found} == {"tiny"}, "at this level"
    assert only_there(described(CURRENT), MATRIX, LEVELS["smoke"], Machine(None, BLOG)) == {}


def test_a_cell_that_the_other_tree_alone_can_run_is_lost_whatever_the_packages() -> None:
    lost = "tiny-eager-fp32-cpu_offload-dynamic-batch1"
    for packages in (CURRENT, BLOG):
        there = described(packages)
        there["runs"]["cpu"].append(lost)
        assert only_there(there, MATRIX, LEVELS["smoke"], Machine(None, CURRENT))[lost] == "tree"


def test_a_cell_of_an_axis_value_that_this_tree_has_no_more_is_lost() -> None:
    gone = "tiny-eager-fp8-resident-dynamic-batch1"
    there = described(CURRENT)
    there["runs"]["cpu"] += [gone, gone.replace("tiny", "small")]
    there["levels"]["smoke"].append(gone)
    assert only_there(there, MATRIX, LEVELS["smoke"], Machine(None, CURRENT)) == {gone: "tree"}, (
        "of this level's checkpoints"
    )


def test_checkpoints_that_a_level_here_has_lost_are_lost() -> None:
    there = described(CURRENT)
    small = "small-eager-fp32-resident-dynamic-batch1"
    there["levels"]["smoke"].append(small)
    found = only_there(there, MATRIX, LEVELS["smoke"], Machine(None, CURRENT))
    assert {(MATRIX[cell].checkpoint, why) for cell, why in found.items()} == {("small", "tree")}


def test_a_card_that_the_run_leaves_alone_makes_no_difference() -> None:
    assert only_there(described(FLASH, H200), MATRIX, LEVELS["pr"], Machine(None, CURRENT)) == {}
    found = only_there(described(FLASH, H200), MATRIX, LEVELS["pr"], Machine(H200, CURRENT))
    assert {MATRIX[cell].name("attention") for cell in found} == {"flash_attention_2"}


def test_a_checkout_that_does_not_say_what_it_can_run_finds_nothing() -> None:
    assert only_there({"environment": {"software": CURRENT}}, MATRIX, LEVELS["smoke"], Machine(None, CURRENT)) == {}
