"""A pytest plugin for tests of several workers on a machine without a GPU: it has as many devices as FAKE_DEVICES says,
with UUIDs that begin with FAKE_CARD.

Loaded with `-p tests.two_workers`, by the controller and by its workers.
"""

from __future__ import annotations

import os

from fixtures.machine import workers
from fixtures.machine.workers import Device, Worker

CORES = [100, 101, 102, 103, 104, 105, 106, 107]
"""Of the made-up host; no process is ever bound to them."""


def _bind(worker: Worker) -> None:
    assert set(worker.cores) <= set(CORES)
    os.environ["FAKE_PLACE"] = f"card {worker.place}"


# At import: the number of workers is asked for before plugins are configured.
NUMBER, CARD = int(os.environ.get("FAKE_DEVICES", "2")), os.environ.get("FAKE_CARD")
DEVICES = [Device("CPU", uuid=f"{CARD}-{place}" if CARD else None) for place in range(NUMBER)]
vars(workers).update(
    devices=lambda device="auto": DEVICES,
    usable_cores=lambda: CORES,
    in_order_of_siblings=lambda cores: (sorted(cores), 1),
    bind=_bind,
)
