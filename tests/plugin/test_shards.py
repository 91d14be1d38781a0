from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.plugin.sharding import BALANCED, Shard, balanced, parse_shard, split
from fixtures.cells import product
from fixtures.errors import SuiteError

CELLS = [scenario.id for scenario in product()]

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
