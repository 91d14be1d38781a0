"""Every text, mapping and list that is read from outside has a limit, which holds before the memory is spent."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from benchmarks.plugin.recorder import Recorder
from reports.bisect.state import State
from reports.errors import ReportError
from reports.records import baselines, document, runfile
from reports.records.bounds import MOST_CELLS, MOST_NAMES
from reports.records.document import MOST_MEMBERS, decode
from reports.records.model import schema_1_models
from reports.records.samples import SamplesFile
from reports.records.schema import MachineInfo, RunFile
from reports.verdicts.thresholds import Override
from tests.builders import FUSED, PLAIN, cell_document, run_document, run_of

READ = (RunFile, MachineInfo, SamplesFile, State, Override)


def unbounded(schema: Any, place: str) -> Iterator[str]:
    """Places of a JSON schema at which there may be any number of characters or members.

    A record's own unknown keys are held by `document.MOST_MEMBERS`.
    """
    if isinstance(schema, list):
        for number, one in enumerate(schema):
            yield from unbounded(one, f"{place}.{number}")
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if kind == "string" and not schema.keys() & {"maxLength", "enum", "const", "format"}:
        yield place
    if kind == "array" and "maxItems" not in schema:
        yield place
    if kind == "object" and "properties" not in schema and "maxProperties" not in schema:
        yield place
    for key, value in schema.items():
        yield from unbounded(value, f"{place}.{key}")


@pytest.mark.parametrize("model", READ)
def test_every_text_mapping_and_list_of_a_record_has_a_limit(model: type[BaseModel]) -> None:
    assert list(unbounded(model.model_json_schema(), model.__name__)) == []


@pytest.mark.parametrize("field", [dict[str, int], list[int], str, dict[str, Any]])
def test_a_field_without_a_limit_is_found(field: Any) -> None:
    class Record(BaseModel):
        it: field

    assert len(list(unbounded(Record.model_json_schema(), "x"))) == 1


def with_metrics(number: int, value: Any) -> dict[str, Any]:
    content = run_document([PLAIN])
    content["benchmarks"][0]["extra_info"]["metrics"] |= {f"m{at}": value for at in range(number)}
    return content


@pytest.mark.parametrize("value", [{"value": 1.0, "unit": "s"}, {"value": "x"}, None])
def test_a_cell_of_too_many_metrics_is_refused_before_any_is_made_a_record(value: Any) -> None:
    """By the reader of JSON beyond what any mapping may hold, and else by the record, which makes none of them."""
    many = json.dumps(with_metrics(MOST_MEMBERS, value)).encode()
    with pytest.raises(ReportError, match=r"extra_info\.metrics holds 20,005 values, and at most 20,000 are read"):
        decode(many, "x")
    fewer = with_metrics(MOST_NAMES, value)
    tracemalloc.start()
    try:
        with pytest.raises(ReportError, match=r"metrics: it has 1005 entries, and at most 1000 are read"):
            runfile.parse(fewer, "x")
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


def test_looking_at_a_document_keeps_little_beside_it() -> None:
    """A list of 1,000 lists of 200 objects: what is still to be looked at is at most one list of each level."""
    value = [[{"a": 1} for _ in range(200)] for _ in range(1_000)]
    tracemalloc.start()
    try:
        document._check(value)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("place", "content"),
    [
        ("stages", {f"s{at}": {"metrics": {}, "tokens": 1} for at in range(MOST_NAMES + 1)}),
        ("proofs", {f"p{at}": "x" for at in range(MOST_NAMES + 1)}),
        ("counters.total", {f"c{at}": 1 for at in range(MOST_NAMES + 1)}),
        ("rounds.marked", {f"m{at}": [1] for at in range(MOST_NAMES + 1)}),
        ("environment", "e" * 1_001),
    ],
)
def test_every_part_of_a_cell_is_limited(place: str, content: Any) -> None:
    run = run_document([PLAIN])
    holder = run["benchmarks"][0]["extra_info"]
    *above, last = place.split(".")
    for key in above:
        holder = holder.setdefault(key, {"total": {}, "parts": {}})
    holder[last] = content
    with pytest.raises(ReportError, match=rf"damaged at .*{place}: "):
        runfile.parse(run, "x")


def test_what_is_measured_in_earnest_is_far_below_the_limits(tmp_path: Path) -> None:
    cells = [PLAIN.replace("small", f"s{at}") for at in range(300)]
    failed = {f"x{at}-{PLAIN}": ("failed", "out of memory") for at in range(MOST_CELLS - 300)}
    run = run_of(*[cell_document(cell) for cell in cells], outcomes=failed)
    runfile.write(tmp_path / "run.json", run)
    assert len(runfile.read(tmp_path / "run.json").suite.cells) == MOST_CELLS


@pytest.mark.parametrize("path", sorted(baselines.DEFAULT_ROOT.rglob("*.json")), ids=lambda path: path.parent.name)
def test_every_committed_baseline_is_read(path: Path) -> None:
    assert runfile.read(path).cells


def test_a_failure_of_any_length_leaves_a_run_file_that_can_be_read(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.json", "smoke", "current", "cpu", models=schema_1_models())
    recorder.not_measured(FUSED, "failed", "assert " + "[0, 1] == " * 100_000)
    recorder.save(run_document([PLAIN]) | {"suite": recorder.suite() | {"cells": [
        {"cell": PLAIN, "outcome": "measured"}, recorder.outcomes[FUSED].model_dump(exclude_none=True)]}})  # fmt: skip
    assert runfile.read(tmp_path / "run.json").outcomes()[FUSED].reason.startswith("assert [0, 1]")


def test_a_reason_that_no_reader_would_take_is_refused_before_the_baseline_changes(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="--reason has 10,001 characters"):
        baselines.accept(run_of(), tmp_path / "b", reason="x" * 10_001)
    assert not (tmp_path / "b").exists()
