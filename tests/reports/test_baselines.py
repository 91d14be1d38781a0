from __future__ import annotations

import json
from pathlib import Path

import pytest

from reports.errors import ReportError
from reports.records import baselines, runfile
from reports.render import acceptance
from reports.verdicts.compare import compare
from tests.builders import FUSED, PLAIN, cell_document, run_of


@pytest.mark.parametrize(
    ("model", "slug"),
    [("NVIDIA H200", "nvidia-h200"), (None, "cpu"), ("NVIDIA RTX 6000 (Ada)", "nvidia-rtx-6000-ada")],
)
def test_the_folder_of_a_card_is_the_slug_of_its_name(model: str | None, slug: str) -> None:
    assert baselines.hardware_slug(model) == slug


@pytest.mark.parametrize("part", ["..", "", "a/b", "A", ".hidden"])
def test_a_part_that_would_leave_the_folder_is_refused(part: str) -> None:
    with pytest.raises(ReportError, match="cannot name a folder of baselines"):
        baselines.folder(Path("/x"), part, "current", "pr")


def test_an_accepted_run_is_the_baseline_of_its_hardware_lane_and_level(tmp_path: Path) -> None:
    path, changes = baselines.accept(run_of(), tmp_path)
    assert path == tmp_path / "nvidia-h200" / "current" / "pr" / "0001_baseline.json"
    assert [(c.cell, c.action) for c in changes] == [(PLAIN, "added"), (FUSED, "added")]
    assert not compare(runfile.read(path), run_of(), baseline="x").failed


def test_accepting_a_part_keeps_the_other_cells_and_their_environment(tmp_path: Path) -> None:
    baselines.accept(run_of(), tmp_path)
    later = run_of(
        cell_document(FUSED, {"latency": 1.0}, environment="env-b"),
        software={"torch": "9.9"},
        environment="env-b",
        outcomes={PLAIN: ("not asked for", "")},
    )
    path, changes = baselines.accept(later, tmp_path)
    stored = runfile.read(path)
    assert acceptance.lines(changes) == [
        f"replaced {FUSED} (2 timed rounds): better latency 2.000 s -> 1.000 s (-50.00%)"
    ]
    assert stored.environment_of(stored.cells[PLAIN])["software"]["torch"] == "2.11.0"
    assert stored.environment_of(stored.cells[FUSED])["software"]["torch"] == "9.9"


def test_a_cell_that_lost_a_gated_metric_needs_a_reason_and_is_told_first(tmp_path: Path) -> None:
    counted = cell_document(FUSED, {"kernel_launches": 900.0, "aten_calls": 1_200.0, "floor": 1.0})
    path, _ = baselines.accept(run_of(PLAIN, counted), tmp_path)
    before = path.read_text()
    uncounted = run_of(cell_document(PLAIN, {"latency": 3.0}), cell_document(FUSED, {"aten_calls": 1_200.0}))
    with pytest.raises(ReportError, match=rf"{FUSED} has no kernel_launches in this run, so no later run could fail"):
        baselines.accept(uncounted, tmp_path)
    assert path.read_text() == before
    baselines.accept(uncounted, tmp_path, keep=lambda cell: cell == PLAIN)
    _, changes = baselines.accept(uncounted, tmp_path, reason="the profiler cannot see this card")
    assert acceptance.lines(changes) == [
        f"replaced {FUSED} (2 timed rounds): not gated any more: kernel_launches",
        "replaced 1 cell in which no gated metric moved",
    ]


def test_new_takes_only_cells_that_the_baseline_does_not_hold(tmp_path: Path) -> None:
    baselines.accept(run_of(PLAIN), tmp_path)
    path, changes = baselines.accept(run_of(cell_document(PLAIN, {"latency": 9.0}), FUSED), tmp_path, which="new")
    assert {change.cell: change.action for change in changes} == {PLAIN: "kept", FUSED: "added"}
    assert runfile.read(path).cells[PLAIN].metrics["latency"].value == 2.0


def test_only_the_cells_asked_for_are_taken(tmp_path: Path) -> None:
    path, _ = baselines.accept(run_of(), tmp_path, keep=lambda cell: "fp16" in cell)
    assert list(runfile.read(path).cells) == [FUSED]


def test_a_cell_that_left_the_matrix_leaves_the_baseline_with_a_whole_run(tmp_path: Path) -> None:
    baselines.accept(run_of(), tmp_path)
    path, changes = baselines.accept(run_of(PLAIN), tmp_path)
    assert {change.cell: change.action for change in changes} == {PLAIN: "replaced", FUSED: "removed"}
    assert list(runfile.read(path).cells) == [PLAIN]


