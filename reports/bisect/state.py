"""What a bisection has found out so far, in a file: an interruption costs the run that was under way and no more."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt, ValidationError

from reports.bisect.search import Answer
from reports.errors import ReportError
from reports.records.bounds import Name, Named, Rows, Text
from reports.records.files import write_atomically
from reports.records.runfile import read_document

FILE = "state.json"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Question(_Record):
    """What is asked; answers to another question are of no use.

    `good` and `bad`: the two lanes, package -> version. `arguments`: what the suite is run with. `commit`: of the
    suite, whose code all runs have in common.
    """

    good: Named[Name]
    bad: Named[Name]
    metric: Name
    arguments: Rows[Text]
    commit: Name = "unknown"


class Tried(_Record):
    """One mix: its lane, the answer and why, the seconds of making its environment and of its run.

    `cells`: how many the run measured. `worse`: those that got worse, where it is bad.
    """

    lane: Named[Name]
    answer: Answer
    reason: Text
    cells: PositiveInt = 1
    worse: Rows[Name] = Field(default_factory=list)
    environment_s: NonNegativeFloat = 0.0
    run_s: NonNegativeFloat = 0.0

    @property
    def unjudged(self) -> bool:
        """Whether its run was of no use: noise, or a side that gave up, which may not come again."""
        return self.answer is Answer.SKIP and self.run_s > 0


class State(_Record):
    """The file."""

    version: Literal[1] = 1
    question: Question
    tried: Rows[Tried] = Field(default_factory=list)

    def known(self, lane: dict[str, str]) -> Tried | None:
        """What was found out of a mix, if anything was."""
        return next((one for one in self.tried if one.lane == lane), None)

    @property
    def cells(self) -> list[str]:
        """The cells that got worse with the whole bad side, which alone show the regression; empty: not known yet."""
        whole = self.known(self.question.bad)
        return whole.worse if whole else []


def name_of(lane: dict[str, str]) -> str:
    """A short name of a mix for folders."""
    pins = "\n".join(f"{package}=={version}" for package, version in sorted(lane.items()))
    return hashlib.sha256(pins.encode()).hexdigest()[:12]


def load(folder: Path, question: Question) -> State:
    """The state in a folder, or an empty one where there is none. Mixes whose runs did not judge are left out.

    They are asked again, where versions that cannot be installed stay skipped: nothing will change about these.

    Raises:
        ReportError: it is damaged, or belongs to another question.
    """
    path = folder / FILE
    if not path.exists():
        return State(question=question)
    try:
        state = State.model_validate(read_document(path))
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise ReportError(f"{path} is damaged at {place}: remove it to start anew") from error
    for name in Question.model_fields:
        if getattr(state.question, name) != getattr(question, name):
            known = f" of this suite ({state.question.commit}, now {question.commit})" if name == "commit" else ""
            raise ReportError(
                f"{path} is of another bisection, with another {name}{known}: give --work another folder, or remove "
                "the file"
            )
    return state.model_copy(update={"tried": [one for one in state.tried if not one.unjudged]})


def save(folder: Path, state: State) -> None:
    """Write the state through a temporary name."""
    write_atomically(folder / FILE, state.model_dump_json(indent=1) + "\n")
