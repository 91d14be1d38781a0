"""What a job may not do, read from the workflows: the rules behind a pull request's boundary.

GitHub takes the file of a workflow on `pull_request` from the pull request. So such a file may hold nothing that keeps
a pull request out, and a job whose token can write may come into no contact with what others can change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Workflows = Mapping[str, Mapping[Any, Any]]

ACTIONS = {"actions/checkout", "actions/download-artifact", "actions/deploy-pages"}
"""That a job with a write token may use; none runs or installs what it fetches."""
COMMANDS = {"gh", "git", "jq", "[", "base64", "cat", "echo", "exit", "export", "for", "mkdir", "printf", "read", "wc"}
"""That it may run: of the machine, and none that runs or installs something else."""
CALLED = re.compile(r"[\w-]+/[\w.-]+/\.github/workflows/([\w-]+\.yml)@main")

_SUBSTITUTED = re.compile(r"[$<>]\(([^()]*)\)")
_WORDS_BEFORE = {"if", "then", "elif", "else", "do", "while", "until", "!", "fi", "done"}


def triggers(workflow: Mapping[Any, Any]) -> set[str]:
    """The events that start it; YAML reads `on` as a boolean."""
    return set(workflow[True])


def writes(job: Mapping[str, Any]) -> bool:
    """Whether its token can write; one that does not say may have all."""
    permissions = job.get("permissions", "write-all")
    return permissions == "write-all" or (isinstance(permissions, dict) and "write" in permissions.values())


def is_own_machine(job: Mapping[str, Any]) -> bool:
    """Whether it does not run on one of GitHub's, each of which is new."""
    return "runs-on" in job and not re.fullmatch(r"ubuntu-\d\d\.\d\d", str(job["runs-on"]))


def commands(script: str) -> set[str]:
    """The first word of each command of a script, those within `$(...)` too."""
    script = re.sub(r"'[^']*'", "X", script.replace("\\\n", " "))
    script = re.sub(r"\$\{[^}]*\}", "X", script)
    found: set[str] = set()
    while substituted := _SUBSTITUTED.search(script):
        found |= commands(substituted[1])
        script = script[: substituted.start()] + "X" + script[substituted.end() :]
    for piece in re.split(r"[\n;|&(){}`]", re.sub(r'"[^"]*"', "X", script)):
        words = [word for word in piece.split() if not re.match(r"\w+=", word)]
        while words and words[0] in _WORDS_BEFORE:
            words.pop(0)
        found |= set(words[:1])
    return found


def beside_a_write_token(workflow: str, job: Mapping[str, Any]) -> Iterator[str]:
    """What a job with a write token may not do, as it would be told."""
    for step in job.get("steps", []):
        action = step.get("uses", "").partition("@")[0]
        if action and action not in ACTIONS:
            yield f"{workflow}: uses {action} beside a write token"
        if action == "actions/checkout" and step.get("with", {}).get("ref") != "benchmark-history":
            yield f"{workflow}: checks out code beside a write token"
        for command in sorted(commands(step.get("run", "")) - COMMANDS):
            yield f"{workflow}: runs {command} beside a write token"
        if re.search(r"\bgh +(?!api\b)\w", step.get("run", "")):
            yield f"{workflow}: runs another gh than gh api beside a write token"


def faults(workflows: Workflows) -> list[str]:
    """All that breaks the boundary."""
    found: list[str] = []
    for name, workflow in workflows.items():
        editable = "pull_request" in triggers(workflow)
        for job in workflow["jobs"].values():
            if writes(job):
                found += [f"{name}: a pull request can edit a job with a write token"] * editable
                found += beside_a_write_token(name, job)
            if editable and is_own_machine(job):
                found.append(f"{name}: a pull request can edit a job on a machine of our own")
            if editable and "uses" in job:
                found += _called(name, job["uses"], workflows)
            if is_own_machine(job) and not (
                isinstance(job["runs-on"], dict) and "ephemeral" in job["runs-on"]["labels"]
            ):
                found.append(f"{name}: a machine of our own is named by no group, or is not ephemeral")
            if not editable and triggers(workflow) != {"workflow_call"} and "head" in str(_checked_out(job)):
                found.append(f"{name}: checks out a pull request in main's name")
    return found + [
        f"{' and '.join(names)} share a runner group" for names in groups(workflows).values() if len(names) > 1
    ]


def groups(workflows: Workflows) -> dict[str, list[str]]:
    """Runner group -> the workflows with a job on its machines."""
    found: dict[str, list[str]] = {}
    for name, workflow in workflows.items():
        named = [job["runs-on"] for job in workflow["jobs"].values() if is_own_machine(job)]
        for group in {machine["group"] for machine in named if isinstance(machine, dict)}:
            found.setdefault(group, []).append(name)
    return found


def _called(name: str, called: str, workflows: Workflows) -> Iterator[str]:
    """What is wrong with what a job that a pull request can edit calls: it has to be main's, with nothing to set."""
    match = CALLED.fullmatch(called)
    if not match:
        yield f"{name}: calls {called}, which a pull request can edit"
    elif match[1] not in workflows or workflows[match[1]][True] != {"workflow_call": None}:
        yield f"{name}: calls {called}, which is not there or takes inputs from a pull request"
    elif not all("github.event.label.name ==" in job.get("if", "") for job in workflows[match[1]]["jobs"].values()):
        yield f"{name}: calls {called}, which does not ask for the label itself"


def _checked_out(job: Mapping[str, Any]) -> list[str]:
    steps = [step for step in job.get("steps", []) if step.get("uses", "").startswith("actions/checkout@")]
    return [str(step.get("with", {}).get("ref", "")) for step in steps]
