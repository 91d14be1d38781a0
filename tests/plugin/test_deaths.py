"""Workers that died: whether the cell or its place is to blame, and what is said."""

from __future__ import annotations

from benchmarks.plugin.deaths import Deaths, died_of, killing
from fixtures.machine.workers import Worker

FIRST, SECOND = Worker("gw0", 2, 0, "0", (0,)), Worker("gw1", 2, 1, "1", (1,))


def test_a_place_that_measured_nothing_between_two_deaths_kills_its_workers() -> None:
    deaths = Deaths()
    deaths.add("small-a", FIRST)
    assert not deaths.kills(0)
    deaths.add("small-b", FIRST)
    assert deaths.kills(0)
    assert not deaths.kills(1)


def test_a_place_that_got_through_a_cell_since_works() -> None:
    deaths = Deaths()
    deaths.add("small-a", FIRST)
    deaths.lived(0)
    deaths.add("small-b", FIRST)
    assert not deaths.kills(0)


def test_a_cell_that_died_in_two_places_is_to_blame_itself() -> None:
    deaths = Deaths()
    deaths.add("small-a", FIRST)
    deaths.add("small-a", SECOND)
    deaths.add("small-b", FIRST)
    assert deaths.final("small-a")
    assert not deaths.final("small-b")
    assert not deaths.kills(0)
    assert not deaths.kills(1)


def test_a_place_that_kills_is_named_with_where_to_look() -> None:
    assert killing(SECOND).startswith("GPU 1 is given no more cells while another can take them, as 2 workers died")


def test_a_death_is_told_with_where_to_look() -> None:
    assert died_of("small-a", ["gw1 (GPU 1)"]).startswith("worker gw1 (GPU 1) died while measuring small-a: see")
    twice = died_of("small-a", ["gw1 (GPU 1)", "gw4 (GPU 0)"])
    assert "workers gw1 (GPU 1) and gw4 (GPU 0) died, one after the other, while measuring small-a" in twice
    assert "dmesg" in twice
