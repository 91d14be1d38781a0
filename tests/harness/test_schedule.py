from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.harness.schedule import Busy, checkpoint_of, next_cell

A, B, C, D = ("small-a", "small-b", "large-c", "large-d")


def played(queue: Mapping[str, float], workers: int) -> dict[str, list[tuple[str, float]]]:
    """Each worker's cells with the seconds at which they start, where every cell takes as long as expected."""
    left, done = dict(queue), {f"gw{number}": list[tuple[str, float]]() for number in range(workers)}
    free, open_ = dict.fromkeys(done, 0.0), set(done)
    while open_:
        name = min(sorted(open_), key=lambda one: free[one])
        busy = [Busy(one, free[one], checkpoint_of(done[one][-1][0]) if done[one] else "") for one in sorted(open_)]
        cell = next_cell(name, busy, left)
        if cell is None:
            open_.remove(name)
            continue
        done[name].append((cell, free[name]))
        free[name] += left.pop(cell)
    assert not left
    return done


def test_the_longest_cell_of_a_checkpoint_comes_first() -> None:
    assert next_cell("gw0", [Busy("gw0", 0.0, "small")], {A: 1.0, B: 5.0, C: 9.0}) == B


def test_workers_start_with_different_checkpoints_and_stay_with_them() -> None:
    queue = {A: 10.0, B: 10.0, C: 10.0, D: 10.0}
    cells = [[cell for cell, _ in own] for own in played(queue, 2).values()]
    assert cells == [[A, B], [C, D]]


def test_a_worker_without_a_cell_of_its_checkpoint_takes_one_of_another() -> None:
    assert next_cell("gw0", [Busy("gw0", 0.0, "small"), Busy("gw1", 30.0, "large")], {C: 9.0, D: 3.0}) == C


def test_a_checkpoint_with_more_work_gets_more_workers() -> None:
    queue = {f"large-{number}": 10.0 for number in range(6)} | {f"small-{number}": 10.0 for number in range(2)}
    first = [checkpoint_of(own[0][0]) for own in played(queue, 4).values()]
    assert first.count("large") == 3


def test_a_worker_that_is_about_to_start_a_long_cell_leaves_the_last_one_to_whoever_is_free_sooner() -> None:
    workers = [Busy("gw0", 60.0, "small"), Busy("gw1", 10.0, "large")]
    assert next_cell("gw0", workers, {A: 20.0}) is None
    assert next_cell("gw1", workers, {A: 20.0}) == A


def test_a_cell_is_kept_from_a_barred_worker_while_another_takes_cells() -> None:
    both = [Busy("gw0", 0.0), Busy("gw1", 50.0)]
    assert next_cell("gw0", both, {A: 1.0}, {(A, "gw0")}) is None
    assert next_cell("gw0", both, {A: 1.0, B: 0.5}, {(A, "gw0")}) == B
    assert next_cell("gw1", both, {A: 1.0}, {(A, "gw0")}) == A
    assert next_cell("gw0", both[:1], {A: 1.0}, {(A, "gw0")}) == A


def test_nothing_is_given_where_nothing_is_left() -> None:
    assert next_cell("gw0", [Busy("gw0", 0.0)], {}) is None


queues = st.dictionaries(
    st.builds("{}-{}".format, st.sampled_from(["small", "large"]), st.integers(0, 99)),
    st.floats(0.0, 100.0),
    min_size=1,
    max_size=20,
)


@given(queues, st.integers(1, 5))
def test_every_cell_is_measured_once_and_no_worker_waits_while_cells_do(queue: dict[str, float], workers: int) -> None:
    done = played(queue, workers)
    assert sorted(cell for own in done.values() for cell, _ in own) == sorted(queue)
    last_start = max(start for own in done.values() for _, start in own)
    ends = [start + queue[cell] for own in done.values() for cell, start in own[-1:]]
    assert len(ends) == min(workers, len(queue)) and all(end >= last_start - 0.1 for end in ends)
