"""Sizes and times as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.errors import ReportError
from reports.records.amounts import duration_s, size_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2GB", 2 * 10**9),
        ("800 MB", 8 * 10**8),
        (" 1.5 GiB ", 3 * 2**29),
        ("4096", 4096),
        ("1kib", 1024),
        ("2tb", 2 * 10**12),
    ],
)
def test_sizes_are_decimal_unless_they_say_binary(text: str, expected: int) -> None:
    assert size_bytes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("1s", 1.0), ("800ms", 0.8), ("1.5 S", 1.5), ("250us", 2.5e-4), ("2min", 120.0)]
)
def test_times_have_a_unit(text: str, expected: float) -> None:
    assert duration_s(text) == pytest.approx(expected)


@given(st.text(max_size=12) | st.from_regex(r"-?[0-9.e]+ ?[kKMGTims]*[bB]?", fullmatch=True))
def test_a_text_is_an_amount_above_0_or_refused_in_one_line(text: str) -> None:
    for parsed in (size_bytes, duration_s):
        try:
            assert parsed(text) > 0
        except ReportError as error:
            assert "\n" not in str(error)
