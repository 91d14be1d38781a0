"""Parts of several workers become one run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.plugin.handover import Merged, Part, unpacked
from benchmarks.plugin.recorder import Recorder
from tests.builders import FUSED, PLAIN, cell_document

ENTRY: dict[str, Any] = {"param": PLAIN, "params": {"cell": PLAIN}, "options": {"min_rounds": 5}}


def environment(card: str, **more: Any) -> dict[str, Any]:
    return {"gpu": {"card": card}, "host": {}, "software": {}, "commit": "abc", "environment": f"env-{card}", **more}


def part(cell: str, place: int, **more: Any) -> Part:
    entry = ENTRY | cell_document(cell, environment=f"env-{place}")
    entry["stats"] = {"data": [0.1, 1 / 3], "iterations": 1}
    known: dict[str, Any] = {"environment": environment(str(place)), "entry": entry} | more
    return Part(cell=cell, place=place, when="call", **known)


def merged(tmp_path: Path) -> Merged:
    suite: Any = SimpleNamespace(
        recorder=Recorder(tmp_path / "run.json", "pr", "current", "nvidia-h200"), machine_info={}, traces=None
    )
    names = [f"benchmarks/test_bark.py::test_generate[{cell}]" for cell in (PLAIN, FUSED)]
    return Merged(suite, [], {name: number for number, name in enumerate(names)})


def test_a_part_survives_the_way_to_the_controller() -> None:
    sent = part(PLAIN, 1, outcome="failed", reason="worse", warnings=["hot"], limits={"memory_bytes_per_s": 4e12})
    assert unpacked(sent.packed()) == sent


def test_entries_stand_in_the_order_of_one_process_with_their_samples_exact(tmp_path: Path) -> None:
    run = merged(tmp_path)
    assert run.add(part(FUSED, 1))
    assert run.add(part(PLAIN, 0))
    assert [entry.extra_info["cell"] for entry in run.entries] == [PLAIN, FUSED]
    assert run.entries[0].as_dict()["stats"]["data"] == [0.1, 1 / 3]


def test_the_first_places_environment_is_the_runs_and_the_others_stand_beside_it(tmp_path: Path) -> None:
    run = merged(tmp_path)
    recorder = run.suite.recorder
    run.add(part(FUSED, 1, limits={"memory_bytes_per_s": 4e12}))
    assert run.suite.machine_info == environment("1")
    assert recorder.environments == {}
    run.add(part(PLAIN, 0, limits={"memory_bytes_per_s": 5e12}, environments={"env-base": {"gpu": None}}))
    assert run.suite.machine_info == environment("0")
    assert recorder.limits
    assert recorder.limits.memory_bytes_per_s == 5e12
    assert recorder.environments.keys() == {"env-1", "env-base"}
    assert recorder.environments["env-1"]["limits"] == {"memory_bytes_per_s": 4e12}
    assert recorder.environments["env-1"]["gpu"] == {"card": "1"}


def test_a_cell_keeps_its_environment_where_the_worker_after_it_in_the_first_place_found_another(
    tmp_path: Path,
) -> None:
    run = merged(tmp_path)
    run.add(part(PLAIN, 0))
    grown = environment("0", host={"memory_bytes": 2}, environment="env-grown")
    run.add(part(FUSED, 0, environment=grown, limits={"memory_bytes_per_s": 4e12}))
    assert run.suite.machine_info == grown
    run.add(part(FUSED, 1))
    assert run.suite.recorder.environments.keys() == {"env-0", "env-1"}
    assert run.suite.recorder.environments["env-0"]["host"] == {}


def test_a_cell_measured_with_other_weights_than_the_cells_before_it_fails(tmp_path: Path) -> None:
    run = merged(tmp_path)
    recorder = run.suite.recorder
    run.add(part(PLAIN, 0))
    other = part(FUSED, 1)
    other.entry["extra_info"]["checkpoint"] = {"source": "hub", "digest": "1dbd7a1"}
    assert not run.add(other)
    assert recorder.outcomes[FUSED].outcome == "failed"
    assert recorder.outcomes[FUSED].reason == (
        f"{FUSED} was measured with the hub weights 1dbd7a1 of small and {PLAIN} with the synthetic weights c0ffee: "
        "have all workers load the same with --checkpoint-source=synthetic or --checkpoint-source=hub"
    )
    assert recorder.records.keys() == {PLAIN}
    assert [entry.extra_info["cell"] for entry in run.entries] == [PLAIN]


def test_weights_of_another_checkpoint_are_others(tmp_path: Path) -> None:
    run = merged(tmp_path)
    run.add(part(PLAIN, 0))
    large = part(PLAIN.replace("small", "large"), 1)
    large.entry["extra_info"]["checkpoint"] = {"source": "hub", "digest": "1dbd7a1"}
    assert run.add(large)


def test_what_was_measured_stands_and_a_warning_of_several_workers_is_said_once(tmp_path: Path) -> None:
    run = merged(tmp_path)
    recorder = run.suite.recorder
    run.add(part(PLAIN, 0, outcome="failed", reason="worse", warnings=["synthetic weights"]))
    assert not run.add(Part(FUSED, 1, "call", "failed", "no memory", warnings=["synthetic weights", "hot"]))
    assert {cell: outcome.outcome for cell, outcome in recorder.outcomes.items()} == {
        PLAIN: "measured",
        FUSED: "failed",
    }
    assert recorder.warnings == ["synthetic weights", "hot"]
