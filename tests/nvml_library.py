"""A made-up `libnvidia-ml.so.1`, as pynvml calls it: what it raises and decodes is pynvml's own doing."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pynvml
import pytest

from fixtures.machine import nvml

IN_OUT = type(ctypes.byref(ctypes.c_int()))
"""Of an argument that points at what the function is to fill in."""


class Refuses(int):
    """An answer that is an error: one of pynvml's NVML_ERROR_ codes."""


NOT_SUPPORTED = Refuses(pynvml.NVML_ERROR_NOT_SUPPORTED)
LOST = Refuses(pynvml.NVML_ERROR_GPU_IS_LOST)
UNKNOWN = Refuses(pynvml.NVML_ERROR_UNKNOWN)
NO_TEXT = b"\xf8\xff NVIDIA"

Card = dict[str, Any]
"""What is answered of a GPU: function's name without `nvmlDeviceGet` -> value, raw bytes for text, fields of a struct,
several values, or a function of what was asked for (which clock). What is not there, or None, is not supported."""


def card(uuid: str = "GPU-aa-1", name: Any = b"NVIDIA H200", **answers: Any) -> Card:
    """A GPU that has as little as this to say."""
    return {"UUID": uuid.encode(), "Name": name} | answers


class NvmlLibrary:
    """The library, with these GPUs; `answers` holds those of the driver, and any function's error for all GPUs.

    A function whose answer is None is not in the library. `processes` is process id -> bytes of the GPU's memory.
    """

    def __init__(self, *cards: Card, **answers: Any) -> None:
        self.cards: Sequence[Card] = cards
        self.answers = {
            "InitWithFlags": 0,
            "Shutdown": 0,
            "Count": len(cards),
            "ErrorString": b"a new error",
            **answers,
        }
        self.names: dict[int, bytes] = {}
        self.opened = 0

    def __getattr__(self, symbol: str) -> Callable[..., int]:
        """A C function, which pynvml looks up by name."""
        question = re.sub(r"^nvml(DeviceGet)?|_v\d$", "", symbol)
        if self.answers.get(question, "") is None:
            raise AttributeError(symbol)
        if question == "ErrorString":
            return lambda code: self.answers[question]
        return lambda *arguments: self._call(question, arguments)

    def _call(self, question: str, arguments: Sequence[Any]) -> int:
        if question == "InitWithFlags" or not self.opened:
            refused = self.answers["InitWithFlags"] or (question != "InitWithFlags" and pynvml.NVML_ERROR_UNINITIALIZED)
            self.opened += not refused
            return int(refused)
        if question == "Shutdown":
            self.opened -= 1
        answer = self.answers.get(question)
        if answer is None and question == "HandleByIndex":
            answer = self._handle(int(arguments[0].value))
        elif answer is None and question == "HandleByUUID":
            uuids = [each["UUID"] for each in self.cards]
            answer = self._handle(uuids.index(arguments[0].value) if arguments[0].value in uuids else -1)
        elif answer is None and question == "SystemGetProcessName":
            answer = self.names.get(arguments[0].value, Refuses(pynvml.NVML_ERROR_NOT_FOUND))
        elif answer is None:
            about = self.cards[int(ctypes.cast(arguments[0], ctypes.c_void_p).value or 0) - 1]
            answer = NOT_SUPPORTED if about.get(question) is None else about[question]
        return self._fill(answer, arguments)

    def _handle(self, place: int) -> Any:
        """Of the GPU of that place; of one that does not open, its error."""
        if not 0 <= place < len(self.cards):
            return Refuses(pynvml.NVML_ERROR_NOT_FOUND)
        return self.cards[place].get("Handle", ctypes.c_void_p(place + 1))

    def _fill(self, answer: Any, arguments: Sequence[Any]) -> int:
        if callable(answer):
            answer = answer(*(each if isinstance(each, int) else each.value for each in arguments[1:-1]))
        if isinstance(answer, Refuses):
            return answer
        targets: list[Any] = [each for each in arguments if isinstance(each, IN_OUT)]
        if isinstance(answer, bytes):
            next(each for each in arguments if isinstance(each, ctypes.Array)).value = answer
        elif isinstance(answer, ctypes.c_void_p):
            ctypes.memmove(targets[0], ctypes.byref(answer), ctypes.sizeof(answer))
        elif isinstance(answer, dict):
            for field, value in answer.items():
                setattr(targets[0]._obj, field, value)
        elif isinstance(answer, list):
            return _listed(answer, targets[0]._obj, arguments)
        else:
            for target, value in zip(targets, answer if isinstance(answer, tuple) else (answer,), strict=False):
                target._obj.value = value
        return int(pynvml.NVML_SUCCESS)


def _listed(answer: list[Any], target: Any, arguments: Sequence[Any]) -> int:
    """Words of a set of cores, or structs, of which is first asked how many there are."""
    if isinstance(target, ctypes.Array):
        target[: len(answer)] = answer
        return int(pynvml.NVML_SUCCESS)
    target.value = len(answer)
    rows: Any = next((each for each in arguments if isinstance(each, ctypes.Array)), None)
    if answer and rows is None:
        return int(pynvml.NVML_ERROR_INSUFFICIENT_SIZE)
    for place, fields in enumerate(answer):
        for field, value in fields.items():
            setattr(rows[place], field, value)
    return int(pynvml.NVML_SUCCESS)


def processes(*ids: int, memory_bytes: int | None = None) -> list[dict[str, int]]:
    """The processes that compute on a GPU, for `ComputeRunningProcesses`."""
    used = pynvml.NVML_VALUE_NOT_AVAILABLE_ulonglong.value if memory_bytes is None else memory_bytes
    return [{"pid": each, "usedGpuMemory": used} for each in ids]


def working_card() -> Card:
    """A GPU that this process alone computes on, with all that telemetry asks for."""
    clocks_mhz = {pynvml.NVML_CLOCK_SM: 1_980, pynvml.NVML_CLOCK_MEM: 3_201}
    return card(
        TotalEnergyConsumption=5_000,
        ClockInfo=clocks_mhz.__getitem__,
        Temperature=45,
        PowerUsage=310_400,
        CurrentClocksEventReasons=0,
        ViolationStatus={"violationTime": 0},
        ComputeRunningProcesses=processes(os.getpid()),
    )


def use(monkeypatch: pytest.MonkeyPatch, library: NvmlLibrary | None, visible: str | None = None) -> None:
    """Have pynvml load this library, or find none, with CUDA_VISIBLE_DEVICES as given (None: unset)."""

    def absent(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(pynvml, "nvmlLib", library)
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    monkeypatch.setattr(pynvml, "_nvmlLib_refcount", 0)
    monkeypatch.setattr(pynvml, "CDLL", absent)
    monkeypatch.setattr(nvml, "DEVICES", Path("not there"))
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
