"""One headless Chromium for all tests of the page, and reports that it opens from disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from reports.render.html import page as html
from tests.page_runs import full_report, hostile_report

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
REQUIRED = "BARK_BENCHMARKS_BROWSER"
"""Set to `required` by .ci/run: without a browser the tests then fail, and are not skipped."""

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        reason = f"no browser: none of {', '.join(CHROMIUM)} is on PATH; apt-get install chromium"
        if os.environ.get(REQUIRED) == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a report with something in every section."""
    folder = tmp_path_factory.mktemp("report")
    return html.write(folder / "page", full_report(folder))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run whose every text is an attack."""
    folder = tmp_path_factory.mktemp("hostile")
    return html.write(folder / "page", hostile_report(folder))


@dataclass
class Opened:
    """A page from disk: what its console said, and every address that it asked for."""

    page: Page
    console: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def see_all(self) -> None:
        """Scroll to every chart and wait until it is drawn."""
        for chart in self.page.locator(".plot").all():
            chart.scroll_into_view_if_needed()
            chart.locator("svg").first.wait_for(state="attached")


Open = Callable[..., Opened]


def start(browser: Browser, path: Path, **options: Any) -> Opened:
    """Opens a page in a context of its own, with these options."""
    found = Opened(browser.new_context(reduced_motion="reduce", **options).new_page())
    found.page.on("console", lambda message: found.console.append(f"{message.type}: {message.text}"))
    found.page.on("pageerror", lambda error: found.console.append(f"error: {error}"))
    found.page.on("request", lambda request: found.addresses.append(request.url))
    found.page.goto(path.as_uri())
    return found


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Opens a page: `opened(path, color_scheme="dark", viewport=PHONE)`."""
    pages: list[Opened] = []

    def open_(path: Path, **options: Any) -> Opened:
        pages.append(start(browser, path, **options))
        return pages[-1]

    yield open_
    for each in pages:
        each.page.context.close()


@pytest.fixture(scope="module")
def shown(browser: Browser, report: Path) -> Iterator[Opened]:
    """The report with every chart drawn and nothing folded, for tests that only look."""
    yield from _whole(start(browser, report, color_scheme="light"))


@pytest.fixture(scope="module")
def on_a_phone(browser: Browser, report: Path) -> Iterator[Opened]:
    """The same on a phone."""
    yield from _whole(start(browser, report, viewport=PHONE, has_touch=True, is_mobile=True))


def _whole(found: Opened) -> Iterator[Opened]:
    found.see_all()
    found.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    yield found
    found.page.context.close()
