"""One cell, really generated: the whole path, and injected regressions that have to be found."""

from __future__ import annotations

import gzip
import json
import re
import wave

from fixtures.meters.drift import EQUIVALENT
from fixtures.meters.trace import RANGE
from fixtures.models.bark.stages import STAGES
from tests.suite.conftest import SMALLEST, Suite

ONE_CELL = ("-k", "dynamic and sdpa and fp32 and batch1", "--rounds=2", "--checkpoint-source=synthetic")
REGRESSIONS = ("tests.plant_elementwise", "tests.plant_item", "tests.plant_python")


def test_a_real_run_becomes_a_baseline_that_unchanged_code_passes_and_regressions_do_not(suite: Suite) -> None:
    first = suite(*ONE_CELL, "--update-baselines", plugins=())
    assert first.code == 0, first.output
    cell = first.run.cells[SMALLEST]
    assert {stage: record.tokens for stage, record in cell.stages.items()} == {
        "semantic": 16,
        "coarse": 48,
        "fine": 192,
        "codec": 7680,
    }
    assert set(cell.proofs) == {"attention", "precision", "placement", "decoding", "device"}
    drift = ("logit_error_max", "logit_error_mean", "stft_distance")
    assert all(metric.value > 0 for name, metric in cell.metrics.items() if name not in drift)
    assert cell.metrics["top1_agreement"].value == 1
    assert cell.metrics["logit_error_max"].value < EQUIVALENT
    assert cell.metrics["limit_ratio"].value > 1
    assert cell.roofline.keys() == {"semantic", "coarse", "fine"}
    assert first.run.machine_info["limits"]["matrix_flops_per_s"].keys() == {"fp32"}
    assert cell.audio is not None
    with wave.open(str(first.folder / "latest" / cell.audio.file)) as sample:
        assert sample.getnframes() == cell.stages["codec"].tokens

    traces = first.folder / "traces"
    unchanged = suite(*ONE_CELL, "--benchmark-compare", "--trace-dir", str(traces), plugins=())
    assert unchanged.code == 0, unchanged.output  # a kept trace changes no count
    assert f"{traces / SMALLEST}.json.gz" in unchanged.output
    with gzip.open(traces / f"{SMALLEST}.json.gz", "rt", encoding="utf-8") as file:
        names = {event["name"] for event in json.load(file)["traceEvents"]}
    assert {f"{RANGE}{stage}" for stage in ("generation", *STAGES)} <= names
    assert {"aten::scaled_dot_product_attention", "aten::linear", "[memory]"} <= names
    exact = ("peak_allocated", "weights")
    assert [unchanged.run.cells[SMALLEST].metrics[name] for name in exact] == [cell.metrics[name] for name in exact]

    worse = suite(*ONE_CELL, "--benchmark-compare", "--drill=memory=+64MiB", plugins=REGRESSIONS)
    assert worse.code == 1
    assert f"{SMALLEST}: peak_allocated worse: 59.7 MB -> 126.8 MB" in worse.output
    assert f"{SMALLEST}: aten_calls worse" in worse.output
    assert re.search(
        r"why: (slower: )?coarse: 4 more operator calls a token "  # the tiny checkpoint has two layers
        r"\(aten::neg \+2, aten::_local_scalar_dense \+1, aten::item \+1\): aten::item \+1 a token, a synchronization "
        r"on a GPU and semantic: 5\d more Python calls a token on the host, with the same operators; "
        r"coarse carries 100% of the change in aten_calls",
        " ".join(worse.output.split()),
    ), worse.output
    assert "aten::neg +2" in (worse.folder / "latest" / "report.md").read_text()
