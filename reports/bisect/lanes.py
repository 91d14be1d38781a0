"""Two constraints files, what differs between them, and the mixes of both."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.errors import ReportError

FOLDER = Path(__file__).resolve().parents[2] / "lanes"

_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*==\s*(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*)")

Lane = dict[str, str]
"""Package -> version, in the order of the file."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A package's version on both sides; None where a side does not pin it."""

    package: str
    good: str | None
    bad: str | None

    def __str__(self) -> str:
        return f"{self.package} {self.good or 'not pinned'} -> {self.bad or 'not pinned'}"


def lane_path(text: str) -> Path:
    """The file of a lane: a path, or the name of one under lanes/.

    Raises:
        ReportError: there is none.
    """
    named = FOLDER / f"{text}.txt"
    path = named if re.fullmatch(r"[\w-]+", text) and named.exists() else Path(text)
    if not path.is_file():
        lanes = ", ".join(sorted(one.stem for one in FOLDER.glob("*.txt")))
        raise ReportError(f"there is no constraints file {text}: name a file, or a lane: {lanes}")
    return path


def read(path: Path) -> Lane:
    """Read a constraints file of exact versions.

    Raises:
        ReportError: it cannot be read, or a line pins nothing exactly.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"cannot read the constraints file {path}: {error}") from error
    found: Lane = {}
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        pin = _PIN.fullmatch(text)
        if not pin:
            raise ReportError(f"{path}, line {number}: {text!r} is not package==version, which is what bisect mixes")
        name = normal(pin["name"])
        if name in found:
            raise ReportError(f"{path}, line {number}: {name} is pinned twice")
        found[name] = pin["version"]
    return found


def normal(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def differences(good: Mapping[str, str], bad: Mapping[str, str]) -> list[Difference]:
    """What differs, in the order of the files."""
    names = dict.fromkeys([*bad, *good])
    return [Difference(one, good.get(one), bad.get(one)) for one in names if good.get(one) != bad.get(one)]


def mixed(good: Mapping[str, str], taken: Mapping[str, str | None]) -> Lane:
    """The good side with some packages at other versions; None takes a pin away."""
    lane = {**good, **taken}
    return {name: version for name, version in lane.items() if version is not None}


def text(lane: Mapping[str, str]) -> str:
    """A lane as a constraints file."""
    return "".join(f"{name}=={version}\n" for name, version in lane.items())


def version_lists(options: Sequence[str], found: Sequence[Difference]) -> dict[str, list[str]]:
    """What `--versions torch=2.11,2.12,2.13` says: package -> versions from the good one to the bad one.

    The good and the bad version are put at the ends where the list leaves them out.

    Raises:
        ReportError: not of that form, or the package does not differ.
    """
    differing = {one.package: one for one in found}
    lists: dict[str, list[str]] = {}
    for option in options:
        name, _, listed = option.partition("=")
        package = normal(name.strip())
        versions = [version.strip() for version in listed.split(",") if version.strip()]
        if not versions or not all(_PIN.fullmatch(f"{package}=={version}") for version in versions):
            raise ReportError(f"--versions {option}: give them as in --versions torch=2.11.0,2.12.1,2.13.0")
        if package not in differing:
            raise ReportError(f"--versions {option}: {package} does not differ between the two: leave it out")
        ends = differing[package]
        if ends.good is None or ends.bad is None:
            raise ReportError(f"--versions {option}: one of the two does not pin {package}, so the list has no end")
        between = [version for version in dict.fromkeys(versions) if version not in (ends.good, ends.bad)]
        lists[package] = [ends.good, *between, ends.bad]
    return lists


def units(found: Sequence[Difference], together: Sequence[str]) -> dict[str, list[Difference]]:
    """What is taken from one side or the other as a whole: a name for messages -> its packages, in their order.

    Args:
        found: the packages that differ.
        together: as given to `--together`, such as `transformers,tokenizers`.

    Raises:
        ReportError: a package does not differ, or is in two groups.
    """
    differing = {one.package: one for one in found}
    group_of: dict[str, int] = {}
    for number, option in enumerate(together):
        for package in (normal(name.strip()) for name in option.split(",") if name.strip()):
            if package not in differing:
                raise ReportError(f"--together {option}: {package} does not differ between the two: leave it out")
            if package in group_of:
                raise ReportError(f"--together {option}: {package} is named twice")
            group_of[package] = number
    groups: dict[int | str, list[Difference]] = {}
    for one in found:
        groups.setdefault(group_of.get(one.package, one.package), []).append(one)
    return {" + ".join(one.package for one in members): members for members in groups.values()}


def refuse_two_lists(units: Mapping[str, Sequence[Difference]], versions: Mapping[str, Sequence[str]]) -> None:
    """Refuse lists of versions for several packages that are taken as one.

    Raises:
        ReportError: there are two.
    """
    for members in units.values():
        listed = [one.package for one in members if one.package in versions]
        if len(listed) > 1:
            raise ReportError(
                f"--versions of {' and of '.join(listed)}, which are in one --together: give one list, the others of "
                "the group move as pip resolves them"
            )


def clashing(reason: str, units: Mapping[str, Sequence[Difference]], lane: Mapping[str, str]) -> list[str]:
    """The packages of two units that do not go together in a mix, by a conflict's reason; empty where there are no two.

    Each side by itself can be installed. So of the packages that the reason names, those are left out that are of the
    same side as all pins that could not be kept: they ask for the same package and are content.
    """
    named = {normal(word) for word in re.findall(r"[A-Za-z0-9][A-Za-z0-9._-]*", reason)}
    pins = {normal(word) for word in re.findall(r"\(constraint\) ([A-Za-z0-9._-]+)", reason)}
    differing = [one for members in units.values() for one in members if one.package in named]
    of_good = {one.package: lane.get(one.package) == one.good for one in differing}
    sides = {of_good[one] for one in pins & of_good.keys()} or {True, False}
    found = [one for one, good in of_good.items() if one in pins or sides - {good}]
    of_units = [name for name, members in units.items() if any(one.package in found for one in members)]
    return found if len(of_units) > 1 else []
