"""Who else computes on the cards that a session takes."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from benchmarks.plugin import card
from benchmarks.plugin.progress import ProgressLine
from fixtures.errors import SuiteError
from fixtures.machine import lock as exclusive
from fixtures.machine.gpus import Process

BUSY = {"GPU-b": [Process(7, "train", 20_000_000_000)]}
PROGRESS = ProgressLine(lambda text: None, live=False, width=80, total=1)


@pytest.fixture(autouse=True)
def _cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "other_processes", lambda uuid=None: BUSY.get(uuid, []))
    monkeypatch.setattr(exclusive, "hold", lambda *_: nullcontext())


def test_others_are_looked_for_on_every_card_and_the_card_is_named() -> None:
    said: list[str] = []
    card.take(None, PROGRESS, said.append, ["GPU-a", "GPU-b"]).close()
    (line,) = said
    assert line.startswith("the GPU is shared with train (process 7, 20,000 MB) on GPU-b: ")


def test_a_run_that_waits_waits_for_every_card() -> None:
    with pytest.raises(SuiteError, match=r"shared with train .* on GPU-b, and there was to be no wait"):
        card.take(0.0, PROGRESS, lambda line: None, ["GPU-a", "GPU-b"])