@pytest.mark.parametrize(("reason", "left"), [("level smoke measures tiny only", {PLAIN}), ("", {PLAIN, FUSED})])
def test_a_run_is_whole_whatever_its_level_leaves_out_but_not_what_a_selection_does(
    reason: str, left: set[str], tmp_path: Path
) -> None:
    baselines.accept(run_of(), tmp_path)
    path, _ = baselines.accept(run_of(PLAIN, outcomes={"large-x": ("not asked for", reason)}), tmp_path)
    assert set(runfile.read(path).cells) == left


def test_an_unfinished_run_removes_nothing(tmp_path: Path) -> None:
    baselines.accept(run_of(), tmp_path)
    path, _ = baselines.accept(run_of(PLAIN, finished=False), tmp_path)
    assert set(runfile.read(path).cells) == {PLAIN, FUSED}


def test_a_run_of_other_work_than_its_levels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="made 8 semantic tokens"):
        baselines.accept(run_of(overrides={"tokens": 8.0}), tmp_path)


def test_a_run_with_nothing_to_accept_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    failed = run_of(PLAIN)
    with pytest.raises(ReportError, match="nothing to accept"):
        baselines.accept(failed, tmp_path, keep=lambda cell: False)
    assert not list(tmp_path.rglob("*.json"))


def test_a_damaged_baseline_is_never_overwritten(tmp_path: Path) -> None:
    path, _ = baselines.accept(run_of(), tmp_path)
    path.write_text(path.read_text()[:100])
    with pytest.raises(ReportError, match="cut off or damaged"):
        baselines.accept(run_of(), tmp_path)
    assert len(path.read_text()) == 100


def test_a_baseline_names_no_host(tmp_path: Path) -> None:
    path, _ = baselines.accept(run_of(warnings=["made in /home/me"]), tmp_path)
    content = path.read_text()
    assert "host.example" not in content
    assert "/home/me" not in content


def test_accepting_twice_changes_nothing(tmp_path: Path) -> None:
    path, _ = baselines.accept(run_of(), tmp_path)
    first = path.read_text()
    baselines.accept(run_of(), tmp_path)
    assert path.read_text() == first


def test_accepting_a_run_again_without_a_reason_keeps_the_one_given(tmp_path: Path) -> None:
    path, _ = baselines.accept(run_of(), tmp_path, reason="first light")
    first = path.read_text()
    baselines.accept(run_of(), tmp_path)
    assert path.read_text() == first


def test_another_reason_for_the_same_run_changes_the_history_only(tmp_path: Path) -> None:
    path, _ = baselines.accept(run_of(), tmp_path, reason="first light")
    before = json.loads(path.read_text())
    baselines.accept(run_of(), tmp_path, reason="reviewed by two")
    after = json.loads(path.read_text())
    assert [entry["reason"] for entry in after["suite"].pop("accepted")] == ["first light", "reviewed by two"]
    del before["suite"]["accepted"]
    assert after == before


def test_each_cell_says_which_acceptance_it_came_from(tmp_path: Path) -> None:
    baselines.accept(run_of(datetime="2026-01-01"), tmp_path, reason="first light")
    later = run_of(datetime="2026-02-02", commit="def456")
    path, _ = baselines.accept(later, tmp_path, keep=lambda cell: cell == FUSED, reason="torch 2.12")
    stored = runfile.read(path)
    reasons = {entry.date: entry.reason for entry in stored.suite.accepted}
    assert {name: reasons[cell.accepted] for name, cell in stored.cells.items()} == {
        PLAIN: "first light",
        FUSED: "torch 2.12",
    }


def test_a_cell_that_is_kept_is_written_as_it_was_read(tmp_path: Path) -> None:
    path, _ = baselines.accept(run_of(), tmp_path)
    older = json.loads(path.read_text())
    for benchmark in older["benchmarks"]:  # as a suite wrote them that knew nothing of these fields
        for field in ("rounds", "accepted"):
            benchmark["extra_info"].pop(field)
    path.write_text(json.dumps(older))
    baselines.accept(run_of(), tmp_path, keep=lambda cell: cell == FUSED)
    kept, replaced = (json.loads(path.read_text())["benchmarks"][place] for place in (0, 1))
    if kept["extra_info"]["cell"] == FUSED:
        kept, replaced = replaced, kept
    assert kept in older["benchmarks"]
    assert replaced["extra_info"]["accepted"]


def test_a_metric_that_moved_is_one_changed_line(tmp_path: Path) -> None:
    path, _ = baselines.accept(run_of(), tmp_path)
    before = path.read_text().splitlines()
    baselines.accept(run_of(PLAIN, cell_document(FUSED, {"peak_allocated": 2e9})), tmp_path)
    changed = [line.strip() for line in path.read_text().splitlines() if line not in before]
    assert changed == ['"peak_allocated": {"value": 2000000000.0, "unit": "B"},']


