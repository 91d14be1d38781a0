"""The environments of a bisection: made once, and told apart from bad luck where they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.bisect import environments, lanes
from reports.bisect.environments import UninstallableError
from reports.bisect.state import Question, load
from reports.errors import ReportError
from tests.bisecting import BAD, Pretended, Tools, newer
from tests.reports.test_sides import cell_against, pairs_of, run_against


def test_an_environment_is_made_once_and_used_again(tmp_path: Path) -> None:
    tools = Tools()
    python = environments.create(tmp_path / "env", "torch==2.13.0\n", tools)
    assert python == tmp_path / "env" / "bin" / "python"
    assert (tmp_path / "env.txt").read_text() == "torch==2.13.0\n"
    assert f"--constraint {tmp_path / 'env.txt'}" in tools.commands[1]
    made = len(tools.commands)
    assert environments.create(tmp_path / "env", "torch==2.13.0\n", tools) == python
    assert len(tools.commands) == made


REFUSED = "after connection broken by 'NewConnectionError('...: Failed to establish a new connection: [Errno 111]')'"
NONE_LISTED = "ERROR: Could not find a version that satisfies the requirement rich==15.0.0 (from versions: none)"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("ERROR: ResolutionImpossible: for help visit https://pip.pypa.io", UninstallableError),
        ("  x No solution found when resolving dependencies:", UninstallableError),
        ("ERROR: No matching distribution found for torch==9", UninstallableError),
        ("error: No space left on device", ReportError),
        ("Temporary failure in name resolution", ReportError),
        (f"{REFUSED}\n{NONE_LISTED}\nERROR: No matching distribution found for rich==15.0.0", ReportError),
        (f"{NONE_LISTED}\nERROR: No matching distribution found for rich==15.0.0", ReportError),
        ("WARNING: Retrying (Retry(total=0, read=None))\nERROR: ResolutionImpossible: for help visit", ReportError),
        (
            "WARNING: Retrying (Retry(total=4, read=None))\nThe conflict is caused by:\n    a depends on b>2\n\n"
            "ERROR: ResolutionImpossible: for help visit",
            UninstallableError,
        ),
        (f"ERROR: Ignored versions: 15.0.0 Requires-Python >=3.14\n{NONE_LISTED}", UninstallableError),
    ],
)
def test_versions_that_do_not_go_together_are_told_from_bad_luck(
    said: str, kind: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(kind):
        environments.create(tmp_path / "env", "torch==9\n", Tools(install=said))
    assert not (tmp_path / "env" / environments.READY).exists()


def test_a_network_that_is_away_is_no_answer_that_is_kept(asked: Question, tmp_path: Path) -> None:
    def create(folder: Path, constraints: str) -> Path:
        away = Tools(install=f"{REFUSED}\n{NONE_LISTED}") if lanes.text(BAD) == constraints else Tools()
        return environments.create(folder, constraints, away)

    cut_off = Pretended(newer("torch")).bisection(asked, tmp_path, create=create)
    with pytest.raises(ReportError, match=r"package index was not reached: .*then repeat: what was found out is kept"):
        cut_off.run()
    assert load(tmp_path, asked).tried == []
    assert Pretended(newer("torch")).bisection(asked, tmp_path).run().found.culprits == ("torch",)


CLASH = """
The conflict is caused by:
    numpy 2.4.6 depends on accelerate>=1.0
    transformers 5.23.0 depends on accelerate<3.0 and >=1.31.0
    The user requested (constraint) accelerate==1.2.1

To fix this you could try to:
1. loosen the range of package versions you've specified
2. remove package versions to allow pip attempt to solve the dependency conflict
ERROR: ResolutionImpossible: for help visit https://pip.pypa.io
"""


def test_a_conflict_is_told_by_what_clashes_and_not_by_pips_advice(asked: Question, tmp_path: Path) -> None:
    def create(folder: Path, constraints: str) -> Path:
        lane = dict(line.split("==") for line in constraints.splitlines())
        apart = newer("transformers")(lane) is not newer("accelerate")(lane)
        return environments.create(folder, constraints, Tools(install=CLASH) if apart else Tools())

    told: list[str] = []
    pretended = Pretended(newer("transformers"))
    bisection = pretended.bisection(asked, tmp_path, create=create, say=told.append)
    bisection.measure = lambda python, good, folder, arguments: run_against(
        cell_against(pairs=pairs_of([0.001] * 40, [0.0012] * 40))
    )
    bisection.run()
    (said, *_) = [line for line in told if line.startswith("skip")]
    assert said.endswith(
        ": these versions do not go together: The user requested (constraint) accelerate==1.2.1; numpy 2.4.6 depends "
        "on accelerate>=1.0; transformers 5.23.0 depends on accelerate<3.0 and >=1.31.0; name them in --together "
        "transformers,accelerate if they only go together at matching versions"
    )


def test_only_packages_of_two_units_clash() -> None:
    found = lanes.differences({"a-b": "1", "c": "1", "d": "1"}, {"a-b": "2", "c": "2", "d": "2"})
    apart, lane = lanes.units(found, []), {"a-b": "2", "c": "1", "d": "1"}
    assert lanes.clashing("A_b 2 depends on c>=2; requested (constraint) c==1", apart, lane) == ["a-b", "c"]
    assert lanes.clashing("a-b 2 depends on c>=2", lanes.units(found, ["a-b,c"]), lane) == []
    assert lanes.clashing("d 1 depends on cc>=2", apart, lane) == []
    assert lanes.clashing("because a-b==2 depends on c>=2 and you require c==1", apart, lane) == ["a-b", "c"]


def test_versions_that_do_not_import_are_skipped(tmp_path: Path) -> None:
    with pytest.raises(UninstallableError, match="do not import: ImportError: cannot import name"):
        environments.create(tmp_path / "env", "", Tools(**{"import torch": "ImportError: cannot import name 'x'"}))
