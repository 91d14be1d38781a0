"""GitHub's REST API, as much of it as alerts need, for one repository. The token comes from the environment only."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from reports.delivery import web
from reports.errors import ReportError

API = "https://api.github.com"
PAGE, MOST_PAGES = 100, 50
AUTHOR = "github-actions[bot]"
"""Who writes with a workflow's own token."""

_HINTS = {
    401: "set GITHUB_TOKEN to a token that is valid",
    403: "the token lacks a permission: see `permissions:` of the job",
    404: "check GITHUB_REPOSITORY and the number, and that the token may see them",
}


@dataclass(frozen=True, slots=True)
class GitHub:
    """One repository of one server."""

    api: str
    repository: str
    token: str = field(repr=False)
    sleep: web.Sleep = time.sleep

    def get(self, path: str, **query: str | int) -> Any:
        """The JSON that a path of the repository holds."""
        return self._call("GET", path + (f"?{urlencode(query)}" if query else ""))

    def rows(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        """All rows of a list, page after page.

        Raises:
            ReportError: see `send`; or the list has no end.
        """
        found: list[dict[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            rows = self.get(path, **query, per_page=PAGE, page=page)
            if not isinstance(rows, list):
                raise ReportError(f"GitHub's answer to GET {path} is no list: check GITHUB_API_URL")
            found += [row for row in rows if isinstance(row, dict)]
            if len(rows) < PAGE:
                return found
        raise ReportError(f"GitHub's list {path} has more than {MOST_PAGES * PAGE} rows: not read further")

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Make something new."""
        return self._call("POST", path, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Change something."""
        return self._call("PATCH", path, body)

    def redirect(self, path: str) -> str:
        """Where a path redirects to. The token is for the API, so whoever follows goes without it."""
        answer = self.send("GET", path)
        if answer.status not in (302, 307) or not answer.headers.get("location"):
            raise _refusal("GET", path, answer)
        return answer.headers["location"]

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> web.Answer:
        """Ask the API; `path` is below the repository.

        Raises:
            ReportError: there was no answer.
        """
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        url = f"{self.api}/repos/{self.repository}/{path}"
        return web.send(method, url, name="GITHUB_API_URL", body=body, headers=headers, sleep=self.sleep)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = self.send(method, path, body)
        if not 200 <= answer.status < 300:
            raise _refusal(method, path, answer)
        return answer.json()


def connect(environment: Mapping[str, str], sleep: web.Sleep = time.sleep) -> GitHub:
    """The repository that the environment names, as GitHub sets it in every job.

    Raises:
        ReportError: GITHUB_REPOSITORY or GITHUB_TOKEN is absent or of no use.
    """
    repository, token = environment.get("GITHUB_REPOSITORY", ""), environment.get("GITHUB_TOKEN", "")
    if not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", repository) or repository.endswith(("/.", "/..")):
        raise ReportError("GITHUB_REPOSITORY is not OWNER/NAME: set it to the repository to write to")
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ReportError("GITHUB_TOKEN is not set: give a token through the environment, never as an argument")
    api = environment.get("GITHUB_API_URL") or API
    return GitHub(web.checked(api, "GITHUB_API_URL").rstrip("/"), repository, token, sleep)


def _refusal(method: str, path: str, answer: web.Answer) -> ReportError:
    said = answer.json()
    message = said.get("message") if isinstance(said, dict) else None
    what = f": {' '.join(message.split())[:200]}" if isinstance(message, str) else ""
    hint = _HINTS.get(answer.status, "repeat it later" if answer.status >= 429 else "nothing was changed")
    return ReportError(f"GitHub answered {answer.status} to {method} {path.partition('?')[0]}{what}; {hint}")
