"""Whether two measurements may be compared at all, and the field that differs where they may not."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reports.records.metrics import GPU_MODEL, Kind
from reports.records.schema import CellRecord

WORKERS = "number of workers at once"


@dataclass(frozen=True, slots=True)
class Fields:
    """Named environment fields of one measurement, for finding the one that differs."""

    values: Mapping[str, Any] = field(default_factory=dict)

    def difference(self, baseline: Fields) -> str:
        """The first field that differs, both values named; empty where none does."""
        for name, value in self.values.items():
            other = baseline.values.get(name)
            if value != other:
                return f"{name} is {value} here and {other} in the baseline"
        return ""

    def without(self, name: str) -> Fields:
        """All of them but one."""
        return Fields({field: value for field, value in self.values.items() if field != name})


def must_match(kind: Kind, environment: Mapping[str, Any], needs_same: Sequence[str] = ()) -> Fields:
    """The environment fields that must be equal before two values of a metric of this kind are compared.

    Software versions are never among them: they are what is under test. A GPU run's host is its processor model
    (the host feeds the GPU from one thread); a CPU run's is its number of processors too. Workers that measured at once
    shared the host, so wall times of as many are compared only. `needs_same` names what else a metric depends on:
    software by its release (major and minor), a CPU run's property of the host, the model of the GPU.
    """
    gpu = environment.get("gpu") or {}
    host = environment.get("host") or {}
    fields: dict[str, Any] = {}
    if kind in (Kind.STEADY, Kind.WALL):
        fields[GPU_MODEL] = gpu.get("model", "none")
        fields["MIG"] = gpu.get("mig")
    if kind is Kind.WALL:
        fields["SM clock cap (MHz)"] = gpu.get("sm_clock_max_mhz")
        fields["application clock (MHz)"] = gpu.get("sm_clock_application_mhz")
        fields["power cap (W)"] = gpu.get("power_cap_w")
        fields["host CPU"] = host.get("cpu_model")
        fields[WORKERS] = host.get("workers", 1)
        if not gpu:
            fields["host CPU count"] = host.get("cpu_count")
            fields["torch threads"] = host.get("torch_threads")
    software = environment.get("software") or {}
    for name in needs_same:
        if name == GPU_MODEL:
            fields[name] = gpu.get("model", "none")
        elif name in software:
            fields[name] = ".".join(str(software[name]).split(".")[:2])
        elif not gpu:
            fields[name] = host.get(name, "unknown")
    # A series is found by these values: what a file holds in the place of one of them may be a list.
    return Fields({name: value if isinstance(value, Hashable) else str(value) for name, value in fields.items()})


def same_card(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two environments are of one card, not only of its model; one that is not known is another."""
    return bool(card_of(one)) and card_of(one) == card_of(other)


def card_of(environment: Mapping[str, Any]) -> str:
    """The card of an environment; empty where it has none, or does not name it."""
    return str((environment.get("gpu") or {}).get("card") or "")


def work_difference(base: CellRecord, head: CellRecord) -> str:
    """Why two cells did not do the same work; empty where they did."""
    if base.workload.digest != head.workload.digest:
        ours, theirs = head.workload.model_dump(), base.workload.model_dump()
        for name in sorted(ours.keys() - {"digest", "inputs"}):
            if ours[name] != theirs.get(name):
                return f"workload: {name} is {ours[name]} here and {theirs.get(name)} in the baseline"
        return f"workload {head.workload.digest} here and {base.workload.digest} in the baseline"
    if base.workload.inputs and head.workload.inputs and base.workload.inputs != head.workload.inputs:
        return f"workload: inputs is {head.workload.inputs} here and {base.workload.inputs} in the baseline"
    for stage in sorted(base.stages.keys() | head.stages.keys()):
        ours_tokens = head.stages[stage].tokens if stage in head.stages else None
        base_tokens = base.stages[stage].tokens if stage in base.stages else None
        if ours_tokens != base_tokens:
            return f"unequal work: {stage} made {ours_tokens} tokens here and {base_tokens} in the baseline"
    return ""
