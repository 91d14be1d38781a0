from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.__main__ import main
from reports.commands.shared import PASSED, USAGE
from reports.records import samples
from reports.records.metrics import Kind
from reports.records.samples import Group, Launch, Samples
from reports.verdicts.calibrate import EFFECTS, Calibration, Row, calibrate
from reports.verdicts.resample import BLOCK_ROUNDS, draw, independent
from tests.builders import PLAIN
from tests.noise import launch as synthetic

QUIET = {"weights": 4e8, "allocations": 1000.0, "peak_allocated": 1e9}


def stored(run: int, rounds: list[float], steps: list[float] | None = None, **metrics: float) -> Launch:
    return Launch(run=f"run {run}", code="c", rounds_s=rounds, steps_s=steps or (), metrics=QUIET | metrics)  # type: ignore[arg-type]


def group(*launches: Launch, cell: str = PLAIN) -> Group:
    return Group(cell=cell, workload="w", gpu="NVIDIA H200", launches=launches)


def noisy(number: int, seed: int = 11) -> Samples:
    random = np.random.default_rng(seed)
    made = (synthetic(random) for _ in range(number))
    launches = [stored(run, list(one.rounds_s), list(one.steps_s)) for run, one in enumerate(made)]
    return Samples(groups=(group(*launches),), notes=())


def row(found: Calibration, name: str) -> Row:
    return next(one for one in found.rows if one.rule.startswith(name))


@given(
    st.lists(st.lists(st.floats(min_value=0.5, max_value=2), min_size=10, max_size=12), min_size=2, max_size=4),
    st.integers(min_value=0, max_value=9),
)
@settings(max_examples=15, deadline=None)
def test_rates_are_shares_within_their_intervals_and_the_seed_decides_them(
    launches: list[list[float]], seed: int
) -> None:
    given_samples = Samples(groups=(group(*(stored(i, one) for i, one in enumerate(launches))),), notes=())
    found = calibrate(given_samples, seed=seed, resamples=4)
    for one in (rate for row in found.rows for rate in row.rates.values()):
        assert 0 <= one.low <= one.worse + 1e-12 <= one.high + 2e-12 <= 1 + 2e-12
        assert one.worse + one.unclear <= 1
    assert calibrate(given_samples, seed=seed, resamples=4) == found


def test_launches_without_noise_never_alarm_and_every_rule_finds_what_it_is_made_for() -> None:
    launches = [stored(run, [2.0] * 12, [0.02] * 12) for run in range(16)]
    found = calibrate(Samples(groups=(group(*launches),), notes=()), seed=0, resamples=10)
    assert all(row.rates[1.0].worse == 0 and not row.problem for row in found.rows)
    finds = {row.rule: [row.rates[effect].worse for effect in EFFECTS[1:]] for row in found.rows}
    assert finds["screen alone"] == finds["screen and rerun"] == [0, 1, 1, 1]
    assert finds["this suite"] == [0, 0, 0, 1]
    assert finds["paired 8 x 5, not interleaved"] == [1, 1, 1, 1]
    assert finds["pytest-benchmark mean:5%"][1:] == [1, 1, 1]
    assert finds["asv continuous"][2:] == [1, 1]
    assert finds["github-action-benchmark 200%"] == [0, 0, 0, 0]
    assert finds["weights 0.0%"] == finds["peak_allocated 0.5%"] == [1, 1, 1, 1]


def test_one_launch_that_differs_alarms_in_its_share_of_pairs() -> None:
    launches = [*(stored(run, [2.0]) for run in range(4)), stored(4, [2.0], weights=4e8 + 1)]
    found = calibrate(Samples(groups=(group(*launches),), notes=()), seed=0, resamples=1)
    assert row(found, "weights").rates[1.0].worse == pytest.approx(4 / 20)
    assert row(found, "all 2 gated").rates[1.0].worse == pytest.approx(4 / 40)
    assert row(found, "all 2 gated").independent == row(found, "weights").independent == 2


def test_noise_of_a_shared_host_alarms_in_few_percent_by_our_rule_and_in_many_by_the_mean() -> None:
    found = calibrate(noisy(24), seed=1, resamples=300)
    assert row(found, "this suite").rates[1.0].worse == 0
    assert row(found, "this suite").rates[1.2].unclear > 0.8
    assert row(found, "screen and rerun").rates[1.0].worse < 0.02
    assert row(found, "screen alone").rates[1.0].worse < 0.04
    assert row(found, "pytest-benchmark mean:5%").rates[1.0].worse > 0.20
    assert row(found, "criterion").rates[1.0].worse > 0.10
    assert row(found, "screen and rerun").rates[1.2].worse > 0.9
    (steps, rounds) = found.biases
    assert 0.01 < steps.median < 0.04 < steps.quantile_95 < 0.10
    assert steps.pairs == rounds.pairs == 24 * 23 // 2


