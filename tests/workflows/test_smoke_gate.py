"""The CPU smoke gate as it runs on a pull request: one small cell, really generated, with something planted in it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.suite.conftest import SMALLEST
from tests.workflows.runner import WORKFLOWS, Job

PART = "--rounds=1 -p no:cacheprovider -k 'dynamic and sdpa and fp32 and batch1'"


def test_the_smoke_gate_measures_both_and_finds_what_was_planted(origin: Path, tmp_path: Path) -> None:
    values = {"github.server_url": "https://github.example", "github.repository": "owner/bark", "github.run_id": "42"}
    job = Job("ci.yml", "smoke", tmp_path, origin, values)
    job.settings = {
        "Measure the base": {"PYTEST_ADDOPTS": PART},
        "Measure the head": {"PYTEST_ADDOPTS": f"{PART} --drill=launches=+100"},
    }
    job.run()
    names = [step["name"] for step in WORKFLOWS["ci.yml"]["jobs"]["smoke"]["steps"] if "run" in step]
    assert job.codes == dict.fromkeys(names, 0) | {"Verdict": 1}, job.ended
    # Counters are exact: what was planted is all that differs, to the last call.
    found = re.search(rf"\| {SMALLEST} \| aten\\_calls \| worse \| ([\d,]+) \| ([\d,]+) \|", job.summary)
    assert found, job.summary
    before, after = (int(number.replace(",", "")) for number in found.groups())
    assert after - before == 100
    assert "> Fault: launches=+100 was planted in every cell." in job.summary
    assert "[The whole report](https://github.example/owner/bark/actions/runs/42)" in job.summary
    assert f"::error title={SMALLEST}::" in job.ended["Say what changed"].stdout
