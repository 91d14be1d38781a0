"""The CPU smoke gate as it runs on a pull request: one cell, with made-up measurements, that is worse in the head."""

from __future__ import annotations

import json
from pathlib import Path

from tests.suite.conftest import ROOT, SMALLEST
from tests.workflows.runner import WORKFLOWS, Job

OPTIONS = "-p tests.fake_measure -p no:cacheprovider -k 'dynamic and sdpa and fp32 and batch1'"
WORSE = {SMALLEST: {"peak_allocated": 60_000_000 + 64 * 2**20}}


def test_the_smoke_gate_measures_both_and_finds_what_is_worse(origin: Path, tmp_path: Path) -> None:
    values = {"github.server_url": "https://github.example", "github.repository": "owner/bark", "github.run_id": "42"}
    job = Job("ci.yml", "smoke", tmp_path, origin, values, {"PYTHONPATH": str(ROOT)})
    job.settings = {
        "Measure the base": {"PYTEST_ADDOPTS": OPTIONS},
        "Measure the head": {
            "PYTEST_ADDOPTS": f"{OPTIONS} --drill=memory=+64MiB",
            "FAKE_CELLS": json.dumps(WORSE),
        },
    }
    job.run()
    names = [step["name"] for step in WORKFLOWS["ci.yml"]["jobs"]["smoke"]["steps"] if "run" in step]
    assert job.codes == dict.fromkeys(names, 0) | {"Verdict": 1}, job.ended
    assert rf"| {SMALLEST} | peak\_allocated | worse | 60.0 MB | 127.1 MB |" in job.summary
    assert "> Drill: memory=+64MiB was planted in every cell." in job.summary
    assert "[The whole report](https://github.example/owner/bark/actions/runs/42)" in job.summary
    assert f"::error title={SMALLEST}::" in job.ended["Say what changed"].stdout
