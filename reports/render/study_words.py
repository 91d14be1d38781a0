"""What the study's tables need said: how they were measured, where they agree, what is missing. Text, no layout."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from reports.records.metrics import METRICS
from reports.records.units import change, points
from reports.render import reproduce
from reports.render.study import FUSED, Section, Study, StudyRow
from reports.render.study_agreement import (
    PEAK_BOUND,
    RELATIVE_PEAK_BOUND,
    Agreement,
    peak_agreement,
    relative_peak_agreement,
)

PACKAGES = ("torch", "transformers", "optimum", "accelerate")
"""The packages whose versions a caption names."""


def caption(found: Study, rows: Sequence[StudyRow]) -> list[str]:
    """Sentences on what these rows were measured with, and how to read the columns."""
    sentences = [
        f"Measured: {_measured_with(found, rows)}.",
        f"Latency: {METRICS['latency'].why}.",
        f"Relative: {', '.join(f'batch {section.batch} against {section.reference}' for section in found.sections)}.",
    ]
    if found.stands_in:
        sentences.append(f"{found.fused} stands in for {FUSED[0]}, which this run does not have.")
    for stage, most in found.sections[0].source.tokens.items():
        if set(_tokens(rows, stage)) - {most}:
            sentences.append(f"The study's samples had up to {most} tokens: memory and latency here are of other work.")
    return sentences


def remarks(section: Section) -> list[str]:
    """A sentence for each published figure that cannot be compared."""
    return [
        f"{row.own.label}: peak memory is not comparable, {row.published.incomparable_peak}."
        for row in section.rows
        if row.published.incomparable_peak
    ]


def agreements(found: Study) -> list[str]:
    """A line for each bound on memory: the rows within it, and those outside."""
    return [
        f"Peak memory within {PEAK_BOUND * 100:.0f} % of the published: "
        + _agreement(peak_agreement(found.rows), lambda difference: change(difference, digits=1)),
        f"Relative peak memory within {RELATIVE_PEAK_BOUND * 100:.0f} points of the published: "
        + _agreement(relative_peak_agreement(found.rows), points),
    ]


def missing(found: Study) -> str:
    """The cells that were not measured, before the command that measures them."""
    return f"Not measured: {', '.join(found.missing)}; measure with:"


def command(found: Study) -> str:
    """What measures the missing cells: the run's own level, options and source of weights."""
    return reproduce.measuring(found.run, found.missing)


def closing(found: Study) -> list[str]:
    """The lines below the tables: where memory agrees, and what is missing, with the command."""
    return [*agreements(found), *([f"{missing(found)} {command(found)}"] if found.missing else [])]


def _measured_with(found: Study, rows: Sequence[StudyRow]) -> str:
    run = found.run
    records = [row.record for row in rows if row.record]
    environments = [run.environment_of(record) for record in records]
    cells = {record.cell for record in records}
    rounds = (len(benchmark.stats.data) for benchmark in run.benchmarks if benchmark.extra_info.cell in cells)
    parts = [
        _distinct(str((environment.get("gpu") or {}).get("model", "no GPU")) for environment in environments),
        f"level {run.suite.level}, lane {run.suite.lane}",
        *(
            _distinct(_version(environment["software"], package) for environment in environments)
            for package in PACKAGES
        ),
        f"{_distinct(record.checkpoint.source for record in records)} weights",
        *(f"{_span(_tokens(rows, stage))} {stage} tokens a sample" for stage in found.sections[0].source.tokens),
        f"{_span(rounds)} timed rounds a cell",
    ]
    return ", ".join(parts)


def _version(software: Mapping[str, str], package: str) -> str:
    return f"{package} {software[package]}" if package in software else f"no {package}"


def _tokens(rows: Iterable[StudyRow], stage: str) -> list[int]:
    stages = (row.record.stages for row in rows if row.record)
    return [each[stage].tokens for each in stages if stage in each]


def _distinct(texts: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(texts))


def _span(numbers: Iterable[int]) -> str:
    known = sorted(set(numbers))
    if not known:
        return "unknown"
    return str(known[0]) if len(known) == 1 else f"{known[0]} to {known[-1]}"


def _agreement(found: Agreement, shown: Callable[[float], str]) -> str:
    def named(rows: Iterable[tuple[str, float]]) -> str:
        return ", ".join(f"{row} ({shown(difference)})" for row, difference in rows) or "none"

    unknown = f"; not judged: {', '.join(found.unknown)}" if found.unknown else ""
    if found.within and not found.outside:
        least, most = min(found.within, key=lambda row: row[1]), max(found.within, key=lambda row: row[1])
        rows = "every row" if not unknown else "every measured row"
        return f"{rows}, from {shown(least[1])} ({least[0]}) to {shown(most[1])} ({most[0]}){unknown}."
    return f"{named(found.within)}; outside: {named(found.outside)}{unknown}."
