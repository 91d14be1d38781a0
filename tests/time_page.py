"""How long a large report takes: `python -m tests.time_page [CELLS RUNS]`, by default 300 cells and 200 runs.

The history is made in memory: reading run files has its own cost, which this leaves out.
"""

from __future__ import annotations

import itertools
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reports.records.metrics import METRICS, Kind
from reports.render.html import page
from reports.render.html.report import Report
from reports.verdicts.compare import compare
from reports.verdicts.history import History, Point, Series
from reports.verdicts.trend import trend
from tests.builders import SOFTWARE, cell_document, run_of
from tests.page_runs import with_stages

AXES = (
    ("small", "large"), ("eager", "sdpa", "bettertransformer", "flash_attention_2"), ("fp32", "fp16", "bf16"),
    ("resident", "cpu_offload"), ("dynamic", "cuda_graph", "compiled"), ("batch1", "batch4", "batch8"),
)  # fmt: skip
STAGES = {"semantic": 0.4, "coarse": 1.2, "fine": 0.3, "codec": 0.1}


def names(number: int) -> list[str]:
    """Cells of a matrix larger than today's."""
    return ["-".join(values) for values in itertools.islice(itertools.product(*AXES), number)]


def history(cells: list[str], runs: int) -> History:
    """Every gated metric of every cell in daily runs, with noise where it has some; torch changes half-way."""
    chance = random.Random(0)
    days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(runs)]
    software = [{**SOFTWARE, "torch": "2.10.0" if day < runs / 2 else "2.11.0"} for day in range(runs)]

    def value(kind: Kind) -> float:
        return 1e6 if kind is Kind.EXACT else 2.0 * (1 + chance.random() / 20)

    series = [
        Series(
            cell,
            metric,
            "",
            tuple(Point("run.json", days[day], f"c{day}", software[day], value(metric.kind)) for day in range(runs)),
        )
        for cell in cells
        for metric in METRICS.values()
        if metric.gated
    ]
    return History(tuple(series), runs, days[0], days[-1], ())


def steps(number: int, runs: int) -> Iterator[tuple[str, float]]:
    """What was done, and the seconds it took."""
    cells = names(number)
    run = run_of(*(with_stages(cell_document(cell), STAGES, times=3.0) for cell in cells))
    base = run_of(*(with_stages(cell_document(cell, {"peak_allocated": 9e8}), STAGES) for cell in cells))
    stored = history(cells, runs)
    start = time.perf_counter()
    comparison = compare(base, run, baseline="base.json")
    yield "compare", time.perf_counter() - start
    start = time.perf_counter()
    found = trend(stored)
    yield "find changes in the history", time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        page.write(Path(folder), Report(run, "run.json", Path(folder), comparison, base, found))
        yield "render and write the page", time.perf_counter() - start


if __name__ == "__main__":
    number, runs = (int(word) for word in (sys.argv[1:] or ("300", "200")))
    sys.stdout.writelines(f"{what}: {seconds:.2f} s\n" for what, seconds in steps(number, runs))
