"""`reports merge`: join the parts of one run."""

from __future__ import annotations

import argparse
from pathlib import Path

from reports.commands.shared import PASSED, Commands, note, say


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    merge = commands.add_parser(
        "merge",
        help="join run files of parts of one run",
        description="Join run files of parts of one run: the shards of one plan (pytest --shard K/N), or other cells. "
        "They have to be of one commit, level, lane, workload, hardware model and software.",
    )
    merge.add_argument("run_files", type=Path, nargs="+", metavar="RUN.json")
    merge.add_argument("--output", type=Path, required=True, metavar="C.json")
    merge.add_argument(
        "--allow-missing",
        action="store_true",
        help="go on without a lost shard: its cells are noted as not run, and a comparison fails them as missing",
    )
    merge.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry the command out; returns the exit code."""
    from reports.records import audio, merge, runfile

    runs = {path: runfile.read(path) for path in options.run_files}
    merged = merge.merge([(str(path), part) for path, part in runs.items()], allow_missing=options.allow_missing)
    runfile.write(options.output, merged)
    for path, part in runs.items():
        audio.carry(part, path.parent, options.output.parent)
    measured = len(merged.benchmarks)
    say(f"wrote {options.output}: {measured} measured of {len(merged.suite.cells)} cells")
    for line in merge.missing(merged):
        note(f"warning: {line}")
    return PASSED
