"""Text of a run file names people, issues, commits, advisories and pages; GitHub makes none of that of it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.records import runfile
from reports.records.model import schema_1_models
from reports.records.schema import RunFile
from reports.render import alert_annotations, alert_github, alerts, markdown
from reports.render.untrusted import for_annotation, for_markdown
from reports.verdicts.compare import compare
from reports.verdicts.verdict import Comparison
from tests.builders import run_document, run_of
from tests.counted import counted_cell
from tests.mutations import nodes, renamed

COMMIT = "0123456789abcdef0123456789abcdef01234567"

FORMS = {
    "a mention": (r"@\w", ["@octocat", "@org/team", "mail@evil.example"]),
    "an issue": (r"#\d", ["#1", "owner/repo#12", "fixes #3"]),
    "a numbered reference": (r"(?i)\b[a-z][a-z0-9]{0,2}-\d|\bproj-\d", ["GH-1", "gh-12", "PROJ-7", "AB1-2"]),
    "an advisory": (r"(?i)\bCVE-\d|\bGHSA-\w", ["CVE-2024-12345", "cve-1999-0001", "GHSA-jfh8-c2jp-5v3q", "ghsa-a-b"]),
    "a commit": (
        r"(?i)[0-9a-f]{7}",
        [COMMIT, COMMIT[:7], COMMIT[:11].upper(), f"owner/repo@{COMMIT}", f"{COMMIT}...{COMMIT}"],
    ),
    "an emoji": (r":[\w+-]+:", [":smile:", ":+1:", ":stuck_out_tongue:", ":100:", ":smile"]),
    "a link": (
        r"(?i)\w://|\bwww\.",
        ["https://evil.example/x", "HTTP://evil.example", "ftp://a.example", "www.evil.example"],
    ),
    "a formula": (r"\$(?!\u200b)\S+\$", ["$x$", "$$x$$", "$(x)$"]),
}
"""What GitHub would make of a text -> how it finds it in what is shown, and texts of that kind."""

TEXTS = [text for _, texts in FORMS.values() for text in texts]
AROUND = st.text(st.sampled_from("ab19 .,:;-_#@$/()&<\\*é"), max_size=6)


def shown(source: str) -> str:
    """What a reader sees of Markdown, without code, in which GitHub makes no references."""
    prose = re.sub(r"^```.*?^```$|^ {4,}.*?$|<!--.*?-->", "", source, flags=re.DOTALL | re.MULTILINE)
    return html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", prose))


def referenced(text: str) -> dict[str, str]:
    """What GitHub would make of a text that it shows, each with where."""
    found = {kind: re.search(pattern, text) for kind, (pattern, _) in FORMS.items()}
    return {kind: text[max(match.start() - 20, 0) : match.end() + 20] for kind, match in found.items() if match}


def readable(text: str) -> str:
    """Shown text as people read it: the breaks have no width."""
    return text.replace("\N{ZERO WIDTH SPACE}", "")


@pytest.mark.parametrize("kind", FORMS)
def test_the_forms_are_such_references(kind: str) -> None:
    pattern, texts = FORMS[kind]
    assert all(re.search(pattern, f"{text}: x") for text in texts)


@pytest.mark.parametrize("made", [lambda text: shown(for_markdown(text, 500)), lambda text: for_annotation(text, 500)])
@given(text=st.sampled_from(TEXTS), before=AROUND, after=AROUND)
@settings(max_examples=300, deadline=None)
def test_no_reference_is_left_of_a_text_that_stays_readable(
    made: Callable[[str], str], text: str, before: str, after: str
) -> None:
    found = made(before + text + after)
    assert referenced(found) == {}
    assert text in readable(found)


def hostile_runs(text: str) -> tuple[RunFile, RunFile, Comparison]:
    """A baseline and a run of more work all of whose texts are this one, and what comparing them came to."""
    base, head = (run_document([counted_cell(plant)], outcomes={"x": ("failed", "no")}, commit=COMMIT) for plant in
                  (None, {"semantic": {"kernel_launches": 100, "aten_calls": 100}}))  # fmt: skip
    for document in (base, head):
        document["suite"]["warnings"] = ["w"]
        document["suite"]["drill"] = "d"
        for holder, key in list(nodes(document)):
            if isinstance(holder[key], str) and key not in ("unit", "outcome", "environment", "id"):
                holder[key] = f"{holder[key]} {text}" if key == "cell" else text
        for described in document["suite"]["models"].values():
            for axis, original in zip(described["axes"], schema_1_models()["bark"]["axes"], strict=True):
                axis["name"] = original["name"]
        renamed(document, text, f"{text} axis")
        for benchmark in document["benchmarks"]:
            counters = benchmark["extra_info"]["counters"]
            for field in ("parts", "top", "steps", "scale"):
                counters[field] = {f"{text} {stage}": value for stage, value in counters[field].items()}
    head["machine_info"]["software"] = {text: "1", "torch": text}
    runs = [runfile.parse(document, "x") for document in (base, head)]
    comparison = compare(*runs, baseline=text)
    assert comparison.attributions
    return runs[0], runs[1], comparison


def hostile_alert(text: str) -> alerts.Alert:
    """The alert of such a run."""
    return alerts.alert(*hostile_runs(text), reviewed=False, untrusted=True)


@pytest.mark.parametrize("text", TEXTS)
def test_no_message_for_github_has_a_reference_of_a_run_file_s(text: str) -> None:
    alert = hostile_alert(text)
    written = alert_github.issue(alert, "report")
    for source in (alert_github.comment(alert, "report"), written["body"], alert_github.step_summary(alert)):
        told = shown(source)
        assert referenced(re.sub(f"{COMMIT}|{COMMIT[:12]}", "", told)) == {}, (
            source
        )  # what was measured may be followed
        assert text in readable(told)
    assert referenced(written["title"]) == {}
    told = re.sub(r"^::error title=(.*?)::", r"\1 ", alert_annotations.commands(alert), flags=re.MULTILINE)
    assert referenced(re.sub("%3A", ":", told)) == {}
    assert text in readable(told)


@pytest.mark.parametrize("text", TEXTS)
def test_no_report_has_a_reference_of_a_run_file_s(text: str) -> None:
    _, run, comparison = hostile_runs(text)
    for source in (markdown.report(run, comparison, text), markdown.report(run, None, text)):
        told = shown(source)
        assert referenced(re.sub(f"{COMMIT}|{COMMIT[:12]}", "", told)) == {}
        assert text in readable(told)


def test_the_commits_that_were_measured_are_linked() -> None:
    base, head = run_of(commit="fedcba0987654"), run_of(commit="1234567890abc")
    comparison = compare(base, head, baseline="base")
    told = shown(alert_github.comment(alerts.alert(base, head, comparison, reviewed=True), "report"))
    assert re.findall(r"[0-9a-f]{7,}", told) == ["1234567890ab", "fedcba098765"]
    assert "1234567890abc" in shown(markdown.report(head, comparison, "run.json"))
