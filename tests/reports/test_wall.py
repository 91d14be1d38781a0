from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.errors import ReportError
from reports.verdicts.rules import Status
from reports.verdicts.wall import RULES, Screen, can_settle, confirmed, enough, screen, settled
from tests.noise import launch, mean_rule

seconds = st.floats(min_value=1e-6, max_value=1e3)
sides = st.lists(seconds, min_size=0, max_size=50)
MIRROR = {Status.BETTER: Status.WORSE, Status.WORSE: Status.BETTER}


@st.composite
def quiet(draw: st.DrawFn) -> list[float]:
    """A settled side: at least eight rounds near its floor, the others anywhere above."""
    floor = draw(seconds)
    near = draw(st.lists(st.floats(min_value=1, max_value=1.049), min_size=8, max_size=20))
    far = draw(st.lists(st.floats(min_value=1, max_value=5), min_size=2, max_size=20))
    return [floor * times for times in (1.0, *near, *far)]


@given(quiet())
def test_a_settled_run_against_itself_is_the_same(steps: list[float]) -> None:
    assert screen(steps, steps).status is Status.SAME


@given(sides, sides)
def test_swapping_the_sides_turns_better_into_worse(base: list[float], head: list[float]) -> None:
    there, back = screen(base, head), screen(head, base)
    assert back.status is MIRROR.get(there.status, there.status)


@given(quiet(), quiet(), st.randoms())
def test_the_order_of_rounds_changes_nothing(base: list[float], head: list[float], random: object) -> None:
    shuffled = sorted(head, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert screen(base, shuffled) == screen(base, head)


@given(quiet(), st.floats(min_value=1, max_value=1e3))
def test_a_slower_round_more_unsettles_nothing(steps: list[float], times: float) -> None:
    assert settled([*steps, max(steps) * times])


@given(quiet(), quiet(), st.floats(min_value=1, max_value=1e3))
def test_a_slower_round_more_changes_no_verdict(base: list[float], head: list[float], times: float) -> None:
    assert screen(base, [*head, max(head) * times]).status is screen(base, head).status


@given(sides, sides)
def test_what_is_not_settled_is_unclear_and_says_which_side(base: list[float], head: list[float]) -> None:
    found = screen(base, head)
    assert (found.status is Status.UNCLEAR) is not (settled(base) and settled(head))
    assert ("the baseline" in found.reason) is not settled(base)
    assert ("this run" in found.reason) is not settled(head)


@given(quiet(), st.floats(min_value=1.0801, max_value=10))
def test_a_slowdown_of_a_settled_side_beyond_the_threshold_is_seen(steps: list[float], times: float) -> None:
    found = screen(steps, [step * times for step in steps])
    assert found.status is Status.WORSE
    assert found.candidate
    assert found.ratio == pytest.approx(times)


@given(sides)
def test_measuring_stops_when_settled_or_at_the_most_rounds(steps: list[float]) -> None:
    assert enough(steps) is (settled(steps) or len(steps) >= RULES.most_rounds)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([], "has 0 rounds of at least 10"),
        ([1.0] * 9, "has 9 rounds of at least 10"),
        ([1.0] * 7 + [1.06] * 13, "7 of its 20 rounds lie within 5% of its fastest, 8 are needed"),
    ],
)
def test_why_a_side_is_unclear(steps: list[float], says: str) -> None:
    found = screen([1.0] * 10, steps)
    assert found.status is Status.UNCLEAR
    assert says in found.reason
    assert "the baseline" not in found.reason


def test_eight_rounds_near_the_floor_are_enough() -> None:
    assert settled([1.0] * 8 + [2.0] * 2)
    assert not settled([1.0] * 7 + [2.0] * 33)
    assert enough([1.0] * 7 + [2.0] * 33)


def test_the_smallest_change_is_named() -> None:
    assert screen([1.0] * 10, [1.0] * 10).smallest_change == pytest.approx(0.134)


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf])
def test_a_time_that_no_clock_gives_is_refused(wrong: float) -> None:
    with pytest.raises(ReportError, match="measure the cell again"):
        screen([1.0] * 10, [1.0] * 9 + [wrong])


