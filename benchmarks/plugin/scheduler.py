"""pytest-xdist's scheduler for cells: `schedule.py` decides, this keeps the books.

A worker always has two tests, the one that it runs and the next, or has been told that there is no next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from xdist.scheduler import LoadScheduling

from benchmarks.plugin.schedule import Busy, Costs, next_cell, readied


class CellScheduling(LoadScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Gives out cells as `schedule.next_cell` says, and all other tests, most of them skipped cells, in equal parts."""

    collection: list[str] | None

    def __init__(
        self,
        config: Any,
        log: Any,
        cell_of: Callable[[str], str],
        costs: Costs,
        place_of: Callable[[Any], int],
        clock: Callable[[], float] = time.monotonic,
        left_out: Callable[[str], bool] = lambda nodeid: False,
    ) -> None:
        """Start with nothing given out.

        Args:
            config: pytest's.
            log: pytest-xdist's.
            cell_of: from a test's node id to its cell; empty for what measures nothing.
            costs: what cells are expected to take.
            place_of: from a worker of pytest-xdist to the place that it has (`distribution.Places`).
            clock: seconds.
            left_out: whether a test, by its node id, is not to run though it was collected.
        """
        super().__init__(config, log)
        self._cell_of, self._costs, self._place_of, self._clock = cell_of, costs, place_of, clock
        self._left_out = left_out
        self._cells: dict[int, str] = {}
        self._began: dict[Any, float] = {}
        self._ready: dict[Any, set[str]] = {}
        self._takes: dict[int, float] = {}
        self._barred: set[tuple[str, int]] = set()

    def bar(self, cell: str, place: int) -> None:
        """Keep a cell from a place where a worker died of it, as long as there is another."""
        self._barred.add((cell, place))

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
        """Note what a worker has collected; nothing of one that has no part in the run.

        A worker that gets ready while the run is about to end is told to end at once. Where another one dies after
        that, the run goes on, and pytest-xdist then passes on what the former had collected meanwhile.
        """
        if node in self.node2pending:
            super().add_node_collection(node, collection)

    def schedule(self) -> None:
        """Give out the first tests, or go on after another worker has come."""
        if self.collection is None:
            if not self._check_nodes_have_same_collection():
                return
            collection: list[str] = next(iter(self.node2collection.values()))
            self.collection = collection
            self.pending[:] = [index for index, nodeid in enumerate(collection) if not self._left_out(nodeid)]
            found = {index: self._cell_of(nodeid) for index, nodeid in enumerate(collection)}
            self._cells = {index: cell for index, cell in found.items() if cell}
            others = self._others()
            for number, node in enumerate(self.nodes):
                self._give(node, others[number :: len(self.nodes)])
        for node in self.nodes:
            self.check_schedule(node)

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """Note that a worker has done a test."""
        self._began[node] = self._clock()
        super().mark_test_complete(node, item_index, duration)

    def check_schedule(self, node: Any, duration: float = 0) -> None:
        """Give a worker what it needs to go on, or tell it that there is no more."""
        held = self.node2pending[node]
        while not node.shutting_down and node in self.node2collection and len(held) < 2:
            chosen = self._others() or self._next(node)
            if not chosen:
                node.shutdown()
            self._give(node, chosen)

    def _others(self) -> list[int]:
        return [index for index in self.pending if index not in self._cells]

    def _next(self, node: Any) -> list[int]:
        waiting: dict[str, int] = {}
        for index in self.pending:
            waiting.setdefault(self._cells[index], index)  # a cell may be there twice (--keep-duplicates)
        takers = [one for one in self.nodes if one in self.node2collection and not one.shutting_down]
        barred = {
            (cell, self._name(one)) for one in takers for cell in waiting if (cell, self._place_of(one)) in self._barred
        }
        cell = next_cell(self._name(node), [self._busy(one) for one in takers], list(waiting), self._costs, barred)
        return [] if cell is None else [waiting[cell]]

    def _busy(self, node: Any) -> Busy:
        held = [self._takes[index] for index in self.node2pending[node] if index in self._cells]
        ran = self._clock() - self._began.get(node, self._clock())
        free = max(held[0] - ran, 0.0) + sum(held[1:]) if held else 0.0
        return Busy(self._name(node), free, self._ready.get(node, ()))

    def _name(self, node: Any) -> str:
        return str(node.gateway.id)

    def _give(self, node: Any, chosen: list[int]) -> None:
        if not chosen:
            return
        if not self.node2pending[node]:
            self._began[node] = self._clock()
        ready = self._ready.setdefault(node, set())
        for index in chosen:
            if index in self._cells:
                self._takes[index] = self._costs.of(self._cells[index], ready)
                ready.update(readied(self._cells[index]))
        self.pending[:] = [index for index in self.pending if index not in chosen]
        self.node2pending[node].extend(chosen)
        node.send_runtest_some(chosen)
