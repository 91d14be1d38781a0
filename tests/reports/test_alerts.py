from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from reports.errors import ReportError
from reports.records.schema import RunFile
from reports.render import alert_annotations, alert_github, alert_webhook, alerts, reproduce
from reports.render.alerts import Alert
from reports.verdicts.compare import compare
from tests.builders import FUSED, PLAIN, SOFTWARE, cell_document, run_of
from tests.counted import counted_cell
from tests.reports.test_untrusted import HOSTILE

SHA = "0123456789abcdef0123456789abcdef01234567"


def alert_of(head: RunFile, base: RunFile | None = None, **options: Any) -> Alert:
    base = base or run_of(commit="fedcba9")
    options = {"reviewed": False, **options}
    return alerts.alert(base, head, compare(base, head, baseline="base.json"), **options)


@pytest.fixture
def worse() -> RunFile:
    slower = cell_document(FUSED, {"peak_allocated": 2e9})
    return run_of(PLAIN, slower, commit=SHA, software={**SOFTWARE, "torch": "2.12.0"})


def matrix(size: int, name: str = "cell") -> tuple[RunFile, RunFile]:
    """Base and head of many cells: half of them worse, half better."""
    cells = [f"small-{name}{number}-fp32-resident-dynamic-batch1" for number in range(size)]
    heads = [cell_document(cell, {"peak_allocated": 1e9 * (2 if n % 2 else 0.5)}) for n, cell in enumerate(cells)]
    return run_of(*cells), run_of(*heads)


def test_a_comment_says_what_got_worse_why_what_changed_and_how_to_measure_it_again(worse: RunFile) -> None:
    text = alert_github.comment(alert_of(worse, report_url="https://example.org/report"), "gpu-pr")
    assert text.startswith("<!-- bark-benchmarks:gpu-pr -->\n# Bark benchmarks: 1 worse in 1 cell (nvidia-h200, ")
    assert f"| {FUSED} | peak\\_allocated | worse | 1,000.0 MB | 2,000.0 MB | +100.00% against a threshold" in text
    assert "Changed since the baseline: torch 2.11.0 -\\> 2.12.0" in text
    assert "Commit 0123456789ab, measured 2026-01-01T00:00, against commit fedcba9, measured" in text
    assert "[The whole report](https://example.org/report)" in text
    assert f"make measure LANE=current ARGS=\"--level=pr --checkpoint-source=synthetic -k '{FUSED}'" in text


def test_the_sentence_of_the_attribution_is_in_every_format() -> None:
    base, head = run_of(counted_cell()), run_of(counted_cell({"semantic": {"host_syncs": 16}}))
    alert = alert_of(head, base)
    assert alert.why, "the planted launches are attributed"
    (sentence,) = (why.sentence for why in alert.why)
    assert "semantic" in sentence
    for text in (
        alert_github.comment(alert, "x"),
        alert_github.issue(alert, "x")["body"],
        alert_github.step_summary(alert),
        alert_annotations.commands(alert),
        str(alert_webhook.message(alert)),
    ):
        assert sentence[:20] in text


def test_a_run_without_a_regression_says_so() -> None:
    alert = alert_of(run_of())
    assert not alert.failed
    assert alert.title == "Bark benchmarks: no regression (nvidia-h200, current lane, pr)"
    assert alert_annotations.commands(alert).startswith("::notice title=Bark benchmarks%3A no regression")
    assert alert_github.issue(alert, "x")["state"] == "closed"


def test_nothing_compared_is_an_error() -> None:
    base = run_of(PLAIN)
    head = run_of(FUSED, outcomes={PLAIN: ("not asked for", "")})
    alert = alert_of(head, base)
    assert alert.failed
    assert "nothing was compared" in alert.title
    assert alert_annotations.commands(alert).startswith("::error title=")


def test_a_drill_and_numbers_that_nobody_vouches_for_are_marked() -> None:
    alert = alert_of(run_of(drill="memory=+64MiB"), untrusted=True)
    text = alert_github.comment(alert, "x")
    assert "> Drill: memory=+64MiB was planted in every cell." in text
    assert f"> {alerts.CLAIM}" in text


def test_what_fails_comes_first_and_the_rest_is_folded() -> None:
    base, head = matrix(6)
    text = alert_github.comment(alert_of(head, base), "x")
    failing, folded = text.split("<details>")
    assert [status for _, status in re.findall(r"\| (\S+) \| peak\\_allocated \| (\w+)", failing)] == ["worse"] * 3
    assert "<summary>3 more that moved or may have moved</summary>" in folded
    assert folded.count("| better |") == 3


@pytest.mark.parametrize(
    ("size", "name", "limit"), [(1200, "c", 65_000), (300, "x" * 200, 20_000), (4, "&@<" * 90, 20_000)]
)
def test_a_message_is_never_too_long_and_counts_what_it_leaves_out(size: int, name: str, limit: int) -> None:
    base, head = matrix(size, name)
    alert = alert_of(head, base)
    for text in (alert_github.comment(alert, "x", limit), alert_github.issue(alert, "x", limit)["body"]):
        assert len(text) <= limit
        failing, folded = text.split("<details>")
        left_out = re.findall(r"(\d+) more failing verdicts are not shown", failing)
        assert failing.count("| worse |") + sum(map(int, left_out)) == size // 2
        left_out = re.findall(r"(\d+) more verdicts are not shown", folded)
        assert folded.count("| better |") + sum(map(int, left_out)) == size // 2
        assert folded.count("</details>") == 1


