"""What software, driver and weights a cell was measured with, and what of it differs between two measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.records.schema import CellRecord

LOOKED_FOR_LATER = frozenset({"huggingface-hub"})
"""Packages that transformers cannot be without: a file that lacks one is older than the look for it."""


def versions(environment: Mapping[str, Any], cell: CellRecord) -> dict[str, str]:
    """Name -> version, of everything that may change without making two cells incomparable."""
    return versions_of(environment, cell.checkpoint_name, cell.checkpoint.digest)


def versions_of(environment: Mapping[str, Any], checkpoint: str, weights: str) -> dict[str, str]:
    """The same of a cell of which only the checkpoint's name and the digest of its weights are at hand."""
    found = {name: str(version) for name, version in (environment.get("software") or {}).items()}
    driver = (environment.get("gpu") or {}).get("driver")
    if driver:
        found["driver"] = str(driver)
    found[f"{checkpoint} checkpoint"] = weights
    return found


def changed_versions(
    base: CellRecord, head: CellRecord, base_environment: Mapping[str, Any], head_environment: Mapping[str, Any]
) -> list[str]:
    """What differs between two measurements of a cell, `name old -> new`, by name."""
    return differences(versions(base_environment, base), versions(head_environment, head))


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What differs between two sets of versions, `name old -> new`, by name; nothing where one side did not look."""
    unknown = LOOKED_FOR_LATER - (before.keys() & after.keys())
    return [
        f"{name} {before.get(name, 'absent')} -> {after.get(name, 'absent')}"
        for name in sorted((before.keys() | after.keys()) - unknown)
        if before.get(name) != after.get(name)
    ]
