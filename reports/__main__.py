"""The command line: `python -m reports compare | render | accept | merge | study | calibrate | trend`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

    from reports.records.runfile import RunFile
    from reports.verdicts.verdict import Comparison

PASSED, REGRESSED, USAGE = 0, 1, 2
"""Exit codes: fine; something got worse, or nothing could be compared; the arguments or files cannot be used."""


def parser() -> argparse.ArgumentParser:
    """The argument parser; each command sets `run` to the function that carries it out."""
    top = argparse.ArgumentParser(
        prog="python -m reports", description="Judge, render, accept and merge run files. Needs no torch and no GPU."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    compare = commands.add_parser("compare", help="judge HEAD against BASE; exit 1 on a regression")
    compare.add_argument("base", type=Path, metavar="BASE.json")
    compare.add_argument("head", type=Path, metavar="HEAD.json")
    compare.add_argument("--format", choices=["terminal", "markdown", "json"], default="terminal")
    compare.set_defaults(run=_compare)

    render = commands.add_parser("render", help="write a run's report")
    render.add_argument("run_file", type=Path, metavar="RUN.json")
    render.add_argument("--output", type=Path, required=True, metavar="DIR")
    render.add_argument("--baseline", type=Path, default=None, metavar="BASE.json", help="judge against this run")
    render.set_defaults(run=_render)

    accept = commands.add_parser("accept", help="make a run the baseline of its hardware, lane and level")
    accept.add_argument("run_file", type=Path, metavar="RUN.json")
    accept.add_argument(
        "-k", dest="pattern", default="", metavar="PATTERN", help="only cells whose name holds or matches this"
    )
    accept.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the baseline with the run's commit")
    accept.add_argument("--new", action="store_true", help="only cells that the baseline does not hold")
    accept.add_argument("--baseline-dir", type=Path, default=None, metavar="DIR")
    accept.set_defaults(run=_accept)

    merge = commands.add_parser("merge", help="join run files of parts of one run")
    merge.add_argument("run_files", type=Path, nargs="+", metavar="RUN.json")
    merge.add_argument("--output", type=Path, required=True, metavar="C.json")
    merge.set_defaults(run=_merge)

    study = commands.add_parser("study", help="a run beside the published study's tables")
    study.add_argument("run_file", type=Path, metavar="RUN.json")
    study.add_argument("--format", choices=["terminal", "markdown"], default="terminal")
    study.add_argument("--into", type=Path, default=None, metavar="FILE.md", help="fill the marked block of this file")
    study.set_defaults(run=_study)

    calibrate = commands.add_parser("calibrate", help="false alarms and power of every rule on launches of one code")
    calibrate.add_argument(
        "runs", type=Path, nargs="+", metavar="RUNS", help="run files, samples files, folders of them"
    )
    calibrate.add_argument("--format", choices=["terminal", "markdown", "json"], default="terminal")
    calibrate.add_argument("--seed", type=_at_least(0), default=0, metavar="N")
    calibrate.add_argument("--resamples", type=_at_least(1), default=1000, metavar="N", help="comparisons a rule")
    calibrate.add_argument(
        "--save", type=Path, default=None, metavar="SAMPLES.json", help="keep the launches compactly"
    )
    calibrate.set_defaults(run=_calibrate)

    trend = commands.add_parser("trend", help="when each metric changed in a history of runs, slow drift included")
    trend.add_argument(
        "runs", type=Path, nargs="+", metavar="DIR", help="a folder of run files, searched to the bottom"
    )
    trend.add_argument("--cell", default="*", metavar="PATTERN", help="only cells whose name holds this; * ? [] work")
    trend.add_argument(
        "--metric", default="", metavar="NAME", help="this metric, gated or not (default: all gated ones)"
    )
    trend.add_argument("--format", choices=["terminal", "markdown", "json"], default="terminal")
    trend.set_defaults(run=_trend)
    return top


def _at_least(minimum: int) -> Callable[[str], int]:
    """An argument type: a whole number from `minimum` on."""

    def whole_number(text: str) -> int:
        if not text.isdecimal() or int(text) < minimum:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of {minimum} or more")
        return int(text)

    return whole_number


def _say(text: str) -> None:
    """Print; a reader that has gone (`| head`) does not change the exit code."""
    try:
        sys.stdout.write(text.rstrip("\n") + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show(
    wanted: str, json: Callable[[], object], markdown: Callable[[], str], terminal: Callable[[], RenderableType]
) -> None:
    """Print a result in the format that `--format` asks for; the others are not made."""
    if wanted == "json":
        from json import dumps

        _say(dumps(json(), indent=1))
    elif wanted == "markdown":
        _say(markdown())
    else:
        from reports.render.terminal import for_stream

        _say(for_stream(terminal(), sys.stdout))


def _judged(base: Path, head: RunFile) -> Comparison:
    """A run against the run file that is its baseline here, by this repository's thresholds."""
    from reports.records import baselines
    from reports.verdicts.compare import compare
    from reports.verdicts.thresholds import overrides

    return compare(baselines.read(base), head, baseline=str(base), overrides=overrides())


