"""A text that has to fit: it always does, and says how much of it is missing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.render import markdown
from reports.render.fitting import COMMENT, Section, cut, fitted, more, size
from reports.verdicts.compare import compare
from tests.builders import AXES, cell_document, run_of
from tests.mutations import HOSTILE

texts = st.text(max_size=30) | st.sampled_from(HOSTILE)


def section(head: str, items: list[str], rank: int = 0, foot: str = "") -> Section:
    return Section(head, items, lambda number: more(number, "cells", "run.json"), foot, rank=rank)


sections = st.lists(
    st.builds(section, texts, st.lists(texts.filter(bool), max_size=8), st.integers(0, 3), st.just("end")),
    min_size=1,
    max_size=12,
)


@given(sections, st.integers(200, 2_000))
def test_a_fitted_text_never_has_more_bytes_than_it_may(found: list[Section], most: int) -> None:
    assert size(fitted(found, most)) <= most


@given(sections)
def test_a_text_that_fits_is_whole_and_says_nothing_of_what_is_missing(found: list[Section]) -> None:
    text = fitted(found, 10**6)
    assert "… " not in text.replace("… ", "", sum(part.count("… ") for one in found for part in (one.head, *one.items)))
    assert all(item in text for one in found for item in (one.head, *one.items, one.foot))


@given(st.integers(0, 300), st.integers(200, 1_500))
def test_every_item_is_there_or_counted(number: int, most: int) -> None:
    text = fitted([section("## Head", [f"- item{place}." for place in range(number)], foot="end")], most)
    missing = re.search(r"… ([\d,]+) more cells?: see run\.json", text)
    left_out = int(missing[1].replace(",", "")) if missing else 0
    assert text.count("item") + left_out == number
    assert text.endswith("end\n")


def test_the_lower_rank_gets_its_items_first_wherever_it_stands() -> None:
    text = fitted([section("a", ["x" * 90] * 2, rank=1), section("b", ["y" * 90] * 2)], 300)
    assert (text.count("x" * 90), text.count("y" * 90)) == (0, 2)
    assert text.index("… 2 more cells") < text.index("y")


def test_one_that_is_missing_is_in_the_singular() -> None:
    assert [more(number, "cells", "f") for number in (1, 1212)] == ["… 1 more cell: see f", "… 1,212 more cells: see f"]


def test_sections_that_do_not_fit_even_without_their_items_are_counted() -> None:
    text = fitted([section(f"## head {place}", []) for place in range(100)], 400)
    shown = text.count("## head")
    assert f"… {100 - shown} more sections do not fit here" in text
    assert text.startswith("## head 0")


def test_the_last_resort_never_cuts_a_character_in_two() -> None:
    for most in range(200, 205):
        assert size(cut("é" * 500, most)) <= most
        assert "\ufffd" not in cut("é" * 500, most)


@given(
    cells=st.integers(1, 120),
    name=st.text(st.characters(codec="utf-8"), max_size=400) | st.sampled_from(HOSTILE),
    worse=st.booleans(),
    most=st.sampled_from([600, 3_000, 20_000, COMMENT]),
)
@settings(max_examples=60, deadline=None)
def test_a_report_of_any_matrix_with_any_names_fits_and_shows_what_fails_first(
    cells: int, name: str, worse: bool, most: int
) -> None:
    def documents(peak: float) -> list[dict[str, object]]:
        found = []
        for place in range(cells):
            one = cell_document("small-eager-fp32-resident-dynamic-batch1", {"peak_allocated": peak})
            one["extra_info"]["cell"] = f"{name}{place}"
            one["extra_info"]["axes"] |= dict.fromkeys(AXES[:2], f"{name}{place}")
            found.append(one)
        return found

    base, head = run_of(*documents(1e9)), run_of(*documents(2e9 if worse else 1e9), level=name[:50], outcomes={})
    text = markdown.report(head, compare(base, head, baseline=name), f"{name}.json", most)
    assert size(text) <= most
    prose = "\n".join(line for line in text.split("\n") if not line.startswith("    "))  # without blocks of code
    assert "<script" not in prose
    assert not re.search(r"[@#]\w", prose.replace("&#8203;", "\u200b"))
    failing = sum(line.startswith("- ") and "worse" in line for line in text.split("\n"))
    if worse and most == COMMENT and len(name) < 100:
        left_out = re.search(r"… ([\d,]+) more verdicts? that fail", text)
        assert failing + (int(left_out[1].replace(",", "")) if left_out else 0) == cells
        assert text.index("- ") < text.index("<details>")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ask @octocat about #12 and GH", "ask @&#8203;octocat about \\#&#8203;12 and GH"),
        ("see https://evil.example/x", "see https:&#8203;//evil.example/x"),
        ("WWW.evil.example", "WWW&#8203;.evil.example"),
        ("a @ b # c", "a @ b \\# c"),
        ("$x$", "\\$&#8203;x\\$"),
        ("\x1b[31m", "\\\\x1b\\[31m"),
        ("\u202eevil", "\\\\u202eevil"),
        ("x" * 2_000, "x" * 999 + "…"),
    ],
)
def test_a_text_of_a_file_mentions_nobody_links_nowhere_and_has_an_end(text: str, shown: str) -> None:
    assert markdown.escape(text) == shown
