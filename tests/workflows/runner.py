"""Runs a job of a workflow here: its commands as they stand, actions replaced by what they leave behind.

Only as much of GitHub's runner as these workflows use. An expression that is not given a value, or an action that is
not known, is an error, so that no workflow can grow something that nothing runs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS: dict[str, dict[Any, Any]] = {
    path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yml"))
}
COPIED = (".github", "benchmarks", "fixtures", "lanes", "reports", "Makefile", "conftest.py", "pyproject.toml")
IDENTITY = {
    **{f"GIT_{who}_NAME": "test" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "test@example.org" for who in ("AUTHOR", "COMMITTER")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}
ONLY_SHOWN = re.compile(r"make (setup-reports|oldest|lint|types|workflows|test)\b")
"""Commands that install or are the gate itself: what they would do is printed and not done."""

Hook = Callable[[Path], None]


@dataclass
class Job:
    """One run of a job: where, with what, and what came of it.

    `origin`: the repository that checkout clones. `values`: expression -> value. `artifacts`: name -> folder, kept from
    one job to the next. `before`: step's name -> what to do just before it. `settings`: step's name -> environment
    variables that the runner's machine would have.
    """

    workflow: str
    job: str
    folder: Path
    origin: Path
    values: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    artifacts: dict[str, Path] = field(default_factory=dict)
    before: Mapping[str, Hook] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    ended: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)

    @property
    def codes(self) -> dict[str, int]:
        """Name -> exit code of the commands that were run."""
        return {name: ended.returncode for name, ended in self.ended.items()}

    @property
    def summary(self) -> str:
        """What the job wrote into its summary."""
        path = self.folder / ".summary.md"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def run(self) -> Job:
        """Run the steps in their order; after a failure only those that say so."""
        document = WORKFLOWS[self.workflow]
        job = document["jobs"][self.job]
        inherited = {**document.get("env", {}), **job.get("env", {})}
        failed = False
        for step in job["steps"]:
            name = step["name"]
            if (failed and "!cancelled()" not in str(step.get("if", ""))) or (self.only and name not in self.only):
                continue
            if name in self.before:
                self.before[name](self.folder)
            if "uses" in step:
                self._use(step["uses"].partition("@")[0], step.get("with", {}), step.get("continue-on-error", False))
            else:
                self.ended[name] = self._command(name, step["run"], {**inherited, **step.get("env", {})})
                failed = failed or self.ended[name].returncode != 0
        return self

    def _filled(self, text: Any) -> str:
        return re.sub(r"\$\{\{\s*(.*?)\s*\}\}", lambda found: self.values[found[1]], str(text))

    def _command(self, name: str, command: str, variables: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        flags = ["--dry-run"] if ONLY_SHOWN.match(command) else []
        environment = {
            **{key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ},
            **IDENTITY,
            "OMP_NUM_THREADS": "1",
            "MAKEFLAGS": " ".join([*flags, f"READY={self.origin.parent / 'ready'}"]),
            "GITHUB_STEP_SUMMARY": str(self.folder / ".summary.md"),
            "GITHUB_RUN_ID": "42",
            "GITHUB_REPOSITORY": "owner/bark",
            **self.environment,
            **self.settings.get(name, {}),
            **{key: self._filled(value) for key, value in variables.items()},
        }
        # GitHub's own way to run `shell: bash`.
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

    def _use(self, action: str, options: Mapping[str, Any], may_fail: bool) -> None:
        if action == "actions/checkout":
            branch = ["--branch", options["ref"]] if options.get("ref") == "benchmark-history" else []
            git("clone", "--quiet", *branch, str(self.origin), "inner", cwd=self.folder)
            target = self.folder / options.get("path", ".")
            target.mkdir(exist_ok=True)
            for path in (self.folder / "inner").iterdir():
                path.rename(target / path.name)
            (self.folder / "inner").rmdir()
        elif action in ("actions/upload-artifact", "actions/upload-pages-artifact"):
            name, again = self._filled(options["name"]), options.get("overwrite", False)
            assert again or name not in self.artifacts, f"a re-run cannot upload {name} again"
            self._upload(name, self._filled(options["path"]).split())
        elif action == "actions/download-artifact":
            assert may_fail or "pattern" in options or options["name"] in self.artifacts, f"no artifact {options}"
            for name, stored in self.artifacts.items():
                if name == options.get("name"):
                    shutil.copytree(stored, self.folder / options["path"], dirs_exist_ok=True)
                elif "pattern" in options and name.startswith(options["pattern"].removesuffix("*")):
                    shutil.copytree(stored, self.folder / options["path"] / name)
        elif action not in ("actions/setup-python", "actions/deploy-pages"):
            raise AssertionError(f"nothing stands in for {action}: add it here")

    def _upload(self, name: str, patterns: list[str]) -> None:
        stored = self.folder / f".artifact-{name}"
        found = [self.folder / pattern for pattern in patterns]
        # As the action does: below the deepest folder that all have in common.
        common = Path(os.path.commonpath([path if path.is_dir() else path.parent for path in found]))
        for path in found:
            for file in path.rglob("*") if path.is_dir() else [path]:
                if file.is_file():
                    (stored / file.relative_to(common)).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file, stored / file.relative_to(common))
        self.artifacts[name] = stored


def git(*arguments: str, cwd: Path) -> str:
    """Run git and return what it printed."""
    command = ["git", *arguments]
    environment = {**os.environ, **IDENTITY}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def repository(folder: Path) -> Path:
    """A repository with this one's files, two commits, and an environment that is set up: this one's."""
    origin = folder / "origin"
    origin.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, origin / name, ignore=shutil.ignore_patterns("__pycache__", "latest"))
        else:
            shutil.copy(ROOT / name, origin / name)
    for venv in (".venv", ".venv-blog"):
        (origin / venv / "bin").mkdir(parents=True)
        python = origin / venv / "bin" / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
    ready = folder / "ready"
    ready.touch()
    os.utime(ready, (time.time() + 3600, time.time() + 3600))  # newer than every file that is checked out
    git("init", "--quiet", "--initial-branch=main", cwd=origin)
    git("add", "--all", "--force", cwd=origin)
    git("commit", "--quiet", "--message", "base", cwd=origin)
    git("commit", "--quiet", "--allow-empty", "--message", "head", cwd=origin)
    git("branch", "benchmark-history", cwd=origin)
    return origin
