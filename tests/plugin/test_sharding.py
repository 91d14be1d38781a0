from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.plugin.sharding import (
    BALANCED,
    Durations,
    Shard,
    balanced,
    measured,
    parse_shard,
    split,
    warm_up_keys,
)
from fixtures.errors import SuiteError
from fixtures.levels import LEVELS, choose_level
from reports.errors import ReportError
from reports.records import baselines, runfile
from tests.builders import FUSED, PLAIN, cell_document, run_of
from tests.lanes import MATRIX

CELLS = [cell.id for cell in MATRIX]

durations = st.lists(st.integers(1, 500), min_size=1, max_size=60).flatmap(
    lambda values: st.permutations(CELLS).map(
        lambda order: dict(zip(sorted(order[: len(values)], key=CELLS.index), map(float, values), strict=True))
    )
)


@pytest.mark.parametrize(
    "text", ["0/2", "3/2", "x", "", "1", "1/", "/2", "1/2/3", "-1/2", "1.0/2", "\u0661/2", "1/0", " 1/2"]
)
def test_what_is_no_shard_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(SuiteError, match=r"give K/N with K from 1 to N, such as --shard=1/2"):
        parse_shard(text)


def test_a_shard_is_written_as_it_is_read() -> None:
    assert parse_shard("2/3") == Shard(2, 3)
    assert str(Shard(2, 3)) == "2/3"


@given(durations, st.integers(1, 8))
def test_every_cell_is_in_one_shard_and_no_shard_is_empty(seconds: dict[str, float], number: int) -> None:
    shares = balanced(seconds, number)
    assert len(shares) == min(number, len(seconds))
    assert all(shares)
    assert sorted(cell for cells in shares for cell in cells) == sorted(seconds)


@given(durations, st.integers(1, 8))
def test_keeping_checkpoints_together_costs_little_of_the_balance(seconds: dict[str, float], number: int) -> None:
    longest = max(sum(seconds[cell] for cell in cells) for cells in balanced(seconds, number))
    loads = [0.0] * number
    for value in sorted(seconds.values(), reverse=True):  # the longest first to whoever has least to do
        loads[loads.index(min(loads))] += value
    assert longest <= BALANCED * max(loads) + 1e-6


@given(durations, st.integers(1, 6))
def test_every_host_computes_the_same_split(seconds: dict[str, float], of: int) -> None:
    of = min(of, len(seconds))
    splits = [split(Shard(number, of), seconds) for number in range(1, of + 1)]
    assert len({one.record().split for one in splits}) == 1
    for cell in seconds:
        assert sum(one.held_by[cell] == one.shard.number for one in splits) == 1
    assert sum(one.share for one in splits) == pytest.approx(1.0)


def test_checkpoints_stay_whole_where_that_is_balanced() -> None:
    seconds = {cell: 10.0 for cell in CELLS if cell.startswith(("small-", "large-"))}
    shares = balanced(seconds, 2)
    assert [{cell.split("-")[0] for cell in cells} for cells in shares] == [{"small"}, {"large"}]


def test_a_checkpoint_is_parted_once_where_whole_ones_are_unbalanced() -> None:
    seconds = {cell: 10.0 if cell.startswith("small-") else 20.0 for cell in CELLS if not cell.startswith("tiny-")}
    shares = balanced(seconds, 2)
    assert sorted(len({cell.split("-")[0] for cell in cells}) for cells in shares) == [1, 2]
    assert [sum(seconds[cell] for cell in cells) for cells in shares] == [sum(seconds.values()) / 2] * 2


def test_a_cell_as_long_as_all_others_together_has_its_own_shard() -> None:
    first, *others = CELLS[:9]
    assert balanced({first: 8.0, **dict.fromkeys(others, 1.0)}, 2) == [[first], others]


def test_another_selection_or_another_duration_is_another_split() -> None:
    seconds = {cell: float(number) for number, cell in enumerate(CELLS[:20], 1)}
    digest = split(Shard(1, 2), seconds).record().split
    assert split(Shard(1, 3), seconds).record().split != digest
    assert split(Shard(1, 2), dict(list(seconds.items())[1:])).record().split != digest
    assert split(Shard(1, 2), {**seconds, CELLS[0]: 500.0}).record().split != digest


@pytest.mark.parametrize("cells", [[], CELLS[:2]])
def test_a_shard_for_which_no_cell_is_left_says_so(cells: list[str]) -> None:
    with pytest.raises(
        SuiteError, match=f"--shard=3/3 has nothing to measure: the selection leaves {len(cells)} cells"
    ):
        split(Shard(3, 3), dict.fromkeys(cells, 1.0))


EIGHT = "small-sdpa-fp16-resident-dynamic-batch8"
LARGE = "large-sdpa-fp16-resident-dynamic-batch1"
HALF = "small-eager-fp16-resident-dynamic-batch1"

PR, NIGHTLY = LEVELS["pr"], LEVELS["nightly"]


def with_phases(cell: str, **phases: float) -> dict[str, Any]:
    document = cell_document(cell)
    document["extra_info"]["phases"] = phases
    return document


def stored(root: Path, level: str, *cells: Any) -> Path:
    path = baselines.folder(root, "nvidia-h200", "current", level) / baselines.FILE
    runfile.write(path, run_of(*cells, level=level))
    return path


