"""`--against`: who the other side is, found out and checked before anything is measured."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from fixtures.errors import SuiteError
from fixtures.pairs.process import MODULE, TIMEOUT_S, Side

LAUNCHES = 8
"""Fresh launches of both sides a cell, at most; 5 pairs each (reports/verdicts/wall.py, `looks`)."""

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Against:
    """The other side: an interpreter and the source tree of this suite that it runs; how often, and how patiently."""

    python: Path
    tree: Path
    launches: int = LAUNCHES
    timeout_s: float = TIMEOUT_S

    @property
    def name(self) -> str:
        """What messages and verdicts call it: the interpreter, and the tree where it is not this one."""
        python = _shown(self.python)
        return python if self.tree == ROOT else f"{python} in {_shown(self.tree)}"

    @property
    def side(self) -> Side:
        """What its workers run."""
        return Side(f"the other side ({self.name})", str(self.python), self.tree, clean=True)


def add_options(group: Any) -> None:
    """Add the options to a group of pytest's parser."""
    group.addoption(
        "--against",
        default=None,
        metavar="PYTHON",
        help="the interpreter of another environment, as in --against=.venv-blog/bin/python, with =: measure each cell "
        "there too, and rounds of both in turns, and judge by that in place of a baseline (not with "
        "--benchmark-compare)",
    )
    group.addoption(
        "--against-tree",
        default=None,
        metavar="DIR",
        help="another checkout of this suite that --against runs, such as the base commit's (default: this one); as in "
        "--against-tree=../base, with =",
    )
    group.addoption(
        "--against-launches",
        type=int,
        default=LAUNCHES,
        metavar="N",
        help=f"fresh launches of both sides a cell, at most (default {LAUNCHES}; 0: no rounds in pairs)",
    )
    group.addoption(
        "--against-timeout",
        type=float,
        default=TIMEOUT_S,
        metavar="S",
        help=f"seconds without a sign of life after which a side is given up (default {TIMEOUT_S:.0f})",
    )


def refuse_apart(config: Any) -> None:
    """Refuse what pytest would take for a test path: it looks for those before it knows this suite's options.

    Where it lies in a checkout with a conftest.py of its own, the options of that would be added beside these.

    Args:
        config: pytest's, of which no option is known yet but the command line as it was typed.

    Raises:
        SuiteError: `--against-tree` and its value are two words of it, or `--against` and an interpreter in another
            checkout.
    """
    words = list(map(str, config.invocation_params.args))
    interpreters = [value for option, value in pairwise(words) if option == "--against"]
    if "--against-tree" in words or any(map(_in_another_checkout, interpreters)):
        raise SuiteError(
            "write --against=PYTHON and --against-tree=DIR, with =: pytest takes a value that stands apart for a test "
            "path, and loads the conftest.py of that checkout too"
        )


def _in_another_checkout(path: str) -> bool:
    folders = Path(os.path.abspath(path)).parents  # noqa: PTH100 - Path.resolve would follow the environment's link
    return any((folder / "conftest.py").is_file() for folder in folders if not ROOT.is_relative_to(folder))


def from_options(option: Callable[[str], Any]) -> Against | None:
    """The other side that the options name; None where none was asked for.

    Raises:
        SuiteError: it cannot be one, or an option beside it means something else.
    """
    if option("against") is None:
        if option("against_tree") is not None:
            raise SuiteError("--against-tree names what --against runs: give the interpreter too, --against=PYTHON")
        for name, usual in (("launches", LAUNCHES), ("timeout", TIMEOUT_S)):
            if option(f"against_{name}") != usual:
                raise SuiteError(f"--against-{name} says how --against runs: give that too, --against=PYTHON")
        return None
    refuse_others(option)
    if option("collectonly"):  # nothing is started, so that a command can be tried before its environment is made
        return Against(Path(option("against")), ROOT)
    if not 0 <= option("against_launches") <= LAUNCHES:
        raise SuiteError(
            f"--against-launches={option('against_launches')}: 0 to {LAUNCHES}, what the rule for pairs is made for"
        )
    if not 0 < option("against_timeout") < float("inf"):
        raise SuiteError(f"--against-timeout={option('against_timeout'):g}: seconds, more than 0")
    return Against(
        interpreter(option("against")),
        tree(option("against_tree")),
        option("against_launches"),
        option("against_timeout"),
    )


def refuse_others(option: Callable[[str], Any]) -> None:
    """Refuse what would judge the run a second time, or keep a run that is being judged.

    Raises:
        SuiteError: such an option was given.
    """
    if option("benchmark_compare"):
        raise SuiteError(
            "--against with --benchmark-compare: a run is judged once, by the other side in turns or by a stored "
            "baseline; give one of them, and `python -m reports compare BASE.json reports/latest/run.json` afterwards "
            "for the other"
        )
    for name, shown in (
        ("update_baselines", "--update-baselines"),
        ("benchmark_save", "--benchmark-save"),
        ("benchmark_autosave", "--benchmark-autosave"),
    ):
        if option(name):
            raise SuiteError(
                f"--against with {shown}: the run is being judged; look at the verdict first, and then "
                "`python -m reports accept reports/latest/run.json`"
            )


def interpreter(text: str) -> Path:
    """The interpreter that an option names, a path or a command; links are kept, as an environment's is one.

    Raises:
        SuiteError: there is none.
    """
    path = Path(text).expanduser()
    if text and path.is_dir():
        raise SuiteError(f"--against={text} is a folder: name the interpreter in it, as {path / 'bin' / 'python'}")
    found = shutil.which(str(path)) if text else None
    if found is None:
        raise SuiteError(
            f"--against={text}: there is no such interpreter; name one, as in --against=.venv-blog/bin/python"
        )
    return Path(os.path.abspath(found))  # noqa: PTH100 - Path.resolve would follow the environment's link


def tree(text: str | None) -> Path:
    """The checkout that an option names, or this one.

    Raises:
        SuiteError: it is none, or one that is older than this option.
    """
    if text is None:
        return ROOT
    folder = Path(text).expanduser().resolve()
    worker = Path(*MODULE.split(".")).with_suffix(".py")
    if not text or not (folder / worker).is_file():
        raise SuiteError(
            f"--against-tree={text} holds no {worker}: it is no checkout of this suite, or one older than --against; "
            "leave the option out to run this checkout's code with the other interpreter"
        )
    return folder


def commit_of(folder: Path) -> dict[str, Any]:
    """The commit of a checkout, as pytest-benchmark words it: `id` and `dirty`; `unknown` where git does not tell."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.strip()

    try:
        return {"id": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return {"id": "unknown", "dirty": False}


def _shown(path: Path) -> str:
    """Relative to the working directory, also from outside of it: where a runner keeps it is nobody's business."""
    return shlex.quote(os.path.relpath(path))
