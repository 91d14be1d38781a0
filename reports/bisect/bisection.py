"""A bisection: the search, with environments and runs behind its questions, and a state that survives interruptions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reports.bisect import environments, lanes, runs, state
from reports.bisect.lanes import Difference
from reports.bisect.search import Answer, Ending, Found, Mix, find, narrow
from reports.bisect.state import Question, State, Tried
from reports.errors import ReportError
from reports.records.files import locked


@dataclass(frozen=True, slots=True)
class Verdict:
    """What it came to.

    Attributes:
        found: the packages.
        units: what was taken as a whole from one side or the other; `found` speaks of these.
        package: of which a list of versions was searched; empty where none was.
        last_good: its last version that is not bad.
        first_bad: its first version that is.
        skipped: versions between these two, which could not be judged.
    """

    found: Found
    units: Mapping[str, Sequence[Difference]]
    package: str = ""
    last_good: str = ""
    first_bad: str = ""
    skipped: tuple[str, ...] = ()


@dataclass(slots=True)
class Bisection:
    """`folder` holds the environments, the runs and the state. `say` gets a line for each mix.

    `units`: name -> packages that are taken from one side or the other as a whole. `versions`: lists to search, of at
    most one package of a unit.
    """

    question: Question
    folder: Path
    units: Mapping[str, Sequence[Difference]]
    versions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    create: environments.Create = environments.create
    measure: runs.Measure = runs.measure
    say: Callable[[str], None] = print
    clock: Callable[[], float] = time.monotonic
    _state: State | None = None
    _good: Path | None = None

    @property
    def state(self) -> State:
        """What is known so far; read once.

        Raises:
            ReportError: the file is damaged or of another question.
        """
        if self._state is None:
            self._state = state.load(self.folder, self.question)
        return self._state

    def run(self) -> Verdict:
        """Search, as far as it goes.

        Raises:
            ReportError: something is in the way that is none of the mixes' fault; it can be resumed. Another bisection
                in this folder is, too: each would remove the environments that the other makes.
        """
        with locked(self.folder / state.FILE, wait_s=0):
            self._state = state.load(self.folder, self.question)
            return self._search()

    def _search(self) -> Verdict:
        def ask(mix: Mix) -> Answer:
            taken = [one for name, members in self.units.items() if name in mix for one in members]
            return self._ask({one.package: one.bad for one in taken})

        found = find(list(self.units), ask)
        if found.ending is Ending.FOUND and len(found.culprits) == 1:
            members = [one.package for one in self.units[found.culprits[0]]]
            for package in members:
                if package in self.versions:
                    return self._first_bad(found, package, [one for one in members if one != package])
        return Verdict(found, self.units)

    def _first_bad(self, found: Found, package: str, others: Sequence[str]) -> Verdict:
        """Search a package's versions; the others of its group have to move with it, so that pip chooses theirs."""
        listed = self.versions[package]
        unpinned = dict.fromkeys(others)
        low, high = narrow(0, len(listed) - 1, lambda place: self._ask({package: listed[place], **unpinned}))
        return Verdict(found, self.units, package, listed[low], listed[high], tuple(listed[low + 1 : high]))

    def _ask(self, taken: dict[str, str | None]) -> Answer:
        """What a mix comes to: as known, or by making it and running the suite in it."""
        lane = lanes.mixed(self.question.good, taken)
        tried = self.state.known(lane)
        again = tried is not None
        if tried is None:
            tried = self._try(lane)
            self._state = self.state.model_copy(update={"tried": [*self.state.tried, tried]})
            state.save(self.folder, self.state)
        names = ", ".join(f"{name} {version or 'not pinned'}" for name, version in taken.items())
        self.say(f"{tried.answer}{', as known' if again else ''}: {names}: {tried.reason}")
        return tried.answer

    def _try(self, lane: dict[str, str]) -> Tried:
        good = self._good_side()
        started = self.clock()
        name = state.name_of(lane)
        try:
            python = self.create(self.folder / "environments" / name, lanes.text(lane))
        except environments.UninstallableError as error:
            reason = str(error)
            if clash := lanes.clashing(reason, self.units, lane):
                reason += f"; name them in --together {','.join(clash)} if they only go together at matching versions"
            return Tried(lane=lane, answer=Answer.SKIP, reason=reason, environment_s=self.clock() - started)
        made = self.clock()
        cells = self.state.cells
        arguments = [*self.question.arguments, *runs.only(cells)]
        measured = 1
        try:
            run = self.measure(python, good, self.folder / "runs" / name, arguments)
            told, measured = runs.answer(run, self.question.metric, cells), max(len(run.cells), 1)
        except runs.UnrunnableError as error:
            told = runs.Told(Answer.SKIP, str(error))
        return Tried(
            lane=lane,
            answer=told.answer,
            reason=told.reason,
            cells=measured,
            worse=list(told.worse),
            environment_s=made - started,
            run_s=self.clock() - made,
        )

    def _good_side(self) -> Path:
        """The interpreter that all mixes are measured against.

        Raises:
            ReportError: it cannot be had, so that nothing can be compared.
        """
        if self._good is None:
            name = state.name_of(self.question.good)
            try:
                self._good = self.create(self.folder / "environments" / name, lanes.text(self.question.good))
            except environments.UninstallableError as error:
                raise ReportError(f"the good side itself cannot be installed: {error}") from error
        return self._good


def question(good: Path, bad: Path, metric: str, arguments: Sequence[str], commit: str = "unknown") -> Question:
    """What is asked; `commit` is of this suite.

    Raises:
        ReportError: a file cannot be used, or the two do not differ.
    """
    asked = Question(
        good=lanes.read(good), bad=lanes.read(bad), metric=metric, arguments=list(arguments), commit=commit
    )
    if not lanes.differences(asked.good, asked.bad):
        raise ReportError(f"{good} and {bad} pin the same versions: there is nothing to search")
    return asked
