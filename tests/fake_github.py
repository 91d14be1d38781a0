"""A stand-in for GitHub's REST API on this machine: comments, issues, pull requests, artifacts of one repository."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "owner/bark"
TOKEN = "a-token-for-tests"
BOT = "github-actions[bot]"


@dataclass(frozen=True)
class Request:
    """One request that came in."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Any


@dataclass
class FakeGitHub:
    """What the repository holds. `first` answers the next requests instead: (status, headers, JSON or bytes)."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[str, bytes] = field(default_factory=dict)
    first: list[tuple[int, Mapping[str, str], Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What a workflow's job would have."""
        return {"GITHUB_API_URL": self.url, "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": TOKEN}

    def written(self) -> list[tuple[str, str]]:
        """Method and path of the requests that changed something."""
        return [(request.method, request.path) for request in self.requests if request.method != "GET"]

    def answer(self, request: Request) -> tuple[int, Mapping[str, str], Any]:
        """Status, headers and content."""
        self.requests.append(request)
        if self.first:
            return self.first.pop(0)
        if request.path == "/storage":
            return 200, {}, self.artifacts["gpu-pr"]
        parts = request.path.removeprefix(f"/repos/{REPOSITORY}/").split("/")
        match request.method, parts:
            case "GET", ["issues", _, "comments"]:
                return 200, {}, self._page(self.comments, request)
            case "POST", ["issues", number, "comments"]:
                return 201, {}, self._added(self.comments, {**request.body, "on": int(number)})
            case "PATCH", ["issues", "comments", number]:
                return self._changed([row for row in self.comments if row["id"] == int(number)], request.body)
            case "GET", ["issues"]:
                return 200, {}, self._page([row for row in self.issues if row["state"] == "open"], request)
            case "POST", ["issues"]:
                made = {**request.body, "state": "open", "number": len(self.issues) + 1}
                return 201, {}, self._added(self.issues, made)
            case "PATCH", ["issues", number]:
                return self._changed([row for row in self.issues if row["number"] == int(number)], request.body)
            case "GET", ["pulls"]:
                wanted = request.query["head"][0]
                owned = [p for p in self.pulls if f"{p['head']['user']}:{p['head']['ref']}" == wanted]
                return 200, {}, self._page(owned, request)
            case "GET", ["actions", "runs", _, "artifacts"]:
                rows = [
                    {"id": place, "name": name, "size_in_bytes": len(content), "expired": False}
                    for place, (name, content) in enumerate(self.artifacts.items())
                ]
                return 200, {}, {"artifacts": rows}
            case "GET", ["actions", "artifacts", _, "zip"]:
                return 302, {"Location": f"{self.url}/storage"}, {}
        return 404, {}, {"message": "Not Found"}

    @staticmethod
    def _page(rows: list[dict[str, Any]], request: Request) -> list[dict[str, Any]]:
        size, page = int(request.query["per_page"][0]), int(request.query["page"][0])
        return rows[(page - 1) * size : page * size]

    @staticmethod
    def _added(rows: list[dict[str, Any]], row: dict[str, Any]) -> dict[str, Any]:
        rows.append({"id": 1000 + len(rows), "user": {"login": BOT}, **row})
        return rows[-1]

    @staticmethod
    def _changed(rows: list[dict[str, Any]], change: dict[str, Any]) -> tuple[int, Mapping[str, str], Any]:
        if not rows:
            return 404, {}, {"message": "Not Found"}
        rows[0].update(change)
        return 200, {}, rows[0]


@contextmanager
def serving(state: FakeGitHub) -> Iterator[FakeGitHub]:
    """Answer on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            parts = urlsplit(self.path)
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, content = state.answer(
                Request(
                    self.command,
                    parts.path,
                    parse_qs(parts.query),
                    {key.lower(): value for key, value in self.headers.items()},
                    json.loads(sent) if sent else None,
                )
            )
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = _handle  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
