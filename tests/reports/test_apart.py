"""Two latencies of one run file: an order where there is one, a tie where it would be luck."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.verdicts.apart import ELSEWHERE, Standing, Timing, standing, timing
from reports.verdicts.wall import RULES

timings = st.builds(
    lambda latency, rounds, session, environment: timing(latency, rounds, 1, session, environment),
    st.floats(1, 3),
    st.lists(st.floats(1, 3), min_size=1, max_size=30),
    st.sampled_from("ab"),
    st.sampled_from("xy"),
)


@given(timings, timings)
def test_swapping_two_timings_turns_faster_into_slower(one: Timing, other: Timing) -> None:
    mirrored = {Standing.FASTER: Standing.SLOWER, Standing.SLOWER: Standing.FASTER, Standing.TIED: Standing.TIED}
    assert standing(other, one) is mirrored[standing(one, other)]
    assert standing(one, one) is Standing.TIED


def test_what_tells_two_latencies_apart_depends_on_where_and_how_often_they_were_measured() -> None:
    def rounds(first: float, number: int) -> list[float]:
        return [first * (1 + at / 10_000) for at in range(number)]

    def times(ratio: float, number: int = 20, session: str = "", environment: str = "") -> Standing:
        return standing(
            timing(1.0, rounds(1.0, number), 1, "", ""), timing(ratio, rounds(ratio, number), 1, session, environment)
        )

    near, far = RULES.threshold, RULES.certain
    assert (times(near - 0.01), times(near + 0.01)) == (Standing.TIED, Standing.FASTER)
    few = RULES.fewest_rounds - 1
    assert (times(far - 0.01, few), times(far + 0.01, few)) == (Standing.TIED, Standing.FASTER)
    assert (times(far - 0.01, session="b"), times(far + 0.01, session="b")) == (Standing.TIED, Standing.FASTER)
    assert times(ELSEWHERE - 0.01, environment="b") is Standing.TIED
    assert times(ELSEWHERE + 0.01, environment="b") is Standing.FASTER


@pytest.mark.parametrize(("rounds", "left_out"), [(10, 1), (20, 5), (40, 13), (10_000, 4901)])
def test_the_interval_of_the_median_leaves_out_as_many_rounds_as_the_sign_test_s_table_says(
    rounds: int, left_out: int
) -> None:
    found = timing(1.0, [float(at + 1) for at in range(rounds)], 1, "", "")
    assert (found.low_s, found.high_s) == (left_out + 1, rounds - left_out)