def test_a_cell_takes_as_long_as_its_own_phases_in_the_baseline_with_the_rounds_of_this_run(tmp_path: Path) -> None:
    """The builder's rounds take 2.1 s in the median."""
    path = stored(tmp_path, "pr", with_phases(PLAIN, load=4.0, rounds=6.0, reference=100.0, rerun=50.0))
    found = measured(MATRIX, tmp_path, "nvidia-h200", "current", PR)
    assert found.source == path
    assert found.seconds == {PLAIN: pytest.approx(4.0 + 10 * 2.1)}
    three = choose_level("pr", "NVIDIA H200", (), rounds=3)
    assert measured(MATRIX, tmp_path, "nvidia-h200", "current", three).seconds == {PLAIN: pytest.approx(4.0 + 3 * 2.1)}


def test_a_baseline_without_phases_tells_its_rounds(tmp_path: Path) -> None:
    stored(tmp_path, "pr", PLAIN)
    assert measured(MATRIX, tmp_path, "nvidia-h200", "current", PR).seconds == {PLAIN: pytest.approx(21.0)}


def test_another_levels_baseline_stands_in_only_where_there_is_none(tmp_path: Path) -> None:
    pr = stored(tmp_path, "pr", PLAIN)
    assert measured(MATRIX, tmp_path, "nvidia-h200", "current", NIGHTLY).source == pr
    nightly = stored(tmp_path, "nightly", PLAIN)
    assert measured(MATRIX, tmp_path, "nvidia-h200", "current", NIGHTLY).source == nightly
    assert measured(MATRIX, tmp_path, "nvidia-h200", "blog", NIGHTLY) == Durations(MATRIX)


def test_another_gpus_baseline_stands_in_where_this_one_has_none(tmp_path: Path) -> None:
    other = stored(tmp_path, "pr", PLAIN)
    assert measured(MATRIX, tmp_path, "nvidia-h100", "current", NIGHTLY).source == other
    assert measured(MATRIX, tmp_path, "cpu", "current", NIGHTLY) == Durations(MATRIX), "a CPU measures other cells"
    own = baselines.folder(tmp_path, "nvidia-h100", "current", "pr") / baselines.FILE
    runfile.write(own, run_of(FUSED, level="pr"))
    assert measured(MATRIX, tmp_path, "nvidia-h100", "current", NIGHTLY).source == own


def test_a_damaged_baseline_is_not_passed_over(tmp_path: Path) -> None:
    path = stored(tmp_path, "pr", PLAIN)
    path.write_text(path.read_text()[:-200])
    with pytest.raises(ReportError, match=str(path)):
        measured(MATRIX, tmp_path, "nvidia-h200", "current", PR)


def test_a_cell_that_the_baseline_lacks_takes_as_long_as_its_neighbours() -> None:
    known = Durations(MATRIX, {PLAIN: 10.0, FUSED: 4.0, EIGHT: 40.0, LARGE: 90.0})
    assert known.of([MATRIX[PLAIN]]) == {PLAIN: 10.0}
    assert known.estimate(MATRIX[HALF]) == 7.0, "one axis from each of the first two"
    assert known.estimate(MATRIX["large-eager-fp16-resident-dynamic-batch1"]) == 90.0, "the checkpoint counts more"
    assert known.estimate(MATRIX["small-eager-fp32-cpu_offload-dynamic-batch8"]) == 40.0, "and so does the batch"


def test_without_a_baseline_all_cells_take_as_long() -> None:
    assert Durations(MATRIX).of([MATRIX[PLAIN], MATRIX[FUSED]]) == {PLAIN: 1.0, FUSED: 1.0}


def test_what_the_first_cell_of_a_process_readies_is_told_apart_from_the_cell(tmp_path: Path) -> None:
    """The builder's rounds take 2.1 s in the median."""
    first = with_phases(FUSED, reference=3.0, load=1.0, cold_start=40.0, rounds=21.0)
    later = with_phases(FUSED.replace("resident", "cpu_offload"), load=1.0, cold_start=2.0, rounds=21.0)
    stored(tmp_path, "pr", first, later)
    found = measured(MATRIX, tmp_path, "nvidia-h200", "current", PR)
    assert found.seconds[FUSED] == pytest.approx(1 + 2.1 + 10 * 2.1)
    assert found.seconds[FUSED.replace("resident", "cpu_offload")] == pytest.approx(1 + 2.0 + 10 * 2.1)
    assert found.first == dict(zip(warm_up_keys(MATRIX[FUSED]), (3.0, pytest.approx(40 - 2.1)), strict=True))


def test_in_a_split_each_cell_has_its_share_of_what_is_readied_once() -> None:
    offloaded = FUSED.replace("resident", "cpu_offload")
    work, kernels = warm_up_keys(MATRIX[FUSED])
    known = Durations(MATRIX, {FUSED: 10.0, offloaded: 20.0, PLAIN: 5.0}, {kernels: 30.0, work: 9.0})
    assert known.with_shares([MATRIX[cell] for cell in (FUSED, offloaded, PLAIN)]) == {
        FUSED: 28.0,
        offloaded: 38.0,
        PLAIN: 8.0,
    }
    assert known.with_shares([MATRIX[FUSED]]) == {FUSED: 49.0}
