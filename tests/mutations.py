"""Documents damaged at random places, for tests of whatever reads them."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

HOSTILE = (
    "<script>alert(1)</script>", "@everyone", "#1", "a|b", "\x1b[2J\x1b[31mred", "[bold]x[/bold]", "[/]", "\u202eevil",
    "x\n\n# heading", "```", "https://evil.example", "\x00", "é" * 300, "../../etc/passwd", "{0}", "%s", "", "nan",
)  # fmt: skip
NUMBERS = (0, -1, 1, 2**63 - 1, -(2**63), 2**70, 0.0, -0.0, 5e-324, 1e-300, 1.7e308, -1.7e308, 0.5)

leaves = (
    st.none()
    | st.booleans()
    | st.sampled_from(NUMBERS)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(HOSTILE)
    | st.text(max_size=8)
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def nodes(document: Any) -> list[tuple[Any, Any]]:
    """Every place of a document, as what holds it and the key or index there."""
    found: list[tuple[Any, Any]] = []
    todo = [document]
    while todo:
        holder = todo.pop()
        for key in holder if isinstance(holder, dict) else range(len(holder)):
            found.append((holder, key))
            if isinstance(holder[key], (dict, list)):
                todo.append(holder[key])
    return found


def renamed(document: Any, model: str, axis: str) -> None:
    """Give the one model of a run file, and its second axis, another name wherever they are named."""
    ((_, described),) = document["suite"]["models"].items()
    old = described["axes"][1]["name"]
    described |= {"name": model, "label": [], "invariants": []}
    described["axes"][1]["name"] = axis
    document["suite"]["models"] = {model: described}
    rows = [row for source in described["published"] for row in source["rows"]]
    for entry in document["benchmarks"]:
        entry["extra_info"]["model"] = model
    for holder in (*rows, *(entry["extra_info"] for entry in document["benchmarks"])):
        holder["axes"] = {axis if name == old else name: value for name, value in holder["axes"].items()}


def hostile(document: Any, text: str, keep: tuple[str, ...] = ("unit", "outcome", "environment")) -> None:
    """Have every text begin with this one, but for those under these keys; names of axes and of the model too."""
    for holder, key in nodes(document):
        if isinstance(holder[key], str) and key not in keep:
            holder[key] = f"{text}{holder[key]}"
    for described in document["suite"]["models"].values():
        for axis in described["axes"]:
            axis["name"] = axis["name"].removeprefix(text)
    renamed(document, f"{text}model", f"{text}axis")


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> Any:
    """The document with a few nodes dropped, replaced, renamed, doubled or made of another type."""
    damaged = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        places = nodes(damaged)
        if not places:
            break
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        kind = draw(st.sampled_from(("replace", "replace", "drop", "rename", "double", "retype")))
        if kind == "drop":
            del holder[key]
        elif kind == "rename" and isinstance(holder, dict):
            holder[draw(st.sampled_from(HOSTILE))] = holder.pop(key)
        elif kind == "double" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        elif kind == "retype":
            old = holder[key]
            others = [str(old)[:50], [old], {"value": old}, bool(old)]
            holder[key] = copy.deepcopy(draw(st.sampled_from(others)))
        else:
            holder[key] = draw(values)
    return damaged
