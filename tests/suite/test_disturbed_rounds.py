"""Rounds that another process on the card disturbed: kept or not, the run file and the terminal say so."""

from __future__ import annotations

from tests.suite.conftest import SMALLEST, Suite


def test_a_run_with_contended_rounds_passes_and_says_how_many_count(suite: Suite) -> None:
    cells = {SMALLEST: {"marked": 2, "dropped": 3}}
    ended = suite(
        "-k", "dynamic and sdpa and fp32 and batch1", "--rounds=5", cells=cells, environment={"FAKE_GPU": "NVIDIA H200"}
    )
    said = f"rounds marked contended: 2 of {SMALLEST} count all the same"
    assert ended.code == 0
    assert f"warning: {said}" in ended.output
    assert [warning.startswith(said) for warning in ended.run.suite.warnings].count(True) == 1
    rounds = ended.run.cells[SMALLEST].rounds
    assert (rounds.marked, rounds.dropped, rounds.launches) == ({"contended": [0, 1]}, {"contended": 3}, [5])
