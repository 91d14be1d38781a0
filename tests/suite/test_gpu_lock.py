"""`--gpu-wait`: one run a card, and what is done about others that compute on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.machine.lock import Patience, hold
from tests.suite.conftest import SMALLEST, Suite

CARD = "GPU-aa-1"
ON_CARD = ["--device=auto", "--level=smoke", "-k", SMALLEST]


@pytest.fixture
def card(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "locks").mkdir()
    return {"FAKE_CARD": CARD, "BARK_BENCHMARKS_LOCKS": str(tmp_path / "locks")}


def locks(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "locks").iterdir()]


def test_a_card_that_another_run_holds_stops_the_run_and_leaves_its_files_alone(
    suite: Suite, card: dict[str, str], tmp_path: Path
) -> None:
    running = tmp_path / "latest" / "run.json"
    running.parent.mkdir()
    running.write_text("of the other run")
    with hold(CARD, Patience(0.0, lambda what, left_s: None), print, tmp_path / "locks"):
        ended = suite(*ON_CARD, "--gpu-wait=0", "--benchmark-compare", environment=card)
    assert ended.code == 4
    assert ended.output.count("the GPU is busy, another run of this suite uses it (process ") == 1
    assert "--gpu-wait=SECONDS" in ended.output
    assert "Traceback" not in ended.output
    assert running.read_text() == "of the other run"


def test_a_free_card_is_measured_and_free_again(suite: Suite, card: dict[str, str], tmp_path: Path) -> None:
    ended = suite(*ON_CARD, "--gpu-wait=0", environment=card)
    assert ended.code == 0, ended.output
    assert ended.run.suite.warnings == []
    assert locks(tmp_path) == [f"bark-benchmarks-{CARD}.lock"]
    with hold(CARD, Patience(0.0, lambda what, left_s: None), print, tmp_path / "locks"):
        pass


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--gpu-wait=0"], 4)])
def test_another_process_gives_a_warning_unless_the_run_is_to_wait(
    options: list[str], code: int, suite: Suite, card: dict[str, str]
) -> None:
    ended = suite(*ON_CARD, *options, environment=card | {"FAKE_PROCESS": "train.py"})
    assert ended.code == code, ended.output
    assert "shared with train.py (process 7, 20,100 MB)" in ended.output
    if code == 0:
        assert ended.run.suite.warnings == [
            "the GPU is shared with train.py (process 7, 20,100 MB): wall times will be noisy, memory may run out"
        ]


def test_a_listing_takes_no_lock_and_neither_does_the_cpu(suite: Suite, card: dict[str, str], tmp_path: Path) -> None:
    assert suite(*ON_CARD, "--collect-only", "-q", environment=card).code == 0
    assert suite(*ON_CARD, "--device=cpu", environment=card).code == 0
    assert locks(tmp_path) == []
