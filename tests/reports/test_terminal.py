"""What reaches a terminal: as wide and as coloured as it can show, and never a code that a file smuggled in."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from reports.characters import Rendered, visible, visible_lines
from reports.commands.shared import say
from reports.render import tables, terminal
from reports.verdicts.compare import compare
from tests.builders import PLAIN, cell_document, run_of

SUSPICIOUS = "\x1b]0;title\x07\x1b[2J[red]x[/red]\x9b1m\u202e:smile:"


class Stream(io.StringIO):
    """A stream that is a terminal, or is not."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("is_terminal", "variables", "coloured"),
    [
        (True, {"TERM": "xterm"}, True),
        (True, {}, True),
        (False, {"TERM": "xterm"}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": ""}, False),
        (False, {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        (True, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colours_are_for_terminals_unless_the_environment_says_otherwise(
    is_terminal: bool, variables: Mapping[str, str], coloured: bool
) -> None:
    text = terminal.for_stream(Text("worse", style="red"), Stream(is_terminal), variables)
    assert text == ("\x1b[31mworse\x1b[0m" if coloured else "worse")


@pytest.mark.parametrize(("columns", "widest"), [("40", 40), ("80", 80), ("200", 200), ("7", 40), ("junk", 120)])
def test_a_text_is_as_wide_as_columns_says_and_no_wider(
    columns: str, widest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = terminal.for_stream(Text("word " * 200), Stream(False)).split("\n")
    assert widest - 5 <= max(map(len, lines)) <= widest


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_digit_is_lost_in_a_narrow_terminal(width: int) -> None:
    run = run_of(PLAIN, cell_document(PLAIN.replace("eager-fp32-resident", "sdpa-fp16-cpu_offload"), {"latency": 0.9}))
    text = terminal.to_text(terminal.study(tables.study_tables(run)), width=width, colour=False)
    assert max(map(len, text.split("\n"))) <= width
    for number in ("2.000", "0.900", "1,000.0", "0.5", "-55"):
        assert number in text


@pytest.mark.parametrize("colour", [True, False])
def test_escape_codes_and_markup_of_a_file_are_shown_and_not_carried_out(colour: bool) -> None:
    one = cell_document(PLAIN, {"peak_allocated": 2e9})
    one["extra_info"]["cell"] = one["extra_info"]["axes"]["attention"] = SUSPICIOUS
    run = run_of(one, software={"torch": SUSPICIOUS}, hardware="x")
    before = cell_document(PLAIN)
    before["extra_info"]["cell"] = before["extra_info"]["axes"]["attention"] = SUSPICIOUS
    comparison = compare(run_of(before), run, baseline=SUSPICIOUS)
    for part in (terminal.verdicts(comparison, [SUSPICIOUS]), terminal.study(tables.study_tables(run))):
        text = terminal.to_text(part, width=400, colour=colour)
        for code in ("\x1b]", "\x1b[2J", "\x9b", "\x07", "\u202e"):
            assert code not in text
        assert "\\x1b[2J[red]x[/red]\\x9b1m\\u202e:smile:" in text


def test_a_file_cannot_add_a_line_of_its_own_to_the_verdicts() -> None:
    cell = "x\npassed: no regression"
    head = run_of(PLAIN, outcomes={cell: ("failed", "a\r\nb")})
    text = terminal.to_text(terminal.verdicts(compare(run_of(PLAIN), head, baseline="b"), "r"), width=200, colour=False)
    assert "x\\npassed: no regression: failed: a\\r\\nb" in text


def test_verdicts_beyond_what_anybody_reads_are_counted() -> None:
    outcomes = {f"cell{place}": ("failed", "out of memory") for place in range(1_000)}
    comparison = compare(run_of(PLAIN), run_of(PLAIN, outcomes=outcomes), baseline="b")
    text = terminal.to_text(terminal.verdicts(comparison, "r"), width=200, colour=False)
    assert text.count("out of memory") == terminal.MOST_LINES
    assert "… 800 more lines: python -m reports compare --format json" in text


def test_what_a_command_says_is_shown_as_it_is_unless_it_was_rendered(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\x1b[2J\nb")
    say(Rendered("\x1b[31mworse\x1b[0m"))
    assert capsys.readouterr().out == "a\\x1b[2J\nb\n\x1b[31mworse\x1b[0m\n"


@given(st.text())
def test_visible_text_is_one_line_and_shown_twice_looks_the_same(text: str) -> None:
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert visible(shown) == shown
    assert visible_lines(text).count("\n") == text.count("\n")
    shown.encode()


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"))))
def test_text_that_can_be_seen_stays_as_it_is(text: str) -> None:
    assert visible(text) == text
