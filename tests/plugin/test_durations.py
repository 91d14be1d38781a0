from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.plugin.sharding import Durations, estimate, kernels_of, measured, work_of
from fixtures.levels import LEVELS, choose_level
from reports.errors import ReportError
from reports.records import baselines, runfile
from tests.builders import FUSED, PLAIN, cell_document, run_of

EIGHT = "small-sdpa-fp16-resident-dynamic-batch8"
LARGE = "large-sdpa-fp16-resident-dynamic-batch1"
HALF = "small-eager-fp16-resident-dynamic-batch1"

PR, NIGHTLY = LEVELS["pr"], LEVELS["nightly"]


def with_phases(cell: str, **phases: float) -> dict[str, Any]:
    document = cell_document(cell)
    document["extra_info"]["phases"] = phases
    return document


def stored(root: Path, level: str, *cells: Any) -> Path:
    path = baselines.folder(root, "nvidia-h200", "current", level) / baselines.FILE
    runfile.write(path, run_of(*cells, level=level))
    return path


def test_a_cell_takes_as_long_as_its_own_phases_in_the_baseline_with_the_rounds_of_this_run(tmp_path: Path) -> None:
    """The builder's rounds take 2.1 s in the median."""
    path = stored(tmp_path, "pr", with_phases(PLAIN, load=4.0, rounds=6.0, reference=100.0, rerun=50.0))
    found = measured(tmp_path, "nvidia-h200", "current", PR)
    assert found.source == path
    assert found.seconds == {PLAIN: pytest.approx(4.0 + 10 * 2.1)}
    three = choose_level("pr", "NVIDIA H200", rounds=3)
    assert measured(tmp_path, "nvidia-h200", "current", three).seconds == {PLAIN: pytest.approx(4.0 + 3 * 2.1)}


def test_a_baseline_without_phases_tells_its_rounds(tmp_path: Path) -> None:
    stored(tmp_path, "pr", PLAIN)
    assert measured(tmp_path, "nvidia-h200", "current", PR).seconds == {PLAIN: pytest.approx(21.0)}


def test_another_levels_baseline_stands_in_only_where_there_is_none(tmp_path: Path) -> None:
    pr = stored(tmp_path, "pr", PLAIN)
    assert measured(tmp_path, "nvidia-h200", "current", NIGHTLY).source == pr
    nightly = stored(tmp_path, "nightly", PLAIN)
    assert measured(tmp_path, "nvidia-h200", "current", NIGHTLY).source == nightly
    assert measured(tmp_path, "nvidia-h200", "blog", NIGHTLY) == Durations()


def test_another_gpus_baseline_stands_in_where_this_one_has_none(tmp_path: Path) -> None:
    other = stored(tmp_path, "pr", PLAIN)
    assert measured(tmp_path, "nvidia-h100", "current", NIGHTLY).source == other
    assert measured(tmp_path, "cpu", "current", NIGHTLY) == Durations(), "a CPU measures other cells"
    own = baselines.folder(tmp_path, "nvidia-h100", "current", "pr") / baselines.FILE
    runfile.write(own, run_of(FUSED, level="pr"))
    assert measured(tmp_path, "nvidia-h100", "current", NIGHTLY).source == own


def test_a_damaged_baseline_is_not_passed_over(tmp_path: Path) -> None:
    path = stored(tmp_path, "pr", PLAIN)
    path.write_text(path.read_text()[:-200])
    with pytest.raises(ReportError, match=str(path)):
        measured(tmp_path, "nvidia-h200", "current", PR)


def test_a_cell_that_the_baseline_lacks_takes_as_long_as_its_neighbours() -> None:
    known = {PLAIN: 10.0, FUSED: 4.0, EIGHT: 40.0, LARGE: 90.0}
    assert Durations(known).of([PLAIN, HALF]) == {PLAIN: 10.0, HALF: 7.0}, "one axis from each of the first two"
    assert estimate("large-eager-fp16-resident-dynamic-batch1", known) == 90.0, "the checkpoint counts more"
    assert estimate("small-eager-fp32-cpu_offload-dynamic-batch8", known) == 40.0, "and so does the batch"


def test_without_a_baseline_all_cells_take_as_long() -> None:
    assert Durations().of([PLAIN, FUSED]) == {PLAIN: 1.0, FUSED: 1.0}


def test_what_the_first_cell_of_a_process_readies_is_told_apart_from_the_cell(tmp_path: Path) -> None:
    """The builder's rounds take 2.1 s in the median."""
    first = with_phases(FUSED, reference=3.0, load=1.0, cold_start=40.0, rounds=21.0)
    later = with_phases(FUSED.replace("resident", "cpu_offload"), load=1.0, cold_start=2.0, rounds=21.0)
    stored(tmp_path, "pr", first, later)
    found = measured(tmp_path, "nvidia-h200", "current", PR)
    assert found.seconds[FUSED] == pytest.approx(1 + 2.1 + 10 * 2.1)
    assert found.seconds[FUSED.replace("resident", "cpu_offload")] == pytest.approx(1 + 2.0 + 10 * 2.1)
    assert found.first == {work_of(FUSED): 3.0, kernels_of(FUSED): pytest.approx(40 - 2.1)}


def test_in_a_split_each_cell_has_its_share_of_what_is_readied_once() -> None:
    offloaded = FUSED.replace("resident", "cpu_offload")
    known = Durations({FUSED: 10.0, offloaded: 20.0, PLAIN: 5.0}, {kernels_of(FUSED): 30.0, work_of(FUSED): 9.0})
    assert known.with_shares([FUSED, offloaded, PLAIN]) == {FUSED: 28.0, offloaded: 38.0, PLAIN: 8.0}
    assert known.with_shares([FUSED]) == {FUSED: 49.0}
