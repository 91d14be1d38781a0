"""What pytest's JUnit XML holds of cells that workers measure."""

from __future__ import annotations

from typing import Any

from _pytest.junitxml import xml_key


def forget(config: Any, report: Any) -> None:
    """Drop the entry of a test that is tried once more: it has no outcome yet, and the next try has its own entry."""
    xml = config.stash.get(xml_key, None)
    if xml is None:
        return
    entry = xml.node_reporter(report)
    xml.node_reporters = {key: one for key, one in xml.node_reporters.items() if one is not entry}
    xml.node_reporters_ordered = [one for one in xml.node_reporters_ordered if one is not entry]