def result(ratio: float) -> Screen:
    return screen([1.0] * 10, [ratio] * 10)


UNSETTLED = screen([1.0] * 10, [1.0])


@pytest.mark.parametrize(
    ("first", "rerun", "status"),
    [
        (result(1.2), result(1.1), Status.WORSE),
        (result(0.8), result(0.9), Status.BETTER),
        (result(1.0), result(1.0), Status.SAME),
        (result(1.2), result(1.0), Status.UNCLEAR),
        (result(1.2), result(0.9), Status.UNCLEAR),
        (result(1.2), UNSETTLED, Status.UNCLEAR),
        (UNSETTLED, result(1.2), Status.UNCLEAR),
        (UNSETTLED, result(1.0), Status.SAME),
        (UNSETTLED, UNSETTLED, Status.UNCLEAR),
    ],
)
def test_a_candidate_stands_only_with_its_rerun(first: Screen, rerun: Screen, status: Status) -> None:
    found = confirmed(first, rerun)
    assert found.status is status
    assert found.confirmed
    assert not found.candidate


def test_a_confirmed_change_is_the_smaller_of_the_two() -> None:
    found = confirmed(result(1.3), result(1.1))
    assert found.ratio == pytest.approx(1.1)
    assert found.reason == "+10.0% at the fastest rounds against a threshold of 8%, confirmed by a rerun"


def test_a_candidate_that_its_rerun_denies_names_both_numbers() -> None:
    assert confirmed(result(1.2), result(1.0)).reason == (
        "first worse (+20.0%), then same (+0.0%) in a rerun: not confirmed"
    )


@given(st.sampled_from([0.8, 1.0, 1.2]), st.sampled_from([0.8, 1.0, 1.2]))
def test_confirming_mirrors_too(first: float, rerun: float) -> None:
    there = confirmed(result(first), result(rerun)).status
    back = confirmed(screen([first] * 10, [1.0] * 10), screen([rerun] * 10, [1.0] * 10)).status
    assert back is MIRROR.get(there, there)


def test_noise_of_a_shared_host_rarely_alarms_where_the_mean_often_does() -> None:
    random = np.random.default_rng(7)
    ours = means = decided = 0
    for _ in range(300):
        base, head = launch(random), launch(random)
        found = screen(base.until(enough), head.until(enough))
        decided += found.status is not Status.UNCLEAR
        ours += found.status is Status.WORSE
        means += mean_rule(base.rounds_s[:20], head.rounds_s[:20])
    assert ours / 300 < 0.03
    assert means / 300 > 0.20
    assert decided / 300 > 0.8


@pytest.mark.parametrize(("effect", "missed"), [(1.15, 0.06), (1.20, 0.01)])
def test_a_real_slowdown_is_found_but_for_launches_that_happen_to_hide_it(effect: float, missed: float) -> None:
    random = np.random.default_rng(8)
    found = []
    for _ in range(300):
        base, head = launch(random).until(enough), launch(random).until(enough)
        found.append(screen(base, [step * effect for step in head]).status)
    # The floors of two launches of one code lie 6 % apart in one of twenty: 1.15 / 1.06 is within the threshold.
    assert found.count(Status.SAME) / 300 <= missed
    assert found.count(Status.BETTER) == 0


@given(st.lists(st.floats(min_value=1, max_value=2), min_size=1, max_size=20), st.lists(seconds, max_size=20))
def test_what_cannot_settle_any_more_never_does(steps: list[float], later: list[float]) -> None:
    if not can_settle(steps, len(later)):
        assert not any(settled(steps + later[:more]) for more in range(len(later) + 1))


@given(quiet(), st.integers(0, 40))
def test_what_has_settled_can(steps: list[float], more: int) -> None:
    assert can_settle(steps, more)


def test_a_side_can_settle_while_enough_rounds_are_left_to_come_near_its_fastest() -> None:
    drifted = [1.0, *[1.2] * 9]
    assert can_settle(drifted, 7)
    assert not can_settle(drifted, 6)
    assert not can_settle([1.0] * 4, 5)
    assert can_settle([], 10)
