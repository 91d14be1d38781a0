"""One cell at a time: every metric beside the baseline's, the stages, the rounds. Data for the page's own scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from reports.records.metrics import METRICS
from reports.records.schema import Benchmark, CellRecord
from reports.records.units import quantity
from reports.render import summary
from reports.render.html import figures, values
from reports.render.html.figures import Bars, Figure, Role
from reports.render.html.report import Report
from reports.render.html.statuses import ORDER, badge, by_cell, overall
from reports.verdicts.compare import percent
from reports.verdicts.rules import Status
from reports.verdicts.verdict import Verdict

HEADER = ("metric", "this run", "baseline", "change", "verdict", "why")
"""Columns of a cell's metrics."""

MOST = 1_000
"""Cells that the page holds in full, those that failed or moved first: each takes kilobytes, and none is read by itself
in a matrix of thousands. All are rows of the matrix, and the run file has the rest."""

RUN, BASELINE = "this run", "baseline"


def cells(report: Report) -> list[dict[str, Any]]:
    """For the measured cells, in the run's order, what the section of each shows: texts, a table of metrics, figures.

    At most `MOST`: of more, those that moved.
    """
    judged = by_cell(report)
    benchmarks = report.run.benchmarks
    if len(benchmarks) > MOST:
        telling = sorted(
            range(len(benchmarks)), key=lambda at: _telling(judged.get(benchmarks[at].extra_info.cell, []))
        )
        benchmarks = [benchmarks[at] for at in sorted(telling[:MOST])]
    before = {one.extra_info.cell: one for one in report.baseline.benchmarks} if report.baseline else {}
    return [
        _cell(benchmark, before.get(benchmark.extra_info.cell), judged.get(benchmark.extra_info.cell, []))
        for benchmark in benchmarks
    ]


def _telling(verdicts: Sequence[Verdict]) -> int:
    status = overall(verdicts)
    return ORDER.index(status) if status else len(ORDER)


def _cell(benchmark: Benchmark, before: Benchmark | None, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    record = benchmark.extra_info
    # Other work is not shown beside this run's.
    same = before and before.extra_info.workload.digest == record.workload.digest
    base = before.extra_info if before and same else None
    status = overall(verdicts)
    apart = _apart(verdicts)
    return {
        "name": record.cell,
        "status": badge(status or "measured").word,
        "sign": badge(status or "measured").sign,
        "tone": badge(status or "measured").tone,
        "rows": _rows(record, base, {verdict.metric: verdict for verdict in verdicts}),
        "proofs": [[name, text] for name, text in record.proofs.items()],
        "figures": [
            figure.as_json()
            for figure in (
                stages(record, base, apart),
                rounds(benchmark.stats.data, before.stats.data if before and same else [], apart),
            )
            if figure
        ],
    }


def _rows(record: CellRecord, base: CellRecord | None, verdicts: Mapping[str, Verdict]) -> list[list[str]]:
    known = [name for name in METRICS if name in record.metrics or (base and name in base.metrics)]
    others = [name for name in record.metrics if name not in METRICS]
    rows = []
    for name in [*known, *others]:
        verdict = verdicts.get(name)
        before = base.metrics if base else {}
        rows.append([
            name,
            values.shown(record.metrics, name),
            values.shown(before, name),
            percent(verdict.change) if verdict and verdict.change is not None else "-",
            (f"{badge(verdict.status).sign} {verdict.status}" + ("" if verdict.gated else ", not gated"))
            if verdict
            else "-",
            summary.reason(verdict) if verdict else "",
        ])  # fmt: skip
    return rows


def _apart(verdicts: Sequence[Verdict]) -> str:
    """Why a cell's times are not comparable with the baseline's; empty where they are, or nothing was judged."""
    about = (verdict for verdict in verdicts if verdict.metric in ("", "latency"))
    return next((verdict.reason for verdict in about if verdict.status is Status.INCOMPARABLE), "")


def stages(record: CellRecord, base: CellRecord | None, apart: str = "") -> Figure | None:
    """Seconds of each stage, this run's beside the baseline's; None where no stage was timed.

    `apart`: why the two are not comparable, if they are not: then no change is shown.
    """
    names = [name for name, stage in record.stages.items() if "latency" in stage.metrics]
    if not names:
        return None
    ours = _latencies(record, names)
    theirs = _latencies(base, names) if base else []
    sets = [_bars(RUN, "run", names, ours), *([_bars(BASELINE, "baseline", names, theirs)] if theirs else [])]
    traces, layout = figures.bars(names, sets, "seconds a generation")
    whole = sum(second for second in ours if second is not None)
    longest, most = max(
        ((name, second) for name, second in zip(names, ours, strict=True) if second is not None),
        key=lambda pair: pair[1],
    )
    limits = any(values.LIMIT in record.stages[name].metrics for name in names)
    header = ["stage", "tokens", RUN, *([BASELINE] if theirs else []), *(["change"] if theirs and not apart else [])]
    header += ["of its limit"] if limits else []
    rows = []
    for at, name in enumerate(names):
        row = [name, f"{record.stages[name].tokens:,}", quantity(ours[at], "s")]
        if theirs:
            before, after = theirs[at], ours[at]
            row.append(quantity(before, "s"))
            if not apart:
                row.append(percent(after / before - 1) if before and after is not None else "-")
        if limits:
            row.append(values.shown(record.stages[name].metrics, values.LIMIT))
        rows.append(row)
    share = f"{most / whole:.0%}" if whole else "all"
    summary = f"{longest} takes {share} of the {quantity(whole, 's')} in the stages.{_caution(theirs, apart)}"
    return Figure("Stages", summary, traces, layout, header, rows, height=300)


def rounds(ours: Sequence[float], theirs: Sequence[float], apart: str = "") -> Figure:
    """The timed rounds, this run's beside the baseline's; `apart` as for the stages."""
    sets: list[tuple[str, Role, Sequence[float]]] = [(RUN, "run", ours)]
    if theirs:
        sets.append((BASELINE, "baseline", theirs))
    rounded: list[tuple[str, Role, Sequence[float]]] = [
        (name, role, [round(second, 6) for second in seconds]) for name, role, seconds in sets
    ]
    traces, layout = figures.spreads(rounded, "seconds a round")
    told = [
        f"{name}: {len(seconds)} rounds, fastest {quantity(min(seconds), 's')}, median {quantity(median(seconds), 's')}"
        for name, _, seconds in sets
    ]
    header = ("run", "rounds", "fastest", "median", "slowest")
    rows = [
        [name, str(len(seconds)), *(quantity(pick(seconds), "s") for pick in (min, median, max))]
        for name, _, seconds in sets
    ]
    return Figure("Rounds", "; ".join(told) + f".{_caution(theirs, apart)}", traces, layout, header, rows, height=260)


def _caution(theirs: Sequence[object], apart: str) -> str:
    return f" These times are not comparable with the baseline's: {apart}." if theirs and apart else ""


def _latencies(record: CellRecord, names: Sequence[str]) -> list[float | None]:
    return [values.value(record.stages[name].metrics, "latency") if name in record.stages else None for name in names]


def _bars(name: str, role: Role, stages: Sequence[str], seconds: Sequence[float | None]) -> Bars:
    texts = [f"{name}, {stage}: {quantity(second, 's')}" for stage, second in zip(stages, seconds, strict=True)]
    return Bars(name, role, seconds, texts)
