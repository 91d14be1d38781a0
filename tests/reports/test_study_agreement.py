from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.render import study_words
from reports.render.study_agreement import (
    PEAK_BOUND,
    RELATIVE_PEAK_BOUND,
    agreement,
    peak_agreement,
    relative_peak_agreement,
)
from tests.builders import cell_document, run_of
from tests.published_run import STUDY, cell_of, found_in, measured, run_as_published


@given(st.dictionaries(st.text(min_size=1), st.none() | st.floats(-1, 1)), st.floats(0, 1))
def test_every_row_is_either_within_or_outside_or_not_judged(
    differences: dict[str, float | None], bound: float
) -> None:
    found = agreement(differences, bound)
    judged = dict(found.within) | dict(found.outside)
    assert {**judged, **dict.fromkeys(found.unknown)} == differences
    assert len(found.within) + len(found.outside) + len(found.unknown) == len(differences)
    mirrored = agreement({row: None if d is None else -d for row, d in differences.items()}, bound)
    assert [row for row, _ in mirrored.within] == [row for row, _ in found.within]


@pytest.mark.parametrize(("peak", "within"), [(1 + PEAK_BOUND, 8), (1 - PEAK_BOUND, 8), (1.071, 0), (0.929, 0)])
def test_the_bound_on_peak_memory_is_seven_percent_in_either_direction(peak: float, within: int) -> None:
    found = peak_agreement(found_in(run_as_published(peak=peak)).rows)
    assert (len(found.within), len(found.outside)) == (within, 8 - within)


def test_the_bound_on_relative_memory_is_three_points_and_leaves_the_references_out() -> None:
    assert math.isclose(RELATIVE_PEAK_BOUND, 0.03)
    row = STUDY.rows[2]
    heavier = {"peak_allocated": (1 - 0.59 + 0.031) * 5025.0e6}
    others = [measured(other, "large", "bettertransformer", 1.0, 256) for other in STUDY.rows if other is not row]
    run = run_of(*others, cell_document(cell_of(row, "large"), heavier, tokens=256))
    found = relative_peak_agreement(found_in(run).rows)
    assert [name for name, _ in found.outside] == ["batch 1 cpu_offload + bettertransformer"]
    assert len(found.within) == 5


def test_the_output_ends_with_the_rows_within_and_outside() -> None:
    peak, relative = study_words.closing(found_in(run_as_published(peak=1.1)))
    assert peak.startswith("Peak memory within 7 % of the published: none; outside: batch 1 no optimization (+10.0 %)")
    assert relative.startswith("Relative peak memory within 3 points of the published: every row, from -0.4 points (")
    assert relative.endswith("to +0.4 points (batch 8 cpu_offload + bettertransformer + fp16).")
