"""What is taken in as JSON at all: each limit has one clear error."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reports.errors import ReportError
from reports.records import document
from reports.records.document import LARGEST_INTEGER, MOST_CHARACTERS, MOST_DEPTH, decode, read_document
from tests.builders import run_document

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values, st.sampled_from([None, 1]))
@example({'":': '":'}, None)
@example({"": {"": ""}}, 1)
def test_whatever_json_can_hold_is_read_as_python_reads_it(value: Any, indent: int | None) -> None:
    assert decode(json.dumps(value, indent=indent).encode(), "x") == value
    assert decode(json.dumps(value, indent=indent, ensure_ascii=False).encode(), "x") == value


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"a": [1, NaN]}', "a.1 is nan"),
        ('{"a": [1, {"b": -Infinity}]}', "a.1.b is -inf"),
        ('{"a": 1e400}', "a is inf"),
        (f'{{"a": {10**400}}}', "a is a whole number of 1329 bits"),
        (f"[{LARGEST_INTEGER + 1}]", "whole number of 64 bits"),
        (f"[{-LARGEST_INTEGER - 1}]", "whole number of 64 bits"),
        ("[" + "9" * 5_000 + "]", "4300 digits"),
        ('{"a": {"b": 1, "b": 2}}', "the key 'b' stands twice"),
        ('{"a": {"b" : 1, "b" :2}}', "the key 'b' stands twice"),
        ('{"a": ["x\\":y", {"b": 1, "b": 2}]}', "the key 'b' stands twice"),
        ('{"a": "\\ud800"}', "a is a text that is not Unicode"),
        ('{"\\udfff": 1}', "is a key that is not Unicode"),
        (json.dumps({"a": "x" * (MOST_CHARACTERS + 1)}), "a is a text of 100,001 characters"),
        (json.dumps({"é" * (MOST_CHARACTERS + 1): 1}), "is a key of 100,001 characters"),
        ("[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1), "nested more than 32 deep"),
        ('{"a":' * 300 + "1" + "}" * 300, "nested more than 32 deep"),
        ("[" * 100_000, "not complete JSON"),
        ("\ufeff{}", "not complete JSON"),
        ("", "not complete JSON"),
        ("[1] [2]", "not complete JSON"),
    ],
)
def test_what_no_run_file_holds_is_refused_in_one_line_that_names_the_place(content: str, says: str) -> None:
    with pytest.raises(ReportError, match=r"^x is ") as error:
        decode(content.encode(), "x")
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_what_lies_on_a_limit_is_read() -> None:
    deep = "[" * MOST_DEPTH + "]" * MOST_DEPTH
    for content in (f"[{LARGEST_INTEGER}, {-LARGEST_INTEGER}]", json.dumps("x" * MOST_CHARACTERS), deep):
        assert decode(content.encode(), "x") == json.loads(content)


def test_a_file_of_too_many_values_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MOST_VALUES", 10)
    assert decode(b"[1,2,3,4,5,6,7,8,9,10]", "x") == list(range(1, 11))
    with pytest.raises(ReportError, match="it holds 11 values, and at most 10 are read"):
        decode(b"[[1,2,3,4,5,6,7,8,9,10]]", "x")


def test_a_file_of_too_many_bytes_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    with path.open("wb") as file:
        file.truncate(document.MOST_BYTES + 1)  # a hole, which takes no room on the disk
    monkeypatch.setattr(document, "MOST_BYTES", 1_000)
    with pytest.raises(ReportError, match=r"run\.json has more than 1,000 bytes"):
        read_document(path)


def test_what_is_no_file_is_refused_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(ReportError, match="is a device, a pipe or a folder"):
            read_document(path)
    with pytest.raises(ReportError, match="cannot read"):
        read_document(tmp_path / "loop")
    with pytest.raises(ReportError, match="cannot read"):
        read_document(tmp_path / ("x" * 300))
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(Path(os.path.relpath(tmp_path)) / "socket"))
        with pytest.raises(ReportError, match="cannot read"):
            read_document(tmp_path / "socket")


VALID = json.dumps(run_document()).encode()


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_file_with_damaged_bytes_is_read_or_refused(data: st.DataObject) -> None:
    damaged = bytearray(VALID)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(damaged)))
        end = start + data.draw(st.integers(0, 40))
        damaged[start:end] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"NaN", b"1e999", b"[[[", b'"', b"\\u"])
        )
    try:
        decode(bytes(damaged), "x")
    except ReportError as error:
        assert "\n" not in str(error)