def test_the_shortest_message_holds_whatever_a_run_file_says() -> None:
    loud = {f"package{number}" + "&" * 500: "1" for number in range(300)}
    head = run_of(
        *(cell_document(PLAIN, {"peak_allocated": 2e9}),), software=loud, datetime="&" * 1000, lane="&" * 1000
    )
    base = run_of(PLAIN, commit="&" * 9000)
    alert = alert_of(head, base, report_url="https://example.org/" + "x" * 1900)
    assert len(alert_github.comment(alert, "x", 20_000)) <= 20_000


def test_hostile_names_ping_nobody_in_any_format() -> None:
    hostile = HOSTILE.replace("-", "") + "-eager-fp32-resident-dynamic-batch1"
    base = run_of(PLAIN, hostile)
    head = run_of(PLAIN, cell_document(hostile, {"peak_allocated": 2e9}), software={**SOFTWARE, "torch": HOSTILE})
    alert = alert_of(head, base)
    comment = alert_github.comment(alert, "x")
    for active in ("@maintainer", "#12", "https://", "<img", "\x1b", "\u202e"):
        assert active not in comment.removeprefix("<!-- bark-benchmarks:x -->"), active
    annotations = alert_annotations.commands(alert)
    assert len(annotations.splitlines()) == 1
    assert "<!" not in str(alert_webhook.message(alert))


def test_annotations_are_as_many_as_github_shows() -> None:
    base, head = matrix(60)
    lines = alert_annotations.commands(alert_of(head, base)).splitlines()
    assert len(lines) == 10
    assert all(line.startswith("::error title=") for line in lines)
    assert "21 more cells fail" in lines[-1]


def test_a_slack_message_stays_within_slacks_limits() -> None:
    base, head = matrix(400, "&<" * 200)
    message = alert_webhook.message(alert_of(head, base, report_url="https://example.org/?a=1&b=2"))
    blocks = message["blocks"]
    assert len(blocks) <= 50
    assert len(blocks[0]["text"]["text"]) <= 150
    sections = [block["text"] for block in blocks[1:]]
    assert all(0 < len(text["text"]) <= 3000 and text["verbatim"] for text in sections)
    assert sections[-1]["text"] == "<https://example.org/?a=1&amp;b=2|The whole report>"
    assert "188 more failing verdicts" in str(blocks)


def long_commands() -> Alert:
    cells = [f"c{number}{'x' * 36}-{'y' * 12}-fp32-resident-dynamic-batch1" for number in range(reproduce.CELLS)]
    heads = [cell_document(cell, {"peak_allocated": 2e9}) for cell in cells]
    return alert_of(run_of(*heads, commit=SHA), run_of(*cells, commit=SHA[::-1]), report_url="https://example.org/r")


def test_a_command_is_never_cut_in_any_format() -> None:
    alert = long_commands()
    assert max(map(len, alert.commands)) > 500
    texts = [section["text"]["text"] for section in alert_webhook.message(alert)["blocks"]]
    for text in (alert_github.comment(alert, "x"), alert_github.step_summary(alert), "\n".join(texts)):
        assert all(command in text for command in alert.commands)
    assert all(len(text) <= 3_000 for text in texts)


@pytest.mark.parametrize(
    ("url", "pointer"),
    [
        ("https://example.org/r", "see <https://example.org/r|the whole report>"),
        ("", "`python -m reports alert RUN.json --baseline BASE.json` prints them"),
    ],
)
def test_commands_that_do_not_fit_are_left_out_with_a_word_on_where_they_are(url: str, pointer: str) -> None:
    commands = ("git switch --detach " + SHA, "make bench ARGS='" + "z" * 3_000 + "'")
    alert = replace(long_commands(), commands=commands, report_url=url)
    texts = [section["text"]["text"] for section in alert_webhook.message(alert)["blocks"]]
    assert not any("git switch" in text or "zzz" in text for text in texts)
    assert [text for text in texts if pointer in text] == [
        f"The commands to measure it again are too long for this message: {pointer}."
    ]
    assert all(command in alert_github.comment(alert, "k") for command in commands)


def test_an_address_too_long_for_a_section_is_left_out_of_a_slack_message() -> None:
    address = "https://example.org/?" + "&" * 1_900
    blocks = alert_webhook.message(replace(long_commands(), report_url=address))["blocks"]
    assert not any("example.org" in block["text"]["text"] for block in blocks)


NOT_LINKED = (
    "http://example.org",
    "javascript:alert(1)",
    "https://a@b.example",
    "https://e.example/)x",
    "https://e.example/ x",
    "https://",
)


@pytest.mark.parametrize("url", NOT_LINKED)
def test_only_an_https_address_is_linked(url: str, worse: RunFile) -> None:
    with pytest.raises(ReportError, match="cannot be linked to"):
        alert_of(worse, report_url=url)


def test_a_run_against_a_committed_baseline_is_reproduced_by_make_bench(worse: RunFile) -> None:
    commands = alert_of(worse, reviewed=True).commands
    assert commands[0] == f"git switch --detach {SHA}"
    assert commands[1].startswith('make bench LANE=current ARGS="--level=pr')


def test_a_run_against_another_measures_both(worse: RunFile) -> None:
    commands = alert_of(worse).commands
    assert [command.split()[0] for command in commands] == ["git", "make", "git", "make", "python"]
    assert commands[-1] == "python -m reports compare reports/latest/base/run.json reports/latest/head/run.json"


def test_the_drill_is_planted_again_but_not_in_the_base() -> None:
    _, base, head, _ = alert_of(run_of(drill="memory=+64MiB", overrides={"rounds": 2.0})).commands
    assert "--rounds=2" in base
    assert "--drill" not in base
    assert '--rounds=2 --checkpoint-source=synthetic --drill=memory=+64MiB --report-dir=reports/latest/head"' in head


def test_many_failing_cells_are_measured_with_all_others() -> None:
    base, head = matrix(2 * reproduce.CELLS + 2)
    assert not any("-k" in command for command in alert_of(head, base).commands)
