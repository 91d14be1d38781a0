"""A stand-in for `gh api`, and for the repository that it asks: as much of both as the workflows use.

It is first on the PATH of the jobs that tests run. What it does not know is an error, so that no workflow can ask for
something that nothing answers. Filters are carried out by jq.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOT = "github-actions[bot]"
PAGE = 30
STATE = "FAKE_GITHUB"
"""The variable that names the file with the repository's state."""


@dataclass(frozen=True)
class Repository:
    """A repository in a JSON file: lists of `pulls`, `comments`, `issues`, `artifacts`; `merge_bases` and `writes`."""

    path: Path

    def __getitem__(self, name: str) -> Any:
        return self._all().get(name, [])

    def __setitem__(self, name: str, value: Any) -> None:
        self.path.write_text(json.dumps({**self._all(), name: value}))

    def _all(self) -> dict[str, Any]:
        return dict(json.loads(self.path.read_text())) if self.path.exists() else {}

    def answer(self, method: str, path: str, body: dict[str, str]) -> Any:
        """What GitHub answers; None for nothing there."""
        parts = path.removeprefix("repos/owner/bark/").split("/")
        if method != "GET":
            self["writes"] = [*self["writes"], f"{method} {'/'.join(parts)}"]
        match method, parts:
            case "GET", ["pulls"]:
                owned = [row for row in self["pulls"] if f"{row['head']['user']}:{row['head']['ref']}" == body["head"]]
                return [row for row in owned if row["state"] == body["state"]]
            case "GET", ["pulls", number]:
                return next((row for row in self["pulls"] if row["number"] == int(number)), None)
            case "GET", ["compare", commits]:
                return {"merge_base_commit": {"sha": self["merge_bases"][commits]}}
            case "GET", ["actions", "runs", _, "artifacts"]:
                return {"artifacts": [row for row in self["artifacts"] if row["name"] == body["name"]]}
            case "GET", ["actions", "artifacts", number, "zip"]:
                return next(Path(row["path"]).read_bytes() for row in self["artifacts"] if row["id"] == int(number))
            case "GET", ["issues", number, "comments"]:
                return [row for row in self["comments"] if row["on"] == int(number)]
            case "POST", ["issues", number, "comments"]:
                return self._add("comments", {"on": int(number), **body})
            case "PATCH", ["issues", "comments", number]:
                return self._change("comments", "id", int(number), body)
            case "GET", ["issues"]:
                found = [row for row in self["issues"] if row["state"] == body["state"]]
                return [row for row in found if body["labels"] in row["labels"]]
            case "POST", ["issues"]:
                return self._add("issues", {"number": len(self["issues"]) + 1, **body})
            case "PATCH", ["issues", number]:
                return self._change("issues", "number", int(number), body)
        return None

    def _add(self, name: str, row: dict[str, Any]) -> dict[str, Any]:
        made = {"id": 1000 + len(self[name]), "user": {"login": BOT}, **row}
        self[name] = [*self[name], made]
        return made

    def _change(self, name: str, key: str, number: int, body: dict[str, str]) -> Any:
        rows = self[name]
        for row in rows:
            if row[key] == number:
                row.update(body)
                self[name] = rows
                return row
        return None


def main(arguments: Sequence[str]) -> int:
    """Carry one call out, as `gh` does."""
    parser = argparse.ArgumentParser(prog="gh", allow_abbrev=False)
    parser.add_argument("api", choices=["api"])
    parser.add_argument("path")
    parser.add_argument("--method", default=None)
    for name in ("--raw-field", "--field"):
        parser.add_argument(name, action="append", default=[])
    parser.add_argument("--input", default=None)
    parser.add_argument("--jq", default=None)
    for name in ("--silent", "--paginate"):
        parser.add_argument(name, action="store_true")
    options = parser.parse_args(arguments)
    assert os.environ["GH_TOKEN"], "gh asks for a login"
    body = dict(field.split("=", 1) for field in options.raw_field)
    for key, value in (field.split("=", 1) for field in options.field):
        body[key] = Path(value.removeprefix("@")).read_text(encoding="utf-8")
    if options.input:
        body |= json.loads(sys.stdin.read() if options.input == "-" else Path(options.input).read_text())
    method = options.method or ("POST" if body else "GET")
    found = Repository(Path(os.environ[STATE])).answer(method, options.path, body)
    if found is None:
        sys.stderr.write("gh: Not Found (HTTP 404)\n")
        return 1
    if isinstance(found, bytes):
        sys.stdout.buffer.write(found)
        return 0
    pages = [found]
    if isinstance(found, list):
        pages = [found[at : at + PAGE] for at in range(0, max(len(found), 1), PAGE)][: None if options.paginate else 1]
    for page in pages if not options.silent else []:
        filtered = ["jq", "--raw-output", options.jq or "."]
        sys.stdout.write(
            subprocess.run(filtered, input=json.dumps(page), capture_output=True, text=True, check=True).stdout
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