def test_what_is_new_or_kept_is_told_last(tmp_path: Path) -> None:
    baselines.accept(run_of(PLAIN), tmp_path)
    _, changes = baselines.accept(run_of(), tmp_path, which="new")
    assert acceptance.lines(changes) == [
        f"added {FUSED} (2 timed rounds)",
        "kept 1 cell that the baseline holds already",
    ]


def test_the_reason_and_the_commit_are_kept_and_the_newest_stands_last(tmp_path: Path) -> None:
    baselines.accept(run_of(PLAIN, commit="aaa"), tmp_path, reason="first light")
    path, _ = baselines.accept(run_of(FUSED, commit="bbb", finished=False), tmp_path, reason="torch 2.12 is faster")
    kept = runfile.read(path).suite.accepted
    assert [(entry.commit, entry.reason, entry.cells) for entry in kept] == [
        ("aaa", "first light", 1),
        ("bbb", "torch 2.12 is faster", 1),
    ]
    for number in range(30):
        baselines.accept(run_of(PLAIN, commit=str(number)), tmp_path, reason=str(number))
    kept = runfile.read(path).suite.accepted
    assert len(kept) == baselines.HISTORY
    assert kept[-1].reason == "29"


def test_a_changed_round_is_one_changed_line(tmp_path: Path) -> None:
    path, _ = baselines.accept(run_of(cell_document(PLAIN, steps=[[0.01] * 12])), tmp_path)
    before = path.read_text().splitlines()
    baselines.accept(run_of(cell_document(PLAIN, steps=[[0.01] * 11 + [0.02]])), tmp_path)
    changed = [line for line in path.read_text().splitlines() if line not in before]
    assert [line.strip().split(":")[0] for line in changed] == ['"step_p10_s"']


def test_what_got_worse_is_told_first_and_what_did_not_move_is_counted(tmp_path: Path) -> None:
    cells = [PLAIN, FUSED, PLAIN.replace("small", "large")]
    baselines.accept(run_of(*cells), tmp_path)
    _, changes = baselines.accept(
        run_of(
            cells[0],
            cell_document(cells[1], {"peak_allocated": 0.5e9, "weights": 5e8}),
            cell_document(cells[2], {"peak_allocated": 0.9e9}),
            PLAIN.replace("batch1", "batch8"),
        ),
        tmp_path,
    )
    assert acceptance.lines(changes) == [
        f"replaced {cells[1]} (2 timed rounds): worse weights 400.0 MB -> 500.0 MB (+25.00%); "
        "better peak_allocated 1,000.0 MB -> 500.0 MB (-50.00%)",
        f"replaced {cells[2]} (2 timed rounds): better peak_allocated 1,000.0 MB -> 900.0 MB (-10.00%)",
        f"added {PLAIN.replace('batch1', 'batch8')} (2 timed rounds)",
        "replaced 1 cell in which no gated metric moved",
    ]


COMMITTED = sorted(baselines.DEFAULT_ROOT.rglob("*.json"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: "/".join(path.parts[-4:-1]))
def test_a_committed_baseline_can_be_read_and_lies_where_it_belongs(path: Path) -> None:
    run = runfile.read(path)
    assert baselines.path_for(baselines.DEFAULT_ROOT, run) == path
    assert run.benchmarks
    assert not compare(run, run, baseline="itself").failed
    assert "node" not in run.machine_info
    assert all(run.environment_of(cell)["software"] for cell in run.cells.values())


def test_there_are_committed_baselines_for_the_cpu_and_the_h200() -> None:
    places = {"/".join(path.parts[-4:-1]) for path in COMMITTED}
    assert {"cpu/current/smoke", "nvidia-h200/current/pr", "nvidia-h200/current/nightly"} <= places


@pytest.mark.parametrize("which", ["all", "new"])
def test_a_drill_can_never_be_accepted(tmp_path: Path, which: baselines.Which) -> None:
    with pytest.raises(ReportError, match=r"this run is a drill: launches=\+100 was planted in its cells"):
        baselines.accept(run_of(drill="launches=+100"), tmp_path, which=which)
    assert not list(tmp_path.iterdir())


def test_a_drill_cannot_stand_in_for_a_baseline(tmp_path: Path) -> None:
    runfile.write(tmp_path / "drill.json", run_of(drill="launches=+100"))
    with pytest.raises(ReportError, match=r"drill\.json is a drill"):
        baselines.read(tmp_path / "drill.json")


def test_runs_from_before_there_were_drills_are_none() -> None:
    assert run_of().suite.drill == ""
