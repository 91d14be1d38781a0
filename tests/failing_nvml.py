"""A pytest plugin for tests of a host whose NVIDIA driver fails: FAKE_NVML says in which way.

Loaded with `-p tests.failing_nvml`.
"""

from __future__ import annotations

import os

import pynvml

from tests.nvml_library import LOST, NO_TEXT, UNKNOWN, NvmlLibrary, Refuses, card

NO_DRIVER = Refuses(pynvml.NVML_ERROR_DRIVER_NOT_LOADED)

WAYS = {
    "driver not loaded": NvmlLibrary(card(), InitWithFlags=NO_DRIVER),
    "lost": NvmlLibrary(card(Handle=LOST)),
    "nothing but a card": NvmlLibrary(card(UUID=UNKNOWN, name=NO_TEXT), card("GPU-bb", Handle=LOST), Count=UNKNOWN),
    "works": NvmlLibrary(card()),
}

# At import: the options are checked before any plugin's own hooks.
pynvml.nvmlLib = WAYS[os.environ["FAKE_NVML"]]
