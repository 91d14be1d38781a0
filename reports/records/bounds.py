"""How much a file that anybody may have written can hold: types of bounded texts, mappings and lists.

Together with the limits of `document.py`, which hold for what no record names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import FailFast, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from reports.records.document import MOST_CHARACTERS

MOST_CELLS = 20_000
"""Of one file. The whole matrix has 648 on each machine, and reports are tried on 10,000."""

MOST_ROUNDS = 10_000
"""Of one cell; 80 is the most that was ever worth its time."""

MOST_NAMES = 1_000
"""Of one mapping: metrics, counters, operators, packages. The largest in a baseline holds 92 operators."""


@dataclass(frozen=True, slots=True)
class AtMost:
    """The members of a mapping, counted before any is looked at.

    Pydantic's `max_length` counts those that are valid, so that millions of others would each become an error.
    """

    members: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "maxProperties": self.members}

    def _checked(self, value: Any) -> Any:
        if isinstance(value, dict) and len(value) > self.members:
            raise PydanticCustomError(
                "too_long",
                "it has {found} entries, and at most {most} are read",
                {"found": len(value), "most": self.members},
            )
        return value


Value = TypeVar("Value")

Name: TypeAlias = Annotated[str, Field(max_length=1_000)]
Text: TypeAlias = Annotated[str, Field(max_length=MOST_CHARACTERS)]
"""A path, a reason, the name of a kernel."""

Named: TypeAlias = Annotated[dict[Text, Value], AtMost(MOST_NAMES)]
PerCell: TypeAlias = Annotated[dict[Text, Value], AtMost(MOST_CELLS)]
Rows: TypeAlias = Annotated[list[Value], Field(max_length=MOST_CELLS), FailFast()]
"""A list of nothing but errors is refused at the first."""
