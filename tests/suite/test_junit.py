"""`--junitxml`, pytest's own option, holds what was measured."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from tests.suite.conftest import SMALLEST, Suite

PART = ("-k", "dynamic and batch1 and fp32 and sdpa")


def properties(path: Path) -> list[tuple[str, str]]:
    """The properties of the one cell's test case."""
    cases = [case for case in ElementTree.parse(path).iter("testcase") if SMALLEST in case.attrib["name"]]
    (case,) = cases
    return [(one.attrib["name"], one.attrib["value"]) for one in case.iter("property")]


def test_a_cell_s_metrics_are_properties_with_their_units(suite: Suite, tmp_path: Path) -> None:
    ended = suite(*PART, f"--junitxml={tmp_path / 'junit.xml'}")
    assert ended.code == 0
    found = dict(properties(tmp_path / "junit.xml"))
    for name, one in ended.run.cells[SMALLEST].metrics.items():
        number, _, unit = found[name].partition(" ")
        assert (float(number), unit) == (one.value, one.unit)
    assert found["peak_allocated"] == "60000000 B"
    assert "verdicts" not in found


def test_a_judged_cell_has_its_verdicts_too_and_a_failed_one_keeps_its_metrics(
    with_baseline: Suite, tmp_path: Path
) -> None:
    path = tmp_path / "junit.xml"
    ended = with_baseline(
        "--benchmark-compare", *PART, f"--junitxml={path}", cells={SMALLEST: {"peak_allocated": 70_000_000}}
    )
    assert ended.code == 1
    found = properties(path)
    assert dict(found)["peak_allocated"] == "70000000 B"
    assert "1 worse" in dict(found)["verdicts"].split(", ")
    (worse,) = [value for name, value in found if name == "worse"]
    assert worse.startswith(f"{SMALLEST}: peak_allocated worse: 60.0 MB -> 70.0 MB")
