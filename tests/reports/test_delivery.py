"""Comment, issue and webhook, against a stand-in for the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from reports.delivery import comment, issue, web
from reports.delivery.github import GitHub, connect
from reports.delivery.webhook import VARIABLE, deliver
from reports.errors import ReportError
from tests.fake_github import BOT, TOKEN, FakeGitHub, serving

MARKED = "<!-- bark-benchmarks:gpu-pr -->\nthe message\n"
FAILING = "<!-- bark-benchmarks:issue:failing -->\n# Bark: 1 worse (nvidia\\_h200 &lt;x)\n\nwhat\n"
RECOVERED = "<!-- bark-benchmarks:issue:recovered -->\n# Bark: no regression\n\nnothing\n"


@pytest.fixture
def server() -> Iterator[FakeGitHub]:
    with serving(FakeGitHub()) as running:
        yield running


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def github(server: FakeGitHub, waits: list[float]) -> GitHub:
    return connect(server.environment, waits.append)


def by(author: str, body: str, number: int = 1) -> dict[str, Any]:
    return {"id": number, "user": {"login": author}, "body": body}


def test_the_first_comment_is_written_and_the_next_replaces_it(server: FakeGitHub, github: GitHub) -> None:
    assert comment.upsert(github, 7, MARKED) == "wrote a comment on #7"
    changed = MARKED.replace("the message", "another")
    assert comment.upsert(github, 7, changed) == "updated the comment on #7"
    assert [(row["body"], row["on"]) for row in server.comments] == [(changed, 7)]


def test_only_the_authors_own_comment_with_the_same_marker_is_replaced(server: FakeGitHub, github: GitHub) -> None:
    server.comments = [
        by("somebody", MARKED, 1),
        by(BOT, "<!-- bark-benchmarks:other -->\n", 2),
        by(BOT, f"quoted:\n{MARKED}", 3),
        {"id": 4, "user": None, "body": None},
    ]
    comment.upsert(github, 7, MARKED)
    assert server.written() == [("POST", "/repos/owner/bark/issues/7/comments")]


def test_the_comment_is_found_on_a_later_page(server: FakeGitHub, github: GitHub) -> None:
    server.comments = [by("somebody", "hello", number) for number in range(250)] + [by(BOT, MARKED, 999)]
    comment.upsert(github, 7, MARKED)
    assert server.written() == [("PATCH", "/repos/owner/bark/issues/comments/999")]


def test_a_comment_that_was_deleted_meanwhile_is_written_anew(server: FakeGitHub, github: GitHub) -> None:
    server.first = [(200, {}, [by(BOT, MARKED)]), (404, {}, {"message": "Not Found"})]
    assert comment.upsert(github, 7, MARKED) == "wrote a comment on #7"


@pytest.mark.parametrize("body", ["no marker", "<!-- other -->\n", MARKED + "x" * 65_536])
def test_a_message_that_could_not_be_found_again_or_is_too_long_is_not_sent(body: str, github: GitHub) -> None:
    with pytest.raises(ReportError, match=r"marker|characters"):
        comment.upsert(github, 7, body)


def test_an_issue_is_opened_updated_and_closed(server: FakeGitHub, github: GitHub) -> None:
    failing, recovered = issue.parse(FAILING), issue.parse(RECOVERED)
    assert failing.title == "Bark: 1 worse (nvidia_h200 <x)"
    assert issue.upsert(github, [recovered, failing]) == "opened #1"
    assert server.issues[0]["labels"] == [issue.LABEL]
    assert server.issues[0]["body"].startswith(f"{issue.MARKER}\n\n{failing.text}\n\n{recovered.text}")
    assert issue.upsert(github, [failing, failing]) == "updated #1"
    assert server.issues[0]["title"].endswith("and 1 more")
    assert issue.upsert(github, [recovered, recovered]) == "closed #1"
    assert (server.issues[0]["state"], server.issues[0]["state_reason"]) == ("closed", "completed")
    assert "nothing" in server.comments[0]["body"]
    assert issue.upsert(github, [recovered]) == "no issue is open: nothing to close"
    assert issue.upsert(github, [failing]) == "opened #2"


def test_an_issue_of_another_author_or_without_the_marker_is_left_alone(server: FakeGitHub, github: GitHub) -> None:
    ours = {"state": "open", "body": f"{issue.MARKER}\n", "user": {"login": BOT}}
    server.issues = [
        {**ours, "number": 1, "user": {"login": "somebody"}},
        {**ours, "number": 2, "body": f"see {issue.MARKER}"},
        {**ours, "number": 3, "pull_request": {}},
    ]
    assert issue.upsert(github, [issue.parse(RECOVERED)]) == "no issue is open: nothing to close"
    assert issue.upsert(github, [issue.parse(FAILING)]) == "opened #4"


def test_the_state_can_be_given(server: FakeGitHub, github: GitHub) -> None:
    issue.upsert(github, [issue.parse(FAILING)])
    assert issue.upsert(github, [issue.parse(FAILING)], "recovered") == "closed #1"


@pytest.mark.parametrize("body", [MARKED, "<!-- bark-benchmarks:issue:failing -->\nno heading", "x"])
def test_a_message_that_is_not_one_of_an_issue_is_refused(body: str) -> None:
    with pytest.raises(ReportError, match=r"issue|marker"):
        issue.parse(body)


def test_messages_that_are_too_long_together_name_the_length_to_write_them_with(github: GitHub) -> None:
    long = issue.parse(FAILING + "x" * 40_000)
    with pytest.raises(ReportError, match="--length, such as 32268"):
        issue.upsert(github, [long, long])


@pytest.mark.parametrize(
    ("status", "headers", "waited"),
    [
        (429, {"Retry-After": "3"}, [3.0]),
        (403, {"Retry-After": "0"}, [0.0]),
        (403, {"X-RateLimit-Remaining": "0"}, [2.0]),
        (502, {}, [2.0]),
    ],
)
def test_a_busy_server_is_asked_again_when_it_says(
    status: int, headers: dict[str, str], waited: list[float], server: FakeGitHub, github: GitHub, waits: list[float]
) -> None:
    server.first = [(status, headers, {"message": "later"})]
    assert comment.upsert(github, 7, MARKED) == "wrote a comment on #7"
    assert waits == waited


def test_a_server_that_wants_a_long_wait_is_not_asked_again(
    server: FakeGitHub, github: GitHub, waits: list[float]
) -> None:
    server.first = [(429, {"Retry-After": "3600"}, {"message": "API rate limit exceeded"})]
    with pytest.raises(ReportError, match="429 to GET issues/7/comments: API rate limit exceeded; repeat it later"):
        comment.upsert(github, 7, MARKED)
    assert waits == []


def test_a_server_that_stays_broken_is_given_up(server: FakeGitHub, github: GitHub, waits: list[float]) -> None:
    server.first = [(500, {}, b"<html>")] * 3
    with pytest.raises(ReportError, match="answered 500"):
        comment.upsert(github, 7, MARKED)
    assert len(server.requests) == web.TRIES
    assert len(waits) == web.TRIES - 1


def test_what_may_have_been_written_is_not_written_twice(server: FakeGitHub, github: GitHub) -> None:
    server.first = [(200, {}, []), (502, {}, {"message": "Bad gateway"})]
    with pytest.raises(ReportError, match="502"):
        comment.upsert(github, 7, MARKED)
    assert len(server.written()) == 1


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "GITHUB_TOKEN"), (403, "permissions"), (404, "GITHUB_REPOSITORY"), (422, "nothing was")]
)
def test_a_refusal_says_what_to_do_and_keeps_the_token(
    status: int, hint: str, server: FakeGitHub, github: GitHub
) -> None:
    server.first = [(status, {}, {"message": "no\n::error::" + "x" * 5000})]
    with pytest.raises(ReportError) as refused:
        comment.upsert(github, 7, MARKED)
    assert hint in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 500
    assert TOKEN not in str(refused.value) + repr(github)


@pytest.mark.parametrize("answer", [b"not json", {"message": "a list was wanted"}, b"[" * 100_000])
def test_a_hostile_answer_is_an_error_in_one_line(answer: object, server: FakeGitHub, github: GitHub) -> None:
    server.first = [(200, {}, answer)]
    with pytest.raises(ReportError, match="is no list"):
        comment.upsert(github, 7, MARKED)


def test_a_list_without_an_end_is_given_up(server: FakeGitHub, github: GitHub) -> None:
    server.first = [(200, {}, [{}] * 100)] * 60
    with pytest.raises(ReportError, match="more than 5000 rows"):
        comment.upsert(github, 7, MARKED)


def test_an_answer_that_is_too_large_is_not_read(server: FakeGitHub) -> None:
    server.first = [(200, {}, b"x" * 1001)]
    with pytest.raises(ReportError, match="more than 1,000 bytes"):
        web.send("GET", server.url, name="it", largest=1000)


def test_a_redirect_is_not_followed_with_the_token(server: FakeGitHub, github: GitHub) -> None:
    server.first = [(302, {"Location": f"{server.url}/storage"}, {})]
    with pytest.raises(ReportError, match="answered 302"):
        github.get("pulls/1")
    assert [request.path for request in server.requests] == ["/repos/owner/bark/pulls/1"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"GITHUB_TOKEN": ""}, "GITHUB_TOKEN is not set"),
        ({"GITHUB_TOKEN": "a\r\nX-Evil: 1"}, "GITHUB_TOKEN is not set"),
        ({"GITHUB_REPOSITORY": "owner"}, "GITHUB_REPOSITORY is not OWNER/NAME"),
        ({"GITHUB_REPOSITORY": "owner/.."}, "GITHUB_REPOSITORY is not OWNER/NAME"),
        ({"GITHUB_API_URL": "http://api.example.org"}, "GITHUB_API_URL is not a URL to send to"),
        ({"GITHUB_API_URL": "https://a@api.example.org"}, "GITHUB_API_URL is not a URL to send to"),
        ({"GITHUB_API_URL": "file:///etc/passwd"}, "GITHUB_API_URL is not a URL to send to"),
        ({"GITHUB_API_URL": "https://[x"}, "GITHUB_API_URL is not a URL to send to"),
    ],
)
def test_an_environment_that_cannot_be_used_is_named(change: dict[str, str], says: str, server: FakeGitHub) -> None:
    with pytest.raises(ReportError, match=says):
        connect(server.environment | change)


def test_a_webhook_is_told_where_one_is_configured(server: FakeGitHub) -> None:
    server.first = [(200, {}, b"ok")]
    assert deliver({"text": "x"}, {VARIABLE: f"{server.url}/hook"}) == "the webhook was told"
    assert [(r.method, r.path, r.body) for r in server.requests] == [("POST", "/hook", {"text": "x"})]


def test_without_a_webhook_nothing_is_sent_and_it_says_so() -> None:
    assert deliver({}, {}) == f"no webhook is configured ({VARIABLE} is not set): nothing was sent"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/secret",
        "https://localhost:1/secret",
        "http://127.0.0.1:1/secret",
        "https://x:99999/secret",
        "secret",
        "http://127.0.0.1:1/a secret\r\nX: y",
    ],
)
def test_a_webhook_that_cannot_be_reached_is_a_warning_without_its_address(url: str) -> None:
    said = deliver({"text": "x"}, {VARIABLE: url})
    assert said.startswith("warning: the webhook was not told: ")
    assert "secret" not in said
    assert "\n" not in said


@pytest.mark.parametrize(("status", "headers"), [(404, {}), (500, {}), (302, {"Location": "http://evil.example"})])
def test_a_webhook_that_refuses_is_a_warning(status: int, headers: dict[str, str], server: FakeGitHub) -> None:
    server.first = [(status, headers, json.dumps({"error": "secret"}).encode())]
    said = deliver({"text": "x"}, {VARIABLE: f"{server.url}/secret"})
    assert said == f"warning: the webhook was not told: it answered {status}; check the URL in {VARIABLE}"
    assert len(server.requests) == 1
