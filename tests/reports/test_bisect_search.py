"""The search of bisect, on planted regressions."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.bisect.search import Answer, Ending, Mix, find, narrow, questions
from reports.errors import ReportError

PACKAGES = [f"package-{number}" for number in range(40)]


class Asked:
    """Answers by what is planted, and counts."""

    def __init__(self, bad: Callable[[Mix], bool], skips: Callable[[Mix], bool] = lambda mix: False) -> None:
        self.bad, self.skips, self.number = bad, skips, 0

    def __call__(self, mix: Mix) -> Answer:
        self.number += 1
        if self.skips(mix):
            return Answer.SKIP
        return Answer.BAD if self.bad(mix) else Answer.GOOD


@st.composite
def planted(draw: st.DrawFn, least: int = 1, most: int = 1) -> tuple[list[str], frozenset[str]]:
    """Some packages, in some order, and those of them that carry the regression together."""
    packages = draw(st.lists(st.sampled_from(PACKAGES), unique=True, min_size=least))
    number = draw(st.integers(least, min(most, len(packages))))
    return packages, frozenset(draw(st.permutations(packages))[:number])


@given(planted())
def test_the_planted_package_is_found_in_a_logarithmic_number_of_mixes(case: tuple[list[str], frozenset[str]]) -> None:
    packages, culprit = case
    asked = Asked(lambda mix: culprit <= mix)
    found = find(packages, asked)
    assert (found.ending, frozenset(found.culprits), found.others) == (Ending.FOUND, culprit, False)
    assert asked.number <= questions(len(packages)) <= 3 + math.ceil(math.log2(len(packages)))


@given(planted(2, 4))
def test_packages_that_only_together_carry_it_are_named_together(case: tuple[list[str], frozenset[str]]) -> None:
    packages, culprits = case
    asked = Asked(lambda mix: culprits <= mix)
    found = find(packages, asked)
    assert (found.ending, frozenset(found.culprits), found.others) == (Ending.FOUND, culprits, False)
    assert asked.number <= 2 + len(culprits) * (1 + math.ceil(math.log2(len(packages))))


@given(planted(2, 2))
def test_of_two_independent_ones_it_says_that_the_other_is_there(case: tuple[list[str], frozenset[str]]) -> None:
    packages, culprits = case
    found = find(packages, Asked(lambda mix: bool(culprits & mix)))
    assert (found.ending, found.others) == (Ending.FOUND, True)
    assert set(found.culprits) <= culprits
    assert len(found.culprits) == 1


@given(planted(), st.sets(st.sets(st.sampled_from(PACKAGES)).map(frozenset), max_size=5), st.data())
def test_mixes_that_cannot_be_tested_never_lead_to_an_innocent_package(
    case: tuple[list[str], frozenset[str]], more: set[Mix], data: st.DataObject
) -> None:
    packages, culprit = case
    skipped = data.draw(st.sets(st.integers(1, len(packages))))
    untestable = {frozenset(packages[:length]) for length in skipped if length < len(packages)} | more
    found = find(packages, Asked(lambda mix: culprit <= mix, lambda mix: mix in untestable))
    if found.ending is Ending.UNTESTABLE:
        assert frozenset(packages) in untestable
    elif found.ending is Ending.FOUND:
        assert frozenset(found.culprits) == culprit
    else:
        assert culprit <= {*found.culprits, *found.suspects}


@given(planted(2, 2), st.data())
def test_only_what_is_proven_to_need_another_is_said_to(
    case: tuple[list[str], frozenset[str]], data: st.DataObject
) -> None:
    packages, pair = case
    culprits = data.draw(st.sampled_from([pair, *(frozenset([one]) for one in pair)]))
    untestable = data.draw(st.sets(st.sets(st.sampled_from(packages)).map(frozenset), max_size=8))
    found = find(packages, Asked(lambda mix: culprits <= mix, lambda mix: mix in untestable))
    if found.ending is Ending.NARROWED:
        assert {*found.culprits} <= culprits
        if found.need_suspects:
            assert culprits & {*found.suspects}
        else:
            assert frozenset(found.culprits) in untestable
            assert culprits <= {*found.culprits, *found.suspects}


def test_a_package_that_could_not_be_judged_alone_is_not_said_to_need_another() -> None:
    order = ["torch", "transformers", "accelerate", "numpy"]
    asked = Asked(lambda mix: "numpy" in mix, lambda mix: "numpy" in mix and len(mix) < 4)
    found = find(order, asked)
    assert (found.ending, found.culprits, found.need_suspects) == (Ending.NARROWED, ("numpy",), False)
    assert found.suspects == ("torch", "transformers", "accelerate")


def test_what_a_package_needs_is_searched_for_where_it_could_not_be_judged_alone() -> None:
    order = ["torch", "transformers", "accelerate", "numpy"]
    needed = Asked(lambda mix: {"transformers", "numpy"} <= mix, lambda mix: mix == {"numpy"})
    found = find(order, needed)
    assert (found.ending, set(found.culprits)) == (Ending.FOUND, {"transformers", "numpy"})
    itself = Asked(lambda mix: "numpy" in mix, lambda mix: mix == {"numpy"})
    found = find(order, itself)
    assert (found.culprits, found.suspects, found.need_suspects) == (("numpy",), ("torch",), False)


@given(st.lists(st.sampled_from(PACKAGES), unique=True))
def test_without_a_regression_one_mix_is_enough(packages: list[str]) -> None:
    asked = Asked(lambda mix: False)
    assert find(packages, asked).ending is Ending.NOT_BAD
    assert asked.number == bool(packages)


@given(st.integers(2, 500), st.data())
def test_a_list_of_versions_is_halved(places: int, data: st.DataObject) -> None:
    first_bad = data.draw(st.integers(1, places - 1))
    asked: list[int] = []

    def ask(place: int) -> Answer:
        asked.append(place)
        return Answer.BAD if place >= first_bad else Answer.GOOD

    assert narrow(0, places - 1, ask) == (first_bad - 1, first_bad)
    assert len(asked) <= math.ceil(math.log2(places - 1)) if places > 2 else not asked
    assert len(set(asked)) == len(asked)


@given(st.integers(2, 60), st.data())
def test_versions_that_are_skipped_leave_the_first_bad_one_between_the_ends(places: int, data: st.DataObject) -> None:
    first_bad = data.draw(st.integers(1, places - 1))
    skipped = data.draw(st.sets(st.integers(1, places - 1)))

    def ask(place: int) -> Answer:
        return Answer.SKIP if place in skipped else Answer.BAD if place >= first_bad else Answer.GOOD

    low, high = narrow(0, places - 1, ask)
    assert low < first_bad <= high
    assert all(place in skipped for place in range(low + 1, high))


def test_nothing_can_be_found_between_a_place_and_itself() -> None:
    with pytest.raises(ReportError, match="nothing lies between"):
        narrow(3, 3, lambda place: Answer.GOOD)
