"""Giving out tests to workers of pytest-xdist: what each is sent and when it is told that there is no more."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any

from benchmarks.plugin.schedule import Costs
from benchmarks.plugin.scheduler import CellScheduling

SECONDS = {"small-a": 10.0, "small-b": 9.0, "small-c": 8.0, "large-a": 60.0, "large-b": 20.0}
SKIPPED = ("skip-1", "skip-2", "skip-3")
TESTS = [*SKIPPED, *SECONDS]


class Node:
    """A worker as the scheduler sees it: `sent` are the tests that it was given."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.sent: list[str] = []
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        assert not self.shutting_down, "a worker that was told to end runs nothing more"
        self.sent += [TESTS[index] for index in indices]

    def shutdown(self) -> None:
        self.shutting_down = True

    @property
    def cells(self) -> list[str]:
        return [name for name in self.sent if name in SECONDS]


class Host:
    """A controller with workers `gw0`, `gw1` and so on, in the place of their number; time stands still."""

    def __init__(self, number: int, first: Mapping[str, float] | None = None, left_out: Collection[str] = ()) -> None:
        config: Any = SimpleNamespace(
            getvalue=lambda name: ["popen"] * number, getoption=lambda name: None, hook=SimpleNamespace()
        )
        self.places = {f"gw{place}": place for place in range(number)}
        self.now = 0.0
        self.scheduler = CellScheduling(
            config,
            SimpleNamespace(loadsched=lambda *words: None),
            lambda test: test if test in SECONDS else "",
            Costs(SECONDS, first or {}),
            lambda node: self.places[node.gateway.id],
            lambda: self.now,
            left_out=lambda test: test in left_out,
        )
        self.nodes = [self.join(f"gw{place}") for place in range(number)]

    def join(self, name: str, place: int = 0) -> Node:
        node = Node(name)
        self.places.setdefault(name, place)
        self.scheduler.add_node(node)
        self.scheduler.add_node_collection(node, list(TESTS))
        if self.scheduler.collection_is_completed:
            self.scheduler.schedule()
        return node

    def complete(self, node: Node, *, take_s: float = 0.0) -> None:
        self.now += take_s
        self.scheduler.mark_test_complete(node, self.scheduler.node2pending[node][0])

    def drain(self, nodes: list[Node]) -> None:
        while any(self.scheduler.node2pending[node] for node in nodes):
            for node in nodes:
                if self.scheduler.node2pending[node]:
                    self.complete(node)


def test_skipped_tests_are_shared_out_and_cells_follow_the_longest_first() -> None:
    host = Host(2)
    host.drain(host.nodes)
    first, second = host.nodes
    assert sorted(first.sent + second.sent) == sorted(TESTS)
    assert {len(set(node.sent) & set(SKIPPED)) for node in host.nodes} == {1, 2}
    assert first.cells[:1] == ["large-a"]
    assert second.cells == ["large-b", "small-a", "small-b", "small-c"]
    assert first.shutting_down and second.shutting_down


def test_what_is_left_out_goes_to_no_worker() -> None:
    host = Host(2, left_out=("large-a", "small-b"))
    host.drain(host.nodes)
    assert {test for node in host.nodes for test in node.sent} == set(TESTS) - {"large-a", "small-b"}
    assert host.scheduler.tests_finished


def test_a_worker_knows_its_next_test_before_it_starts_one() -> None:
    host = Host(2)
    for _ in range(6):
        for node in host.nodes:
            held = host.scheduler.node2pending[node]
            assert len(held) >= 2 or node.shutting_down
            if held:
                host.complete(node)


def test_a_dead_workers_cell_is_kept_from_its_place_and_the_one_it_held_is_not_lost() -> None:
    host = Host(2)
    first, second = host.nodes
    while first.sent[-1] not in SECONDS or TESTS[host.scheduler.node2pending[first][0]] not in SECONDS:
        host.complete(first)
    running, *queued = [TESTS[index] for index in host.scheduler.node2pending[first]]
    assert host.scheduler.remove_node(first) == running
    host.scheduler.bar(running, 0)
    host.scheduler.mark_test_pending(running)
    clone = host.join("gw2", place=0)
    host.drain([second, clone])
    done = second.cells + clone.cells
    assert set(done) | set(first.cells) == set(SECONDS)
    assert running in second.cells and running not in clone.cells
    assert set(queued) <= set(done)


def test_a_worker_that_was_told_to_end_before_it_was_ready_gets_nothing() -> None:
    host, late = Host(2), Node("gw2")
    host.scheduler.add_node_collection(late, list(TESTS))
    host.scheduler.schedule()
    host.drain(host.nodes)
    assert late.sent == []
    assert sorted(test for node in host.nodes for test in node.sent) == sorted(TESTS)


def test_a_dead_workers_cell_is_tried_in_its_place_where_there_is_no_other() -> None:
    host = Host(1)
    (only,) = host.nodes
    host.complete(only)
    crashed = host.scheduler.remove_node(only)
    host.scheduler.bar(crashed, 0)
    host.scheduler.mark_test_pending(crashed)
    clone = host.join("gw1", place=0)
    host.drain([clone])
    assert crashed in clone.sent
    assert host.scheduler.tests_finished


def test_a_long_cell_has_no_other_wait_for_it_while_another_worker_is_free_sooner() -> None:
    host = Host(2)
    first, second = host.nodes
    for node in host.nodes:
        while TESTS[host.scheduler.node2pending[node][0]] not in SECONDS:
            host.complete(node)
    while not second.shutting_down:
        host.complete(second)  # the first is still at its first cell
    assert first.cells == ["large-a"]
    assert set(second.cells) == set(SECONDS) - {"large-a"}


def test_a_worker_is_known_by_what_it_readied_and_one_that_replaces_it_has_readied_nothing() -> None:
    host = Host(2, {"small": 100.0})
    first, second = host.nodes
    while not first.cells or not second.cells:
        for node in host.nodes:
            host.complete(node)
    assert (first.cells[0], second.cells[0]) == ("small-a", "large-a"), "what takes long to ready comes first"
    assert "small" in host.scheduler._busy(first).ready
    assert "small" not in host.scheduler._busy(second).ready
    host.scheduler.remove_node(first)
    clone = host.join("gw2", place=0)
    assert clone.cells and all(cell.startswith("small") for cell in clone.cells)
    assert host.scheduler._busy(clone).free_s > 100.0, "it readies once more"
