"""Sends an alert to a webhook. Its URL is a secret: it comes from the environment and is in no message."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from reports.delivery import web
from reports.errors import ReportError

VARIABLE = "BARK_BENCHMARKS_WEBHOOK"


def deliver(message: Any, environment: Mapping[str, str], sleep: web.Sleep = time.sleep) -> str:
    """Send a message where the environment says; returns what to tell of it.

    A webhook that cannot be reached changes nothing about a verdict, so nothing is raised.
    """
    url = environment.get(VARIABLE, "").strip()
    if not url:
        return f"no webhook is configured ({VARIABLE} is not set): nothing was sent"
    try:
        answer = web.send("POST", url, name=VARIABLE, body=message, largest=64 * 2**10, sleep=sleep)
    except ReportError as error:
        return f"warning: the webhook was not told: {error}"
    if 200 <= answer.status < 300:
        return "the webhook was told"
    return f"warning: the webhook was not told: it answered {answer.status}; check the URL in {VARIABLE}"