def test_a_rule_with_too_few_launches_says_so_and_has_no_rate() -> None:
    found = calibrate(noisy(2), seed=0, resamples=5)
    missing = {row.rule: row.problem for row in found.rows if row.problem}
    assert missing == {
        "this suite": "needs 3 launches with step p10 of 10 rounds of a cell",
        "screen and rerun": "needs 3 launches with step p10 of 10 rounds of a cell",
        "paired 8 x 5, not interleaved": "needs 16 launches with step p10 of 10 rounds of a cell",
    }
    assert all(not row.rates for row in found.rows if row.problem)


def test_without_step_p10_the_rules_on_whole_rounds_are_left() -> None:
    launches = [stored(run, [2.0] * 12) for run in range(3)]
    found = calibrate(Samples(groups=(group(*launches),), notes=()), seed=0, resamples=5)
    assert "launches with step p10" in row(found, "screen alone").problem
    assert row(found, "screen on whole rounds").rates[1.0].worse == 0
    assert [bias.statistic for bias in found.biases] == ["whole rounds"]


def test_launches_with_few_rounds_say_nothing_of_wall_time_and_are_counted() -> None:
    launches = [stored(run, [2.0] * 3) for run in range(3)]
    found = calibrate(Samples(groups=(group(*launches),), notes=()), seed=0, resamples=5)
    assert {row.kind for row in found.rows if row.rates} == {Kind.EXACT, Kind.STEADY}
    assert "3 launches of cells have fewer than 10 rounds and say nothing of wall time" in found.notes


def test_only_comparisons_that_share_no_process_count_as_independent() -> None:
    one, two, three = (stored(run, [1.0]) for run in range(3))
    assert independent([[one, two, three]], 2) == 1
    assert independent([[one, two], [one, two]], 2) == 1  # two cells of the same two processes
    assert independent([[one, two], [three, stored(3, [1.0])]], 2) == 2
    assert independent([[one, two, three]], 3) == 1
    assert independent([[one, two]], 3) == 0


@given(st.integers(min_value=1, max_value=30), st.integers(min_value=1, max_value=40), st.integers(0, 99))
def test_resampled_rounds_keep_their_neighbours(number: int, wanted: int, seed: int) -> None:
    launch = stored(0, [float(index + 1) for index in range(number)], [index + 0.5 for index in range(number)])
    (rounds,) = draw(np.random.default_rng(seed), [launch], 1, wanted)
    assert len(rounds.rounds_s) == wanted
    assert np.array_equal(rounds.rounds_s - 0.5, rounds.steps_s)
    block = min(BLOCK_ROUNDS, number)
    inside = [step for index, step in enumerate(np.diff(rounds.rounds_s), start=1) if index % block]
    assert all(step == 1 for step in inside)


def test_no_launch_is_compared_with_itself() -> None:
    launches = [stored(run, [float(run + 1)] * 5) for run in range(4)]
    random = np.random.default_rng(0)
    for _ in range(50):
        drawn = draw(random, launches, 4, 5)
        assert {one.rounds_s[0] for one in drawn} == {1.0, 2.0, 3.0, 4.0}


@pytest.fixture
def saved(tmp_path: Path) -> str:
    samples.save(tmp_path / "samples.json", noisy(4).groups)
    return str(tmp_path / "samples.json")


def test_the_command_prints_every_rule_and_what_the_intervals_count(
    saved: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for form in ("terminal", "markdown"):
        assert main(["calibrate", saved, "--resamples", "5", "--format", form]) == PASSED
        printed = " ".join(capsys.readouterr().out.replace("\\", "").split())
        for expected in ("mean:5%", "criterion", "asv continuous", "launch bias", "share no run", "4 runs, 1 cells"):
            assert expected in printed


def test_the_command_as_json_can_be_read_by_programs(saved: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", saved, "--resamples", "5", "--seed", "3", "--format", "json"]) == PASSED
    found = json.loads(capsys.readouterr().out)
    assert found["seed"] == 3
    asv = next(row for row in found["rows"] if row["rule"] == "asv continuous")
    assert set(asv["rates"]) == {"1", "1.05", "1.1", "1.2", "1.4"}


def test_the_command_keeps_the_launches_compactly(saved: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    assert main(["calibrate", saved, "--resamples", "1", "--save", str(kept)]) == PASSED
    assert samples.collect([kept]) == samples.collect([Path(saved)])


def test_too_few_launches_are_one_line_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples.save(tmp_path / "one.json", noisy(1).groups)
    assert main(["calibrate", str(tmp_path)]) == USAGE
    assert "at least twice" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--resamples", "0"], ["--seed", "x"]])
def test_numbers_that_cannot_be_are_refused(saved: str, option: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", saved, *option])
    assert ended.value.code == USAGE
