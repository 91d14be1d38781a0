from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.characters import short
from reports.render import fitting
from reports.render.untrusted import for_command, for_markdown, for_property, for_slack, plain

HOSTILE = (
    "@maintainer look at #12 and GH-12 and owner/bark#3 <!-- x --> <img src=x> ![a](http://evil.example/x) "
    "https://evil.example www.evil.example [click](https://evil.example) `code` $x$ "
    "| a\r\n::error::owned\x1b[31m\u202etxt"
)


def test_hostile_text_mentions_links_formats_and_hides_nothing_in_markdown() -> None:
    shown = for_markdown(HOSTILE, 1000)
    for active in ("@maintainer", "#12", "GH-12", "#3", "<", "https://", "http://", "www.", "\n", "$x", "\x1b"):
        assert active not in shown, active
    assert "@&#8203;maintainer" in shown
    assert "\u202e" not in shown
    assert all(shown[place - 1] == "\\" for place, c in enumerate(shown) if c in "`|[]*_<")


def test_slack_mentions_are_escaped() -> None:
    assert for_slack("<!channel> & <@U1>", 100) == "&lt;!channel&gt; &amp; &lt;@U1&gt;"


def test_a_workflow_command_cannot_be_ended_by_its_text() -> None:
    assert for_command("50%\r\n::set-output") == "50%25%0D%0A::set-output"
    assert for_property("a:b,c%\n") == "a%3Ab%2Cc%25%0A"


@pytest.mark.parametrize("escaped", [plain, for_markdown, for_slack])
@given(text=st.text(), limit=st.integers(min_value=20, max_value=60))
def test_text_is_cut_to_one_line_within_its_limit(escaped: object, text: str, limit: int) -> None:
    assert callable(escaped)
    shown = escaped(text, limit)
    assert len(shown) <= limit
    assert "\n" not in shown
    assert "\r" not in shown


@given(st.text(alphabet="&<>@#", min_size=200))
def test_no_escape_is_cut_in_two(text: str) -> None:
    for shown in (for_markdown(text, 50), for_slack(text, 50)):
        assert "&" not in shown.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
        assert shown.endswith("…")


SHOWN = r"a \x1b[2J \u202e \U0001f600 \n \\ \| \* &amp; &#8203; &lt; b"
STANDS_FOR_ONE = ("\\x1b", "\\u202e", "\\U0001f600", "\\n", "\\\\", "\\|", "\\*", "&amp;", "&#8203;", "&lt;")


@given(st.text(st.characters(categories=("L", "N"))), st.integers(min_value=1, max_value=60))
def test_what_stands_for_a_character_is_never_cut_in_two(around: str, most: int) -> None:
    text = around + SHOWN
    for cut in (short(text, most), plain(text, most), fitting.cut(text * 9, 200 + most)):
        left = cut
        for one in STANDS_FOR_ONE:
            left = left.replace(one, "")
        assert "\\" not in left
        assert "&" not in left


def test_a_text_is_cut_as_late_as_it_can_be() -> None:
    assert [short(r"ab\x1bcd", most) for most in range(3, 9)] == ["ab…", "ab…", "ab…", "ab…", r"ab\x1b…", r"ab\x1bcd"]


def test_short_text_is_shown_whole() -> None:
    assert plain("tiny-eager", 10) == "tiny-eager"
    assert plain("tiny-eager", 9) == "tiny-eag…"
