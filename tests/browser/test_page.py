"""The report in a browser, opened from disk as a reader opens it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from reports.records.units import quantity
from tests.browser.conftest import PHONE, Open, Opened
from tests.builders import FUSED, PLAIN
from tests.page_runs import FRAMES, HOSTILE, OFFLOADED, RATE_HZ, SKIPPED

TEXT = {"light": "rgb(27, 31, 36)", "dark": "rgb(231, 234, 238)"}
"""The colour of text in charts."""

FOCUSED = """(() => {
    const at = document.activeElement;
    return at === document.body ? '' : `${at.tagName} ${at.getAttribute('aria-label') ?? at.textContent}`;
})()"""


def shown_cells(page: Page) -> list[str]:
    return page.locator("#matrix-table tbody tr:visible th").all_inner_texts()


def test_it_asks_only_for_files_of_its_folder_and_says_nothing_in_the_console(report: Path, shown: Opened) -> None:
    folder = report.parent.as_uri()
    assert [address for address in shown.addresses if not address.startswith((folder, "data:"))] == []
    assert f"{folder}/assets/plotly.min.js" in shown.addresses
    assert shown.console == []


def test_filters_narrow_the_matrix_and_count_what_is_left(report: Path, opened: Open) -> None:
    page = opened(report).page
    count = page.locator("[data-count]")
    assert shown_cells(page) == [PLAIN, FUSED, OFFLOADED, SKIPPED]
    assert count.inner_text() == "4 of 4 cells"
    page.get_by_label("Precision").select_option("fp16")
    assert (shown_cells(page), count.inner_text()) == ([FUSED, OFFLOADED, SKIPPED], "3 of 4 cells")
    page.get_by_label("Search").fill("offload sdpa")
    assert (shown_cells(page), count.inner_text()) == ([OFFLOADED], "1 of 4 cells")
    page.get_by_role("button", name="Reset").click()
    page.get_by_label("Only what moved").check()
    assert shown_cells(page) == [FUSED]
    page.get_by_role("button", name="Reset").click()
    page.get_by_label("Verdict").select_option("skipped")
    assert shown_cells(page) == [SKIPPED]


def test_a_column_sorts_by_its_numbers_and_what_has_none_stays_last(report: Path, opened: Open) -> None:
    page = opened(report).page
    head = page.locator("#matrix-table thead th", has_text="peak allocated")
    head.get_by_role("button").click()
    assert shown_cells(page) == [OFFLOADED, FUSED, PLAIN, SKIPPED]
    assert head.get_attribute("aria-sort") == "ascending"
    head.get_by_role("button").click()
    assert shown_cells(page) == [PLAIN, FUSED, OFFLOADED, SKIPPED]
    assert head.get_attribute("aria-sort") == "descending"


def test_everything_is_reached_by_the_tab_key(report: Path, opened: Open) -> None:
    page = opened(report).page
    reached = []
    for _ in range(150):
        page.keyboard.press("Tab")
        what = page.evaluate(FOCUSED)
        if not what:
            break
        reached.append(what)
    assert reached[0] == "A Skip to the verdict"
    for wanted in (
        "A Matrix",
        "INPUT ",
        "BUTTON Reset",
        "DIV Table of the matrix",
        f"A {FUSED}",
        "DIV Metrics of the cell",
    ):
        assert any(what.startswith(wanted) for what in reached), f"{wanted!r} is not in {reached}"
    assert any(what.startswith(f"AUDIO {FUSED}") for what in reached)
    assert sum(what.startswith("SELECT") for what in reached) >= 5


def test_the_skip_link_leads_past_the_navigation(report: Path, opened: Open) -> None:
    page = opened(report).page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_sample_plays_and_is_as_long_as_its_file(shown: Opened) -> None:
    page = shown.page
    player = page.locator("audio")
    assert player.count() == 1
    player.scroll_into_view_if_needed()
    duration = player.evaluate(
        "player => new Promise((done) => player.readyState ? done(player.duration)"
        " : player.addEventListener('loadedmetadata', () => done(player.duration)))"
    )
    assert duration == pytest.approx(FRAMES / RATE_HZ)
    played = player.evaluate(
        "player => new Promise((done, failed) => {"
        " player.addEventListener('ended', () => done(player.currentTime)); player.play().catch(failed); })"
    )
    assert played == pytest.approx(duration)
    assert "no sample kept" in page.locator("#listen tr", has_text="cpu_offload").inner_text()


def complaints(found: Opened) -> str:
    """What axe says against the page; empty for nothing."""
    results = Axe().run(found.page)
    assert any(rule["id"] == "color-contrast" for rule in results.response["passes"])
    return results.generate_report() if results.violations_count else ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(shown: Opened, scheme: Literal["light", "dark"]) -> None:
    shown.page.emulate_media(color_scheme=scheme)
    expect(shown.page.locator("#tradeoff .xtick text").first).to_have_css("fill", TEXT[scheme])  # charts follow later
    assert complaints(shown) == ""


def test_axe_finds_nothing_to_complain_about_on_a_phone(on_a_phone: Opened) -> None:
    assert complaints(on_a_phone) == ""


def test_a_phone_scrolls_tables_and_not_the_page(on_a_phone: Opened) -> None:
    page = on_a_phone.page
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    matrix = page.locator("#matrix").get_by_role("region", name="Table of the matrix")
    assert matrix.evaluate("region => region.scrollWidth > region.clientWidth")


def test_charts_follow_the_colour_scheme(report: Path, opened: Open) -> None:
    found = opened(report, color_scheme="light")
    found.see_all()
    label = found.page.locator("#tradeoff .xtick text").first
    expect(label).to_have_css("fill", TEXT["light"])
    found.page.emulate_media(color_scheme="dark")
    expect(label).to_have_css("fill", TEXT["dark"])


def test_a_cell_is_chosen_in_the_matrix_and_shown_with_its_numbers(report: Path, opened: Open) -> None:
    page = opened(report).page
    assert page.locator("#cell-status").inner_text().endswith("worse")  # the cell that failed comes first
    page.locator("#matrix").get_by_role("link", name=PLAIN).click()
    assert page.evaluate("document.activeElement.id") == "cell"
    assert page.locator("#cell-status").inner_text().endswith("same")
    assert "2.000 s" in page.locator("#cell-metrics tr", has_text="latency").first.inner_text()
    page.get_by_text("Numbers: Stages").click()
    expect(page.get_by_role("region", name="Numbers: Stages").locator("tr", has_text="coarse")).to_be_visible()


def test_a_trend_marks_where_software_changed(report: Path, opened: Open) -> None:
    found = opened(report)
    found.see_all()
    section = found.page.locator("#trends")
    assert section.locator(".shapelayer path").count() == 1
    section.get_by_text("Numbers: weights").click()
    row = section.locator("tbody tr", has_text="torch 2.10.0 -> 2.11.0").inner_text()
    assert all(part in row for part in ("2026-01-03", "commit2", "500.0 MB", "worse"))


def test_paper_has_every_chart_and_nothing_folded_and_the_screen_is_as_before(report: Path, opened: Open) -> None:
    page = opened(report, color_scheme="dark").page
    page.locator("#tradeoff .plot").scroll_into_view_if_needed()
    page.locator("#tradeoff .plot svg").first.wait_for()  # the plotting library is there; most charts are not drawn
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert page.locator(".plot").count() == page.locator(".plot:has(svg)").count() > 3
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("#trends details").first.get_attribute("open") is None
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 27)"


def test_without_the_plotting_library_the_numbers_are_still_there(report: Path, opened: Open, tmp_path: Path) -> None:
    for file in (report, *(report.parent / "assets").glob("report.*"), *(report.parent / "assets").glob("*s.js")):
        copy = tmp_path / file.relative_to(report.parent)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file.read_bytes())
    for name in ("page.js", "cell.js", "listen.js"):
        (tmp_path / "assets" / name).write_bytes((report.parent / "assets" / name).read_bytes())
    (tmp_path / "assets" / "plotly.min.js").unlink(missing_ok=True)
    page = opened(tmp_path / report.name).page
    page.locator("#tradeoff .plot").scroll_into_view_if_needed()
    page.get_by_text("assets/plotly.min.js is missing").first.wait_for()
    page.get_by_text("Numbers: small, batch 1: latency against memory").click()
    expect(page.get_by_role("region", name="Numbers: small, batch 1: latency against memory")).to_be_visible()


def test_text_of_a_run_file_is_only_ever_text(hostile: Path, opened: Open) -> None:
    found = opened(hostile)
    found.see_all()
    page = found.page
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate("'pwned' in window") is False
    assert page.locator("img, b, i, iframe, object").count() == 0
    assert page.locator("script:not([src]):not([type='application/json'])").count() == 0
    addresses = page.locator("[href], [src]").evaluate_all(
        "all => all.map((one) => one.getAttribute('href') ?? one.getAttribute('src'))"
    )
    assert {address.split(":")[0] for address in addresses if ":" in address} <= {"https", "data"}
    text = page.locator("main").evaluate("main => main.textContent")
    for attack in HOSTILE:
        assert attack.split("\u2028")[0].strip() in text
    assert "49" not in page.locator("#environment tr", has_text="bold").first.inner_text()
    assert found.console == []


def test_scripts_word_a_quantity_as_python_does(shown: Opened) -> None:
    page = shown.page
    values = [0.0, 1e-7, 0.000366, 0.00123, 0.0999, 0.5, 0.99, 9.999, 10.0, 123.456, 1234.5, 30_367.0, 5_026_000_000.0]
    for unit in ("B", "s", "", "samples/s"):
        told = page.evaluate("([values, unit]) => values.map((one) => Report.quantity(one, unit))", [values, unit])
        assert told == [quantity(value, unit) for value in values]
