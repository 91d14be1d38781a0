"""A stand-in for `fixtures.pairs.worker`: the same protocol and process, but what it measures is made up.

The environment variable FAKE_SIDES holds JSON: `head` and `base` (whichever this process is) -> what to do.
`step`: seconds of a decoding step; `noise`: its spread, the same in each launch; `metrics`: cell metrics in place of
the usual; `environment`: software; `at`: request (`start`, `ready`, `measure`, `load`, `round`, `release`, or one of
them with a number, as `round 3`) -> what happens there (see `misbehave`); `runs`: the cells that it can run on the CPU.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from fixtures.errors import OutOfMemoryError, SuiteError
from fixtures.pairs import worker as pair_worker
from fixtures.pairs.protocol import Order

SIDES: dict[str, Any] = json.loads(os.environ.get("FAKE_SIDES", "{}"))


class FakeSide:
    """Made-up seconds. The head's workers get the run's PYTHONPATH, the base's do not."""

    def __init__(self, role: str = "head" if "PYTHONPATH" in os.environ else "base", wanted: Any = None) -> None:
        self.role = role
        self.wanted: dict[str, Any] = SIDES.get(role, {}) if wanted is None else wanted
        self.asked: Counter[str] = Counter()
        self.random = random.Random(self.role)

    def describe(self) -> dict[str, Any]:
        self.misbehave("ready")
        software = self.wanted.get("environment", {"torch": "2.13.0"})
        host = {"cpu_model": "made up", "cpu_count": 2, "torch_threads": 2}
        gpu = {"model": os.environ["FAKE_GPU"]} if "FAKE_GPU" in os.environ else None
        plan = (
            {"runs": {"cpu": self.wanted["runs"]}, "levels": {"smoke": self.wanted["runs"]}}
            if "runs" in self.wanted
            else {}
        )
        return {"lane": "current", "environment": {"gpu": gpu, "host": host, "software": software}, **plan}

    def measure(self, order: Order, report: pair_worker.Report) -> dict[str, Any]:
        report({"phase": "made up"})
        self.misbehave("measure")
        from fixtures.models.bark.model import MODEL  # half of a start's time, which workers that time pairs save
        from tests.builders import cell_document
        from tests.lanes import MATRIX

        cell = MATRIX[order.cell]
        values: dict[str, float] = {"peak_allocated": 60_000_000 if cell.name("precision") == "fp32" else 32_000_000}
        values |= {"weights": 38_000_000, "latency": 0.125, **self.wanted.get("metrics", {})}
        made = cell_document(order.cell, values, steps=[[self.step()] * order.rounds])["extra_info"]
        for name in ("throughput", "load"):
            made["metrics"].pop(name)
        workload = MODEL.workload(cell, "synthetic", order.tokens)
        stages = {name: {"metrics": {}, "tokens": work.produced} for name, work in workload.work.stages.items()}
        record = made | {"workload": workload.record(), "stages": stages}
        for name in ("schema_version", "environment"):
            record.pop(name)
        return {"record": record, "rounds_s": [values["latency"]] * order.rounds}

    def load(self, order: Order, report: pair_worker.Report) -> dict[str, Any]:
        self.misbehave("load", order.drill)
        print("a library greets on standard output", flush=True)  # noqa: T201
        return {}

    def round(self) -> dict[str, Any]:
        self.misbehave("round")
        step = self.step() * (1 + self.random.uniform(0, self.wanted.get("noise", 0)))
        return {"latency_s": step * 100, "step_p10_s": step}

    def release(self) -> dict[str, Any]:
        self.misbehave("release")
        return {}

    def step(self) -> float:
        return float(self.wanted.get("step", 0.00125))

    def misbehave(self, what: str, detail: str = "") -> None:
        self.asked[what] += 1
        wanted = self.wanted.get("at", {})
        how = wanted.get(f"{what} {self.asked[what]}", wanted.get(what))
        if how == "die":
            self.die()
        if how == "interrupt":  # Ctrl-C of the run that asked
            os.kill(os.getppid(), signal.SIGINT)
            time.sleep(2)
        if how == "hang":
            time.sleep(60)
        if how == "crash":
            raise RuntimeError("the driver fell over")
        if how == "import":
            raise ImportError("No module named 'transformers'")
        if how == "memory":
            raise OutOfMemoryError("the cell ran out of memory: Tried to allocate 20.00 GiB")
        if how == "lacks":
            raise SuiteError("unknown attention 'sdpa'; choose from eager")
        if how == "garbage":
            os.write(REPLIES, b"Segmentation fault (core dumped)\n")
        if how == "log":
            with Path(os.environ["FAKE_LOG"]).open("a") as log:
                log.write(f"{self.role} {os.getpid()} {what}{detail}\n")
        if how == "cores":
            with Path(os.environ["FAKE_LOG"]).open("a") as log:
                log.write(json.dumps([what, sorted(os.sched_getaffinity(0))]) + "\n")

    def die(self) -> None:
        print("terminate called after throwing an instance of 'c10::Error'", file=sys.stderr, flush=True)  # noqa: T201
        os._exit(3)


def descriptor(name: str) -> int:
    return int(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else -1


REPLIES = descriptor("--replies")

if __name__ == "__main__":
    if "protocol" in SIDES:
        vars(pair_worker)["PROTOCOL"] = SIDES["protocol"]
    if SIDES.get("base", {}).get("at", {}).get("start") == "die":
        sys.exit("ModuleNotFoundError: No module named 'fixtures'")
    sys.exit(pair_worker.main(side=FakeSide))
