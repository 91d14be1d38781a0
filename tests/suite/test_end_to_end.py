"""One cell, really generated: the whole path, and planted regressions that have to be found."""

from __future__ import annotations

import gzip
import json
import re
import wave

import pytest

from fixtures.meters.drift import EQUIVALENT
from fixtures.meters.trace import RANGE
from fixtures.models.bark.stages import STAGES
from tests.lanes import LANE
from tests.suite.conftest import SMALLEST, Suite

ONE = ("-k", "dynamic and sdpa and fp32 and batch1", "--rounds=2", "--checkpoint-source=synthetic")


def test_planted_changes_are_found_in_a_real_run_and_unchanged_code_passes(suite: Suite) -> None:
    first = suite(*ONE, "--update-baselines", plugins=())
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
    same = suite(*ONE, "--benchmark-compare", "--trace-dir", str(traces), plugins=())
    assert same.code == 0, same.output  # a kept trace changes no count
    assert f"{traces / SMALLEST}.json.gz" in same.output
    with gzip.open(traces / f"{SMALLEST}.json.gz", "rt", encoding="utf-8") as file:
        names = {event["name"] for event in json.load(file)["traceEvents"]}
    assert {f"{RANGE}{stage}" for stage in ("generation", *STAGES)} <= names
    assert {"aten::scaled_dot_product_attention", "aten::linear", "[memory]"} <= names
    exact = ("peak_allocated", "weights")
    assert [same.run.cells[SMALLEST].metrics[name] for name in exact] == [cell.metrics[name] for name in exact]

    memory = suite(*ONE, "--benchmark-compare", plugins=("tests.plant_memory",))
    assert memory.code == 1
    assert f"{SMALLEST}: peak_allocated worse: 59.7 MB -> 126.8 MB" in memory.output

    layer = suite(*ONE, "--benchmark-compare", plugins=("tests.plant_layer",))
    assert layer.code == 1
    assert f"{SMALLEST}: weights worse" in layer.output
    assert f"{SMALLEST}: peak_allocated worse" in layer.output
    assert "changed since the baseline: tiny checkpoint" in layer.output

    more = suite(*ONE, "--benchmark-compare", plugins=("tests.plant_elementwise",))
    assert more.code == 1
    assert "why: coarse: 2 more aten::neg calls a token" in more.output  # the tiny checkpoint has two layers
    assert "coarse carries 100% of the change in aten_calls" in more.output
    assert "why: coarse: 2 more aten::neg calls a token" in (more.folder / "latest" / "report.md").read_text()

    host = suite(*ONE, "--benchmark-compare", plugins=("tests.plant_item", "tests.plant_python"))
    assert host.code == 1
    assert re.search(
        r"why: (slower: )?coarse: 1 more aten::item call a token \(a synchronization on a GPU\) and "
        r"semantic: 5\d more Python calls a token on the host, with the same operators; "
        r"coarse carries 100% of the change in aten_calls",
        " ".join(host.output.split()),
    ), host.output

    lie = suite(*ONE, "--benchmark-compare", plugins=("tests.plant_eager",))
    assert lie.code == 1
    assert "attention modules do not run scaled_dot_product_attention" in lie.output
    assert lie.run.outcomes()[SMALLEST].outcome == "failed"


@pytest.mark.skipif(LANE != "blog", reason="BetterTransformer is in the blog lane: make test LANE=blog")
def test_a_bettertransformer_cell_that_fell_back_to_eager_fails_its_proof(suite: Suite) -> None:
    one = ("-k", "bettertransformer and fp32 and batch1", "--rounds=2", "--checkpoint-source=synthetic")
    lie = suite(*one, plugins=("tests.plant_eager",))
    assert lie.code == 1
    assert "the attention modules are {'BarkSelfAttention': 6}, not BarkAttentionLayerBetterTransformer" in lie.output
    assert [outcome.outcome for outcome in lie.run.outcomes().values()].count("failed") == 1
