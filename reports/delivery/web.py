"""One HTTP request, with what is never left out: https, a time limit, a limit of size, no secret in any message.

The standard library's client: these are a handful of small JSON requests, and a command that holds a token should
import as little code of others as it can.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlsplit

from reports.errors import ReportError

TIMEOUT_S = 20.0
LARGEST = 16 * 2**20
"""Bytes of an answer."""
TRIES = 3
LONGEST_WAIT_S = 60.0
"""Seconds that a server's Retry-After is followed for; one that asks for more is not asked again."""
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})

Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class _Refused(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other: whoever asked decides whether to follow it."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:
        return None


def checked(url: str, name: str) -> str:
    """The URL, if it may be asked: https, or http on this machine.

    Raises:
        ReportError: it may not; `name` says what it is, since the URL itself may be a secret.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if (
        not host
        or parts.username is not None
        or not (parts.scheme == "https" or (parts.scheme == "http" and host in LOCAL))
    ):
        raise ReportError(f"{name} is not a URL to send to: https://HOST/..., without a user (http only for localhost)")
    return url


def send(
    method: str,
    url: str,
    *,
    name: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    largest: int = LARGEST,
    sleep: Sleep = time.sleep,
) -> Answer:
    """Ask, and ask again where the server says that it was too busy.

    Args:
        method: GET, POST or PATCH. A POST is repeated only where the server has certainly not carried it out.
        url: see `checked`.
        name: stands for the URL in messages.
        body: sent as JSON; None for none.
        headers: as they are sent.
        largest: bytes of the answer.
        sleep: waits this many seconds.

    Raises:
        ReportError: the URL may not be asked, there was no answer, or it is too large.
    """
    checked(url, name)
    sent = None if body is None else json.dumps(body).encode()
    known = {"User-Agent": "bark-benchmarks", **({"Content-Type": "application/json"} if sent is not None else {})}
    for attempt in range(1, TRIES + 1):
        answer = _once(method, url, name, sent, {**known, **(headers or {})}, largest)
        wait = _wait(answer, method, attempt)
        if wait is None or attempt == TRIES:
            return answer
        sleep(wait)
    raise AssertionError("unreachable")


def _once(method: str, url: str, name: str, body: bytes | None, headers: Mapping[str, str], largest: int) -> Answer:
    # A URL's scheme was checked; a server on this machine is not asked through a proxy.
    handlers: list[urllib.request.BaseHandler] = [_Refused()]
    if urlsplit(url).hostname in LOCAL:
        handlers.append(urllib.request.ProxyHandler({}))
    try:
        request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310
        with _opened(urllib.request.build_opener(*handlers), request) as response:
            content = response.read(largest + 1)
            status, got = int(response.status), {key.lower(): value for key, value in response.headers.items()}
    except (OSError, http.client.HTTPException, ValueError) as error:
        # The reason of an error can hold the URL, and the URL can be a secret: only its kind is told.
        kind = getattr(error, "reason", error)
        raise ReportError(f"{name} gave no answer ({type(kind).__name__}): check the network, then repeat") from None
    if len(content) > largest:
        raise ReportError(f"{name} answered with more than {largest:,} bytes: not read")
    return Answer(status, got, content)


def _opened(opener: urllib.request.OpenerDirector, request: urllib.request.Request) -> Any:
    try:
        return opener.open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as answer:
        return answer


def _wait(answer: Answer, method: str, attempt: int) -> float | None:
    """Seconds until asking again; None for never."""
    limited = answer.status == 429 or (
        answer.status == 403 and ("retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0")
    )
    broken = answer.status >= 500 and (method != "POST" or answer.status == 503)
    if not (limited or broken):
        return None
    asked = answer.headers.get("retry-after", "")
    wait = float(asked) if asked.isdecimal() and asked.isascii() else float(2**attempt)
    return wait if wait <= LONGEST_WAIT_S else None
