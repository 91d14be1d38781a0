"""`--against` and its options: the base side, checked before anything is measured."""

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
"""Fresh launches of both sides per cell, at most; 5 pairs each (reports/verdicts/wall.py, `looks`)."""

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Against:
    """The base side: an interpreter and the checkout of this suite that it runs; how often, and how patiently."""

    python: Path
    tree: Path
    launches: int = LAUNCHES
    timeout_s: float = TIMEOUT_S

    @property
    def name(self) -> str:
        """What messages and verdicts call it: the interpreter, and the checkout where it is not this one."""
        python = _shown(self.python)
        return python if self.tree == ROOT else f"{python} in {_shown(self.tree)}"

    @property
    def side(self) -> Side:
        """What its workers run."""
        return Side(f"the base ({self.name})", str(self.python), self.tree, clean=True)


def add_options(group: Any) -> None:
    """Add the options to a group of pytest's parser."""
    group.addoption(
        "--against",
        default=None,
        metavar="PYTHON",
        help="interpreter of the base environment, as in --against=.venv-blog/bin/python (write the =): measure each "
        "cell there too, interleave rounds of both, and judge by that instead of a baseline (not with "
        "--benchmark-compare)",
    )
    group.addoption(
        "--against-tree",
        default=None,
        metavar="DIR",
        help="checkout of this suite that --against runs, such as the base commit's (default: this one), as in "
        "--against-tree=../base (write the =)",
    )
    group.addoption(
        "--against-launches",
        type=int,
        default=LAUNCHES,
        metavar="N",
        help=f"fresh launches of both sides per cell, at most (default {LAUNCHES}; 0: time no pairs)",
    )
    group.addoption(
        "--against-timeout",
        type=float,
        default=TIMEOUT_S,
        metavar="S",
        help=f"seconds without a sign of life after which a side is killed (default {TIMEOUT_S:.0f})",
    )


def refuse_apart(config: Any) -> None:
    """Refuse values without `=` that pytest would take for test paths: it finds those before it knows our options.

    In a checkout with a conftest.py of its own, that file's options would be added to ours.

    Args:
        config: pytest's, with no options parsed yet.

    Raises:
        SuiteError: `--against-tree` is followed by a space, or `--against` by a space and an interpreter in another
            checkout.
    """
    words = list(map(str, config.invocation_params.args))
    interpreters = [value for option, value in pairwise(words) if option == "--against"]
    if "--against-tree" in words or any(map(_in_another_checkout, interpreters)):
        raise SuiteError(
            "write --against=PYTHON and --against-tree=DIR, with =: pytest takes a value after a space for a test path "
            "and also loads that checkout's conftest.py"
        )


def _in_another_checkout(path: str) -> bool:
    folders = Path(os.path.abspath(path)).parents  # noqa: PTH100 - Path.resolve would follow the environment's link
    return any((folder / "conftest.py").is_file() for folder in folders if not ROOT.is_relative_to(folder))


def from_options(option: Callable[[str], Any]) -> Against | None:
    """The base side that the options name; None without `--against`.

    Raises:
        SuiteError: an option is invalid, or needs or contradicts another.
    """
    if option("against") is None:
        if option("against_tree") is not None:
            raise SuiteError("--against-tree needs --against=PYTHON, the interpreter that runs it")
        for name, usual in (("launches", LAUNCHES), ("timeout", TIMEOUT_S)):
            if option(f"against_{name}") != usual:
                raise SuiteError(f"--against-{name} needs --against=PYTHON, which it configures")
        return None
    refuse_others(option)
    if option("collectonly"):  # nothing is started, so that a command can be tried before its environment is made
        return Against(Path(option("against")), ROOT)
    if not 0 <= option("against_launches") <= LAUNCHES:
        raise SuiteError(
            f"--against-launches={option('against_launches')}: must be 0 to {LAUNCHES}, as the paired rule is designed "
            "for no more"
        )
    if not 0 < option("against_timeout") < float("inf"):
        raise SuiteError(f"--against-timeout={option('against_timeout'):g}: must be more than 0 (seconds)")
    return Against(
        interpreter(option("against")),
        tree(option("against_tree")),
        option("against_launches"),
        option("against_timeout"),
    )


def refuse_others(option: Callable[[str], Any]) -> None:
    """Refuse options that would judge the run a second time, or save a run that is being judged."""
    if option("benchmark_compare"):
        raise SuiteError(
            "--against with --benchmark-compare: a run is judged once, against a live base or a stored baseline; give "
            "one of them, and run `python -m reports compare BASE.json reports/latest/run.json` afterwards for the "
            "other"
        )
    for name, shown in (
        ("update_baselines", "--update-baselines"),
        ("benchmark_save", "--benchmark-save"),
        ("benchmark_autosave", "--benchmark-autosave"),
    ):
        if option(name):
            raise SuiteError(
                f"--against with {shown}: the run is being judged; look at the verdict first, then run "
                "`python -m reports accept reports/latest/run.json`"
            )


def interpreter(text: str) -> Path:
    """The interpreter that `--against` names, a path or a command; a link is not followed, as an environment's is one.

    Raises:
        SuiteError: there is no such interpreter.
    """
    path = Path(text).expanduser()
    if text and path.is_dir():
        raise SuiteError(f"--against={text} is a folder: name the interpreter in it, as {path / 'bin' / 'python'}")
    found = shutil.which(str(path)) if text else None
    if found is None:
        raise SuiteError(f"--against={text}: no such interpreter; name one, as in --against=.venv-blog/bin/python")
    return Path(os.path.abspath(found))  # noqa: PTH100 - Path.resolve would follow the environment's link


def tree(text: str | None) -> Path:
    """The checkout that `--against-tree` names, or this one.

    Raises:
        SuiteError: it is no checkout of this suite, or too old for `--against`.
    """
    if text is None:
        return ROOT
    folder = Path(text).expanduser().resolve()
    worker = Path(*MODULE.split(".")).with_suffix(".py")
    if not text or not (folder / worker).is_file():
        raise SuiteError(
            f"--against-tree={text} has no {worker}: not a checkout of this suite, or too old for --against; leave the "
            "option out to run this checkout's code with that interpreter"
        )
    return folder


def commit_of(folder: Path) -> dict[str, Any]:
    """The commit of a checkout, in pytest-benchmark's form: `id` and `dirty`; `unknown` where git cannot tell."""

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
    """Relative to the working directory, even outside it: a published report must not show a runner's paths."""
    return shlex.quote(os.path.relpath(path))
