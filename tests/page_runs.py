"""Runs whose report has every section, for the tests of the page: regressions, samples, limits, a history."""

from __future__ import annotations

import wave
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reports.records import runfile
from reports.records.metrics import METRICS
from reports.records.schema import RunFile
from reports.render.html.report import Report
from reports.verdicts.compare import compare
from reports.verdicts.history import History, Point, Series
from reports.verdicts.trend import Trend, trend
from tests.builders import FUSED, PLAIN, SOFTWARE, cell_document, run_document, run_of

OFFLOADED = "small-sdpa-fp16-cpu_offload-dynamic-batch1"
SKIPPED = "small-flash_attention_2-fp16-resident-dynamic-batch1"
RATE_HZ, FRAMES = 24_000, 12_000
"""Of each sample: half a second."""

DRIFT = {"logit_error_mean": 0.0021, "top1_agreement": 0.994, "stft_distance": 0.0033}
FASTER = {"latency": 1.0, "throughput": 1.0, "peak_allocated": 6e8, "weights": 2e8}
SMALLER = {"latency": 1.5, "throughput": 0.7, "peak_allocated": 3e8, "weights": 2e8}


def with_stages(cell: dict[str, Any], seconds: Mapping[str, float], times: float = 0.0) -> dict[str, Any]:
    """A cell with timed stages; `times`, if any, is how far each stage and the whole are from their limit."""
    extra = cell["extra_info"]
    for stage, value in seconds.items():
        metrics = {"latency": {"value": value, "unit": "s"}}
        if times:
            metrics["limit_ratio"] = {"value": times, "unit": "x"}
        extra["stages"][stage] = {"metrics": metrics, "tokens": 64}
    if times:
        extra["metrics"]["limit_ratio"] = {"value": times, "unit": "x"}
        extra["metrics"]["floor"] = {"value": extra["metrics"]["latency"]["value"] / times, "unit": "s"}
    return cell


def with_sample(cell: dict[str, Any]) -> dict[str, Any]:
    """A cell that kept its sample."""
    extra = cell["extra_info"]
    extra["audio"] = {"file": f"audio/{extra['cell']}.wav", "duration_s": FRAMES / RATE_HZ}
    return cell


def write_sample(path: Path) -> None:
    """A WAV of silence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(bytes(2 * FRAMES))


def full_report(folder: Path) -> Report:
    """A report with something in every section; FUSED takes more memory than before, and its sample is in `folder`."""
    stages = {"semantic": 0.4, "coarse": 1.2, "fine": 0.3, "codec": 0.1}
    plain = with_stages(cell_document(PLAIN), stages, times=9.5)
    fused = with_sample(with_stages(cell_document(FUSED, FASTER | DRIFT), stages, times=4.0))
    offloaded = with_sample(cell_document(OFFLOADED, SMALLER | DRIFT))
    run = run_of(
        plain, fused, offloaded, outcomes={SKIPPED: ("skipped", "flash-attn is not installed")}, warnings=["shared GPU"]
    )
    before = [
        with_stages(cell_document(PLAIN), stages),
        with_stages(cell_document(FUSED, FASTER | DRIFT | {"peak_allocated": 5e8}), stages),
        cell_document(OFFLOADED, SMALLER | DRIFT),
    ]
    software = {**SOFTWARE, "torch": "2.10.0"}
    base = run_of(*before, software=software, commit="0ld")
    write_sample(folder / "audio" / f"{FUSED}.wav")
    return Report(run, "run.json", folder, compare(base, run, baseline="base.json"), base, history([PLAIN, FUSED]))


def history(cells: Sequence[str], values: Sequence[float] = (4e8, 4e8, 5e8, 5e8)) -> Trend:
    """The weights of these cells over daily runs; torch changes with the third."""
    points = tuple(
        Point(
            f"{day}.json",
            datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day),
            f"commit{day}",
            {**SOFTWARE, "torch": "2.10.0" if day < 2 else "2.11.0"},
            value,
        )
        for day, value in enumerate(values)
    )
    series = tuple(Series(cell, METRICS["weights"], "", points) for cell in cells)
    return trend(History(series, len(values), points[0].time, points[-1].time, ()))


HOSTILE = (
    "<script>window.pwned = 1</script>",
    '"><img src=x onerror="window.pwned = 1">',
    "javascript:window.pwned=1",
    "</script><script>window.pwned = 1</script>",
    "{{ 7 * 7 }} <b>bold</b> &lt;i&gt; \u2028",
)


def hostile_run() -> RunFile:
    """A run whose every free text is an attack."""
    script, image, link, closing, template = HOSTILE
    fused = cell_document(FUSED)
    fused["extra_info"]["cell"] = script
    fused["extra_info"]["axes"]["attention"] = image
    fused["extra_info"]["proofs"] = {link: closing}
    fused["extra_info"]["metrics"][image] = {"value": 1.0, "unit": closing}
    fused["extra_info"]["stages"] = {
        name: {"metrics": {"latency": {"value": 1.0, "unit": "s"}}, "tokens": 1} for name in HOSTILE
    }
    document = run_document(
        [cell_document(PLAIN), fused],
        software={image: script, link: closing},
        commit=link,
        outcomes={closing: ("failed", image), template: ("skipped", template)},
        warnings=list(HOSTILE),
        level=image,
        lane=link,
    )
    return runfile.parse(document, "hostile run")


def hostile_report(folder: Path) -> Report:
    """The hostile run judged against another, with a history of cells of the same names."""
    run = hostile_run()
    base = hostile_run().model_copy(deep=True)
    for record in base.cells.values():
        record.metrics["peak_allocated"].value /= 2
    comparison = compare(base, run, baseline=HOSTILE[1])
    return Report(run, HOSTILE[2], folder, comparison, base, history([HOSTILE[0], HOSTILE[1]]))
