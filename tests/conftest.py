"""For all tests: what they start is a session of its own, also where pytest-xdist runs the tests."""

from __future__ import annotations

import os

# pytest-benchmark takes a process with these for a worker, and measures nothing there.
for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
    del os.environ[name]
