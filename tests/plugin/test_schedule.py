from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.plugin.schedule import Busy, Costs, checkpoint_of, kernels_of, next_cell, readied, work_of

A, B, C, D = ("small-a", "small-b", "large-c", "large-d")
HALF = "large-sdpa-fp16-resident-dynamic-batch1"
OFFLOADED = "large-sdpa-fp16-cpu_offload-dynamic-batch1"
EIGHT = "large-sdpa-fp16-resident-dynamic-batch8"
GRAPH = "large-sdpa-fp16-resident-cuda_graph-batch1"


def chosen(
    asking: str, workers: list[Busy], seconds: Mapping[str, float], barred: set[tuple[str, str]] | None = None
) -> str | None:
    return next_cell(asking, workers, list(seconds), Costs(seconds), barred or set())


Played = dict[str, list[tuple[str, float]]]
"""Each worker's cells with the seconds at which they start."""


def played(costs: Costs, workers: int) -> Played:
    return played_to_the_end(costs, workers)[0]


def played_to_the_end(costs: Costs, workers: int) -> tuple[Played, dict[str, float]]:
    """A run in which every cell takes as long as expected, and when each worker's last cell ends."""
    left, done = list(costs.seconds), {f"gw{number}": list[tuple[str, float]]() for number in range(workers)}
    free, open_, ready = dict.fromkeys(done, 0.0), set(done), {name: set[str]() for name in done}
    while open_:
        name = min(sorted(open_), key=lambda one: free[one])
        cell = next_cell(name, [Busy(one, free[one], ready[one]) for one in sorted(open_)], left, costs)
        if cell is None:
            open_.remove(name)
            continue
        left.remove(cell)
        done[name].append((cell, free[name]))
        free[name] += costs.of(cell, ready[name])
        ready[name].update(readied(cell))
    assert not left
    return done, free


def cells(done: Played) -> list[list[str]]:
    return [[cell for cell, _ in own] for own in done.values()]


def test_the_longest_cell_comes_first() -> None:
    assert chosen("gw0", [Busy("gw0", 0.0, readied(A))], {A: 1.0, B: 5.0, C: 9.0}) == C


def test_cells_share_kernels_wherever_their_weights_wait_and_a_reference_however_they_do_the_work() -> None:
    assert kernels_of(HALF) == kernels_of(OFFLOADED)
    assert len({kernels_of(HALF), kernels_of(EIGHT), kernels_of(GRAPH)}) == 3
    assert work_of(HALF) == work_of(GRAPH) == "large-batch1" != work_of(EIGHT)


def test_what_a_process_has_readied_costs_nothing_more() -> None:
    costs = Costs({HALF: 100.0, OFFLOADED: 150.0}, {kernels_of(HALF): 35.0, work_of(HALF): 4.0})
    assert costs.of(HALF, ()) == 100 + 35 + 4 + costs.least_s  # the last for the checkpoint
    assert costs.of(HALF, readied(OFFLOADED)) == 100


def test_cells_that_share_what_takes_long_to_ready_go_to_one_worker() -> None:
    other, last = "large-eager-fp32-resident-dynamic-batch1", "large-sdpa-fp32-resident-dynamic-batch1"
    seconds = {OFFLOADED: 150.0, other: 170.0, HALF: 100.0, last: 110.0}
    assert cells(played(Costs(seconds, {kernels_of(HALF): 35.0}), 2)) == [[OFFLOADED, HALF], [other, last]]
    assert cells(played(Costs(seconds), 2)) == [[other, HALF], [OFFLOADED, last]], "so they would by length alone"


def test_of_cells_that_take_as_long_one_that_shares_something_comes_next() -> None:
    seconds = {EIGHT: 100.0, HALF: 100.0}
    assert chosen("gw0", [Busy("gw0", 0.0, readied(OFFLOADED))], seconds) == HALF
    assert chosen("gw0", [Busy("gw0", 0.0), Busy("gw1", 9.0, readied(OFFLOADED))], seconds) == EIGHT


def test_a_long_cell_is_not_put_off_because_another_worker_has_readied_for_it() -> None:
    workers = [Busy("gw0", 50.0, readied(OFFLOADED)), Busy("gw1", 0.0)]
    costs = Costs({GRAPH: 90.0, HALF: 100.0}, {kernels_of(HALF): 35.0})
    assert next_cell("gw1", workers, [GRAPH, HALF], costs) == HALF


def test_a_worker_that_is_free_does_not_wait_for_one_that_has_readied() -> None:
    workers = [Busy("gw0", 1.0, readied(OFFLOADED)), Busy("gw1", 0.0)]
    costs = Costs({HALF: 100.0}, {kernels_of(HALF): 35.0})
    assert next_cell("gw1", workers, [HALF], costs) == HALF
    assert next_cell("gw0", workers, [HALF], costs) is None


def test_workers_start_with_different_checkpoints_and_stay_with_them() -> None:
    assert cells(played(Costs({A: 10.0, B: 10.0, C: 10.0, D: 10.0}), 2)) == [[A, B], [C, D]]


def test_a_worker_without_a_cell_of_its_checkpoint_takes_one_of_another() -> None:
    workers = [Busy("gw0", 0.0, readied(A)), Busy("gw1", 30.0, readied("large-e"))]
    assert chosen("gw0", workers, {C: 9.0, D: 3.0}) == C


def test_a_checkpoint_with_more_work_gets_more_workers() -> None:
    queue = {f"large-{number}": 10.0 for number in range(6)} | {f"small-{number}": 10.0 for number in range(2)}
    assert [checkpoint_of(own[0]) for own in cells(played(Costs(queue), 4))].count("large") == 3


def test_a_worker_that_is_about_to_start_a_long_cell_leaves_the_last_one_to_whoever_is_free_sooner() -> None:
    workers = [Busy("gw0", 60.0, readied(B)), Busy("gw1", 10.0, readied(C))]
    assert chosen("gw0", workers, {A: 20.0}) is None
    assert chosen("gw1", workers, {A: 20.0}) == A


def test_a_cell_is_kept_from_a_barred_worker_while_another_takes_cells() -> None:
    both = [Busy("gw0", 0.0), Busy("gw1", 50.0)]
    assert chosen("gw0", both, {A: 1.0}, {(A, "gw0")}) is None
    assert chosen("gw0", both, {A: 1.0, B: 0.5}, {(A, "gw0")}) == B
    assert chosen("gw1", both, {A: 1.0}, {(A, "gw0")}) == A
    assert chosen("gw0", both[:1], {A: 1.0}, {(A, "gw0")}) == A


def test_nothing_is_given_where_nothing_is_left() -> None:
    assert chosen("gw0", [Busy("gw0", 0.0)], {}) is None


queues = st.dictionaries(
    st.builds("{}-{}".format, st.sampled_from(["small", "large"]), st.integers(0, 99)),
    st.floats(0.0, 100.0),
    min_size=1,
    max_size=20,
)
first = st.dictionaries(st.sampled_from(["small", "large", "small-1", "large-2"]), st.floats(0.0, 50.0))


@given(queues, first, st.integers(1, 5))
def test_every_cell_is_measured_once_and_no_worker_waits_while_cells_do(
    queue: dict[str, float], readying: dict[str, float], workers: int
) -> None:
    done, ends = played_to_the_end(Costs(queue, readying), workers)
    assert sorted(cell for own in cells(done) for cell in own) == sorted(queue)
    last_start = max(start for own in done.values() for _, start in own)
    assert sum(bool(own) for own in done.values()) == min(workers, len(queue))
    assert all(end >= last_start - 0.1 for end in ends.values())
