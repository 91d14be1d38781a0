from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.errors import ReportError
from reports.records import runfile
from tests.builders import FUSED, PLAIN, cell_document, run_document, run_of


def test_a_run_file_survives_writing_and_reading(tmp_path: Path) -> None:
    path = tmp_path / "a" / "run.json"
    run = run_of()
    runfile.write(path, run)
    assert runfile.read(path) == run


def test_what_the_card_did_survives_writing_and_reading_a_list_a_line(tmp_path: Path) -> None:
    cell = cell_document(PLAIN, {"energy": 281.7}, steps=[[0.01] * 30])
    card = {
        "sm_clock_mhz": [1980] * 30, "memory_clock_mhz": [3201] * 30, "temperature_c": [42.0] * 30,
        "power_w": [310.0] * 30, "marked": {"contended": [3, 4]}, "dropped": {"contended + sw_power_cap": 10},
    }  # fmt: skip
    cell["extra_info"]["rounds"] |= card
    path = tmp_path / "run.json"
    runfile.write(path, run_of(cell))
    (record,) = runfile.read(path).cells.values()
    assert record.metrics["energy"].unit == "J"
    assert record.rounds.model_dump(include=set(card)) == card
    assert sum('"sm_clock_mhz"' in line and line.count("1980") == 30 for line in path.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ({"sm_clock_mhz": [1980]}, "has 1 SM clocks for 3 rounds"),
        ({"marked": {"contended": [3]}}, "marks a round that it does not have"),
    ],
)
def test_telemetry_that_does_not_fit_the_rounds_is_refused(card: dict[str, Any], says: str) -> None:
    cell = cell_document(PLAIN, steps=[[0.01] * 3])
    cell["extra_info"]["rounds"] |= card
    with pytest.raises(ReportError, match=says):
        run_of(cell)


def test_fields_that_the_schema_does_not_know_are_kept(tmp_path: Path) -> None:
    document = run_document()
    document["benchmarks"][0]["extra_info"]["drift"] = {"stft": 0.1}
    runfile.write(tmp_path / "run.json", runfile.parse(document, "x"))
    written = json.loads((tmp_path / "run.json").read_text())
    assert written["benchmarks"][0]["extra_info"]["drift"] == {"stft": 0.1}


def test_a_benchmark_of_another_suite_in_the_same_session_is_passed_over() -> None:
    document = run_document([PLAIN])
    document["benchmarks"].append({"name": "other", "fullname": "other", "stats": {}, "extra_info": {}})
    assert list(runfile.parse(document, "x").cells) == [PLAIN]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not complete JSON"),
        (json.dumps(run_document())[:-200], "cut off or damaged"),
        ("[1, 2]", "is not a run file"),
        ('{"benchmarks": 3}', "is not a run file"),
        ('{"benchmarks": []}', "was not written by this suite"),
        (json.dumps(run_document(schema_version=99)), "schema 99"),
        (json.dumps(run_document(schema_version="1")), "schema '1'"),
        ("[" * 100_000, "not complete JSON"),
    ],
)
def test_a_file_that_cannot_be_used_gets_one_clear_error(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(content)
    with pytest.raises(ReportError, match=r"run\.json") as error:
        runfile.read(path)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_bytes_that_are_not_text_and_a_missing_file_get_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ReportError, match="cannot read"):
        runfile.read(tmp_path / "run.json")
    with pytest.raises(ReportError, match="there is no run file"):
        runfile.read(tmp_path / "absent.json")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "fast", None, [1]])
def test_a_value_that_is_not_a_finite_number_is_refused_by_name(value: Any) -> None:
    document = run_document([PLAIN])
    document["benchmarks"][0]["extra_info"]["metrics"]["latency"]["value"] = value
    with pytest.raises(ReportError, match=r"damaged at benchmarks\.0\.extra_info\.metrics\.latency\.value"):
        runfile.parse(document, "x")


def damage_extra(document: Any) -> None:
    document["benchmarks"][0]["extra_info"] = {}


def damage_metrics(document: Any) -> None:
    document["benchmarks"][0]["extra_info"]["metrics"].pop("peak_allocated")


def damage_environment(document: Any) -> None:
    document["benchmarks"][0]["extra_info"]["environment"] = "elsewhere"


def damage_unit(document: Any) -> None:
    document["benchmarks"][0]["extra_info"]["metrics"]["latency"]["unit"] = "ms"


def damage_outcomes(document: Any) -> None:
    document["suite"]["cells"].append({"cell": PLAIN, "outcome": "not asked for"})


def damage_zero(document: Any) -> None:
    document["benchmarks"][0]["extra_info"]["metrics"]["peak_allocated"]["value"] = 0.0


def damage_negative(document: Any) -> None:
    document["benchmarks"][0]["extra_info"]["metrics"]["weights"]["value"] = -3.0


def damage_truth(document: Any) -> None:
    document["benchmarks"][0]["extra_info"]["metrics"]["weights"]["value"] = True


def damage_schema(document: Any) -> None:
    document["benchmarks"][0]["extra_info"]["schema_version"] = 10**19


def damage_checkpoints(document: Any) -> None:
    document["machine_info"]["checkpoints"] = [1]


def damage_gpu(document: Any) -> None:
    document["machine_info"]["gpu"] = "H200"


def damage_axes(document: Any) -> None:
    del document["benchmarks"][0]["extra_info"]["axes"]["batch"]


def damage_model(document: Any) -> None:
    document["benchmarks"][0]["extra_info"]["model"] = "whisper"


def damage_stats(document: Any) -> None:
    document["benchmarks"][0]["stats"]["data"] = []


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (damage_extra, f"{PLAIN} is listed as measured without a record"),
        (damage_metrics, f"{PLAIN} lacks peak_allocated"),
        (damage_environment, "the environment 'elsewhere'"),
        (damage_unit, "latency is in 'ms', not in 's'"),
        (damage_outcomes, f"it lists {PLAIN} more than once"),
        (damage_zero, f"{PLAIN} lacks peak_allocated"),
        (damage_negative, "weights.value"),
        (damage_truth, "weights.value"),
        (damage_schema, "schema 10000000000000000000"),
        (damage_checkpoints, "checkpoints"),
        (damage_gpu, "gpu"),
        (damage_axes, f"{PLAIN} is no cell of its model: its axes are checkpoint, attention"),
        (damage_model, f"{PLAIN} is of the model 'whisper', which it does not describe"),
        (damage_stats, "stats.data"),
    ],
)
def test_damage_that_would_hide_a_regression_is_refused(damage: Callable[[Any], None], says: str) -> None:
    document = run_document()
    damage(document)
    with pytest.raises(ReportError, match="damaged") as error:
        runfile.parse(document, "x")
    assert says in str(error.value)


def test_a_cell_that_stands_twice_is_refused() -> None:
    with pytest.raises(ReportError, match=f"{FUSED} more than once"):
        runfile.parse(run_document([PLAIN, FUSED, FUSED]), "x")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_mangled_document_is_read_or_refused_but_never_crashes(data: st.DataObject) -> None:
    document: Any = copy.deepcopy(run_document([PLAIN]))
    node = document
    while isinstance(node, (dict, list)) and node:
        key = data.draw(st.sampled_from(sorted(node))) if isinstance(node, dict) else 0
        if data.draw(st.booleans()) or not isinstance(node[key], (dict, list)) or not node[key]:
            node[key] = data.draw(json_values)
            break
        node = node[key]
    try:
        runfile.parse(document, "x")
    except ReportError as error:
        assert "\n" not in str(error)


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ReportError, match=r"cannot write .*No space left on device.*free space"):
        runfile.write(path, run_of())
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]
