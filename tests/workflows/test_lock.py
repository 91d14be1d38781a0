"""What the jobs that word and judge install: all that `reports` imports, with hashes, pinned as in the current lane."""

from __future__ import annotations

import re
import sys
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_boundaries import files, imported
from tests.workflows.runner import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
ASKED = re.findall(r"^([a-z0-9-]+)$", (ROOT / ".github" / "requirements.in").read_text(encoding="utf-8"), re.MULTILINE)
LOCK = (ROOT / ".github" / "requirements.txt").read_text(encoding="utf-8")
PINS = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK, re.MULTILINE))
LANE = dict(
    re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "lanes" / "current.txt").read_text(encoding="utf-8"), re.MULTILINE)
)


def test_setup_reports_installs_the_lock_and_nothing_without_a_hash() -> None:
    (command,) = re.findall(r"^setup-reports:.*\n\t.*\n\t(.*)$", MAKEFILE, re.MULTILINE)
    assert command.endswith("--require-hashes --only-binary :all: --requirement .github/requirements.txt")


def test_it_names_all_that_reports_import() -> None:
    brought = {"pydantic_core": "pydantic", "markupsafe": "jinja2"}
    roots = {name.split(".")[0] for path in files("reports") for name in imported(path)}
    needed = {brought.get(root, root) for root in roots}
    assert needed - set(sys.stdlib_module_names) - {"reports"} <= set(ASKED)


def test_it_pins_what_the_current_lane_pins() -> None:
    assert set(ASKED) <= set(PINS)
    assert {name: version for name, version in PINS.items() if LANE.get(name, version) != version} == {}


def test_it_pins_all_that_they_bring() -> None:
    brought = {
        canonicalize_name(wanted.name)
        for name in PINS
        for wanted in map(Requirement, metadata.requires(name) or [])
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""})
    }
    assert brought <= set(PINS)


def test_every_file_has_its_hash_and_no_index_is_named() -> None:
    pieces = re.split(r"^(?=[a-z0-9-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert [piece.partition("==")[0] for piece in pieces] == list(PINS)
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}\b", piece) for piece in pieces)
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted-host", LOCK)
