from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.errors import ReportError
from reports.verdicts.intervals import student_t_quantile, trimmed_mean, wilson
from reports.verdicts.paired import Paired, judge_pairs, needs_rerun
from reports.verdicts.rules import Status
from tests.noise import launch

MIRROR = {Status.BETTER: Status.WORSE, Status.WORSE: Status.BETTER}
ratios = st.lists(st.floats(min_value=0.5, max_value=2), max_size=40)


def judged(values: list[float], **options: object) -> Paired:
    return judge_pairs([1.0] * len(values), values, **options)  # type: ignore[arg-type]


def mixed(slower: int, pairs: int) -> list[float]:
    """`slower` of `pairs` ratios beyond the threshold, spread evenly."""
    return [1.05 if (index + 1) * slower // pairs > index * slower // pairs else 1.0 for index in range(pairs)]


@given(st.lists(st.floats(min_value=1e-3, max_value=1e3), max_size=40))
def test_pairs_of_equal_rounds_are_never_better_or_worse(values: list[float]) -> None:
    assert judge_pairs(values, values).status is (Status.SAME if len(values) >= 20 else Status.UNCLEAR)


@given(ratios, st.booleans())
def test_swapping_the_sides_turns_better_into_worse(values: list[float], family: bool) -> None:
    ones = [1.0] * len(values)
    there = judge_pairs(ones, values, base_walls=ones, head_walls=values, family=family)
    back = judge_pairs(values, ones, base_walls=values, head_walls=ones, family=family)
    assert back.status is MIRROR.get(there.status, there.status)
    assert (back.slower, back.faster, back.next_look) == (there.faster, there.slower, there.next_look)
    assert back.slower_ruled_out == there.faster_ruled_out


@given(ratios.filter(lambda values: len(values) < 20))
def test_below_twenty_pairs_nothing_is_the_same(values: list[float]) -> None:
    assert judged(values).status is not Status.SAME


@given(ratios)
def test_a_family_needs_at_least_what_a_single_cell_needs(values: list[float]) -> None:
    if judged(values, family=True).status is Status.WORSE:
        assert judged(values).slower >= 31 or judged(values).pairs < 40


@pytest.mark.parametrize(
    ("slower", "pairs", "status"),
    [
        (10, 10, Status.UNCLEAR),
        (19, 19, Status.UNCLEAR),
        (17, 20, Status.WORSE),
        (16, 20, Status.SAME),
        (28, 40, Status.WORSE),
        (27, 40, Status.SAME),
    ],
)
def test_each_look_has_its_own_number_of_pairs(slower: int, pairs: int, status: Status) -> None:
    found = judged(mixed(slower, pairs))
    assert (found.status, found.slower, found.pairs) == (status, slower, pairs)


@pytest.mark.parametrize(("slower", "status"), [(31, Status.WORSE), (30, Status.SAME)])
def test_a_family_decides_at_forty_pairs_only(slower: int, status: Status) -> None:
    assert judged(mixed(slower, 40), family=True).status is status
    assert judged([2.0] * 20, family=True).status is Status.UNCLEAR
    assert judged([2.0] * 20, family=True).next_look == 40


def test_a_family_goes_on_with_what_lies_beyond_the_threshold() -> None:
    assert needs_rerun([1.0] * 20, [1.04] * 20)
    assert needs_rerun([1.04] * 20, [1.0] * 20)
    assert not needs_rerun([1.0] * 20, [1.02] * 20)


@pytest.mark.parametrize(
    ("slower", "pairs", "futile", "next_look"),
    [(5, 10, False, 20), (10, 20, True, None), (11, 20, False, 40), (12, 20, False, 40), (20, 40, False, None)],
)
def test_pairs_stop_where_nothing_is_left_to_find(slower: int, pairs: int, futile: bool, next_look: int | None) -> None:
    found = judged(mixed(slower, pairs))
    assert (found.futile, found.next_look) == (futile, next_look)


def test_pairs_that_began_as_futile_are_still_judged_by_all_that_were_measured() -> None:
    noisy = [1.0, 1.5] * 10  # ten of twenty, and too far apart for `same`: measuring goes on
    twenty = judged(noisy)
    assert (twenty.status, twenty.futile, twenty.next_look) == (Status.UNCLEAR, True, 40)
    late = judged(noisy + [1.5] * 18 + [1.0] * 2)
    assert (late.status, late.slower, late.next_look) == (Status.WORSE, 28, None)
    grown = judged([1.0, 1.06] * 5 + [1.06] * 10)
    assert (grown.status, grown.slower, grown.futile, grown.next_look) == (Status.SAME, 15, False, 40)
    calm = judged([1.0, 1.04] * 10)
    assert (calm.status, calm.futile, calm.next_look) == (Status.SAME, True, None), "nothing worth finding is left"


def test_too_few_pairs_for_a_look_say_how_many_to_measure() -> None:
    found = judged([2.0] * 7)
    assert (found.status, found.next_look) == (Status.UNCLEAR, 20)
    assert "7 pairs say nothing yet: measure 20" in found.reason
    assert judged([]).median_ratio is None


def test_what_is_ruled_out_is_the_kth_smallest_ratio_and_launch_bias() -> None:
    values = [1 + index / 1000 for index in range(40)]
    found = judged(values)
    assert found.slower_ruled_out == pytest.approx(values[27] * math.exp(0.02) - 1)
    assert found.faster_ruled_out == pytest.approx(math.exp(0.02) / values[12] - 1)
    assert "slower by more than 4.8% is ruled out; median +1.9%" in found.reason


def test_what_is_not_ruled_out_is_unclear() -> None:
    values = [0.8, 1.25] * 20
    found = judged(values)
    assert found.status is Status.UNCLEAR
    assert "is not ruled out, and the target is 10%" in found.reason
    assert judged(values, target=0.5).status is Status.SAME


def test_slow_steps_that_leave_the_common_step_alone_are_guarded() -> None:
    ones = [1.0] * 20
    walls = [1.06 + 0.001 * (index % 3) for index in range(20)]
    found = judge_pairs(ones, ones, base_walls=ones, head_walls=walls)
    assert found.status is Status.WORSE
    assert "whole rounds are at least 6.0% slower (99% sure)" in found.reason
    assert judge_pairs(ones, ones, base_walls=ones, head_walls=[1.02] * 20).status is Status.SAME


@pytest.mark.parametrize(
    ("base", "head", "says"),
    [
        ([1.0], [], "are no pairs"),
        ([1.0] * 41, [1.0] * 41, "made for 40 pairs at most"),
        ([1.0], [0.0], "which no clock gives"),
        ([1.0], [math.nan], "which no clock gives"),
    ],
)
def test_pairs_that_cannot_be_are_refused(base: list[float], head: list[float], says: str) -> None:
    with pytest.raises(ReportError, match=says):
        judge_pairs(base, head)
    with pytest.raises(ReportError, match="of whole rounds"):
        judge_pairs([1.0] * 2, [1.0] * 2, base_walls=[1.0], head_walls=[1.0])


def paired_launches(random: np.random.Generator, effect: float) -> Paired:
    """8 fresh launches of both sides x 5 pairs; a pair shares the host's burst, not the launch's floor."""
    base: list[float] = []
    head: list[float] = []
    for _ in range(8):
        burst = launch(random, rounds=5, bias=0).steps_s
        for side, times in ((base, 1.0), (head, effect)):
            own = times * float(np.exp(random.normal(0, 0.01)))
            side += [step * own * float(np.exp(random.normal(0, 0.02))) for step in burst]
    return judge_pairs(base, head)


def test_pairs_of_one_code_do_not_alarm_and_nine_percent_is_found() -> None:
    random = np.random.default_rng(3)
    alarms = [paired_launches(random, 1.0).status for _ in range(200)]
    assert alarms.count(Status.WORSE) == 0
    assert [paired_launches(random, 1.09).status for _ in range(100)].count(Status.WORSE) >= 95


def test_two_launches_that_were_slow_by_chance_do_not_alarm_however_quiet_their_pairs_are() -> None:
    """Launches of one code, a bias within 5 % each, pairs 0.3 % apart as CUDA graphs have; looked at after each."""
    random = np.random.default_rng(5)
    alarms, cells = 0, 2000
    for _ in range(cells):
        head: list[float] = []
        for _ in range(8):
            head += list(np.exp(random.uniform(-0.05, 0.05) + random.normal(0, 0.003, 5)))
            found = judged(head, base_walls=[1.0] * len(head), head_walls=head)
            if found.next_look is None:
                break
        alarms += found.status is Status.WORSE
    assert alarms / cells < 0.01, "as promised"


@pytest.mark.parametrize(
    ("probability", "degrees", "quantile"),
    [(0.99, 1, 31.821), (0.99, 5, 3.365), (0.99, 11, 2.718), (0.99, 23, 2.500), (0.975, 10, 2.228), (0.975, 2, 4.303)],
)
def test_student_t_quantiles_are_those_of_the_tables(probability: float, degrees: int, quantile: float) -> None:
    assert student_t_quantile(probability, degrees) == pytest.approx(quantile, abs=6e-4)


def test_a_trimmed_mean_ignores_its_tails() -> None:
    found = trimmed_mean([1.0, 2.0, 3.0, 4.0, 1000.0], 0.2, 0.99)
    assert found.mean == pytest.approx(3.0)
    # winsorized 2, 2, 3, 4, 4: deviation 1; error 1 / (0.6 sqrt 5); 2 degrees of freedom
    assert found.high - found.mean == pytest.approx(6.965 / (0.6 * math.sqrt(5)), rel=1e-3)
    assert found.mean - found.low == pytest.approx(found.high - found.mean)


def test_wilsons_interval_is_the_published_one_and_never_empty() -> None:
    assert wilson(15 / 148, 148) == pytest.approx((0.0624, 0.1605), abs=5e-4)  # Newcombe 1998, table I, method 3
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=5e-4)
    assert wilson(0.3, 0) == (0.0, 1.0)


def test_the_guard_says_whether_the_common_step_is_slower_too() -> None:
    rare = judge_pairs([1.0] * 40, [1.0] * 40, base_walls=[1.0] * 40, head_walls=[1.1] * 40)
    common = judged([1.5] * 25, base_walls=[1.0] * 25, head_walls=[1.5] * 25, family=True)
    assert (rare.status, common.status) == (Status.WORSE, Status.WORSE)
    assert ("though the common step is not" in rare.reason, "though" in common.reason) == (True, False)
    assert rare.whole_rounds == pytest.approx(0.1)
    assert judged([1.5] * 40).whole_rounds is None