def _compare(options: argparse.Namespace) -> int:
    from reports.records import runfile
    from reports.render import markdown, summary, terminal

    head = runfile.read(options.head)
    comparison = _judged(options.base, head)
    _show(
        options.format,
        json=lambda: summary.as_json(comparison),
        markdown=lambda: markdown.report(head, comparison, str(options.head)),
        terminal=lambda: terminal.verdicts(comparison, "" if head.suite.drill else str(options.head)),
    )
    return REGRESSED if comparison.failed else PASSED


def _render(options: argparse.Namespace) -> int:
    from reports.records import runfile
    from reports.render import markdown

    run = runfile.read(options.run_file)
    comparison = _judged(options.baseline, run) if options.baseline else None
    path = options.output / "report.md"
    markdown.write(path, run, comparison, str(options.run_file))
    _say(f"wrote {path}")
    return PASSED


def _accept(options: argparse.Namespace) -> int:
    from fnmatch import fnmatchcase

    from reports.records import baselines, runfile
    from reports.render import acceptance

    run = runfile.read(options.run_file)
    path, changes = baselines.accept(
        run,
        options.baseline_dir or baselines.DEFAULT_ROOT,
        which="new" if options.new else "all",
        keep=lambda cell: options.pattern in cell or fnmatchcase(cell, options.pattern),
        reason=options.reason,
    )
    _say("\n".join([f"baseline {path}:", *(f"  {line}" for line in acceptance.lines(changes))]))
    return PASSED


def _merge(options: argparse.Namespace) -> int:
    from reports.records import merge, runfile

    merged = merge.merge([(str(path), runfile.read(path)) for path in options.run_files])
    runfile.write(options.output, merged)
    measured = len(merged.benchmarks)
    _say(f"wrote {options.output}: {measured} measured of {len(merged.suite.cells)} cells")
    return PASSED


def _study(options: argparse.Namespace) -> int:
    from reports.records import runfile
    from reports.render import markdown, marked_block, study_words, terminal
    from reports.render.study import reproduce

    found = reproduce(runfile.read(options.run_file), str(options.run_file), notebook_suffices=options.into is None)
    if options.into:
        changed = marked_block.fill(options.into, markdown.combined(found, found.rows))
        _say(f"wrote the table into {options.into}" if changed else f"{options.into} holds this table already")
        _say("\n".join(study_words.closing(found)))
    elif options.format == "markdown":
        _say(markdown.beside_published(found))
    else:
        _say(terminal.for_stream(terminal.beside_published(found), sys.stdout))
        _say("\n".join(study_words.closing(found)))
    return PASSED


def _calibrate(options: argparse.Namespace) -> int:
    from reports.records import samples
    from reports.render import calibration
    from reports.verdicts.calibrate import calibrate

    launches = samples.collect(options.runs)
    if options.save:
        samples.save(options.save, launches.groups)
    found = calibrate(launches, seed=options.seed, resamples=options.resamples)
    _show(
        options.format,
        json=lambda: calibration.as_json(found),
        markdown=lambda: calibration.as_markdown(found),
        terminal=lambda: calibration.terminal(found),
    )
    return PASSED


def _trend(options: argparse.Namespace) -> int:
    from fnmatch import fnmatchcase

    from reports.errors import ReportError
    from reports.records.metrics import METRICS
    from reports.render import trends
    from reports.verdicts.history import read_history
    from reports.verdicts.trend import trend

    if options.metric and options.metric not in METRICS:
        raise ReportError(f"unknown metric {options.metric!r}; choose from {', '.join(METRICS)}")
    metrics = [one for one in METRICS.values() if (one.name == options.metric if options.metric else one.gated)]
    found = trend(read_history(options.runs, metrics, lambda cell: fnmatchcase(cell, f"*{options.cell}*")))
    _show(
        options.format,
        json=lambda: trends.as_json(found),
        markdown=lambda: trends.as_markdown(found),
        terminal=lambda: trends.terminal(found),
    )
    return PASSED


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors that a user can act on go to standard error in one line."""
    from reports.errors import ReportError

    options = parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except ReportError as error:
        sys.stderr.write(f"error: {error}\n")
        return USAGE


if __name__ == "__main__":
    sys.exit(main())
