"""The corpus of hostile submissions: each is the reference with one attack in one step module.

`tests/hostile/*.toml` lists them, a file for each class of attack. An attack is written so that its checks pass only
if it gets through: where it does not, its code is wrong, or never returns. The archives and notebooks with which one
attacks before any code runs are made in `tests/hostile/archives.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from graders.audit.corpus import stage_reference
from graders.judging.rubric import Check, load_rubric
from graders.outcomes import Outcome
from tests.support import COURSE, step_number

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WRONG = "@WRONG@"


class Attack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One attack.

    Attributes:
        name: what the submission does.
        tries: what it wants to gain by that.
        module: the step module that holds the attack.
        code: its code; `@ROOT@` stands for the harness's folder, `@SECRET@` for a file that the harness did not list,
            `@OUTSIDE@` for a folder that is not the worker's.
        ends: how the checks that the attack is after end, by name; a list where that depends on who is faster.
        place: where the code stands: after the reference's, before it, or in its place.
        without: the same code without the attack, put in the same place; the reference itself if empty, and for
            `@WRONG@` the wrong functions at the top of the file.
        files: further files of the submission, by path beside `lab`.
        aims_at: the step whose checks the attack is after; 0 for that of the module.
        seconds: deadline of each call, so that what never returns costs little; 0 for that of the checks.
        only: judge none but the checks of `ends` and those that they need, since the step takes long.
        stopped_by: the layer of confinement without which the attack gets through; empty if it is no layer's doing.
        needs_root: the attack is one for a worker that runs as root.
    """

    name: str
    tries: str
    module: str
    code: str
    ends: dict[str, Outcome | list[Outcome]]
    place: Literal["end", "start", "whole"] = "end"
    without: str = ""
    files: dict[str, str] = {}
    aims_at: int = 0
    seconds: float = 0
    only: bool = False
    stopped_by: str = ""
    needs_root: bool = False

    @property
    def step(self) -> int:
        """The step whose checks it is after."""
        return self.aims_at or step_number(self.module)

    def check_ids(self) -> dict[str, list[Outcome]]:
        """Return `ends` by the ids of the checks."""
        return {
            f"step{self.step:02d}.{name}": [outcome] if isinstance(outcome, Outcome) else outcome
            for name, outcome in self.ends.items()
        }

    def checks(self, *, only: bool = False) -> list[Check]:
        """Return the checks of its step, or `only` those that it is after and those that they need."""
        rows = load_rubric(COURSE, frozenset({self.step}))
        if not (only or self.only):
            return rows
        wanted = set(self.check_ids())
        for row in reversed(rows):
            wanted.update(row.needs if row.id in wanted else ())
        return [row for row in rows if row.id in wanted]


@dataclass(frozen=True)
class Places:
    """What the attacks of a test are after: a secret file, and a folder outside of the sandbox."""

    secret: Path
    outside: Path

    def fill_in(self, code: str) -> str:
        """Return code with these places in it."""
        for name, path in (("ROOT", ROOT), ("SECRET", self.secret), ("OUTSIDE", self.outside)):
            code = code.replace(f"@{name}@", str(path))
        return code


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    attack: list[Attack]
    wrong: str = ""

    def attacks(self) -> list[Attack]:
        return [msgspec.structs.replace(one, without=one.without.replace(WRONG, self.wrong)) for one in self.attack]


def read_attacks(file: Path) -> list[Attack]:
    """Read the attacks of a class."""
    return msgspec.toml.decode(file.read_bytes(), type=_Table).attacks()


def all_attacks() -> dict[str, list[Attack]]:
    """Return the attacks of each class, by its name."""
    return {file.stem: read_attacks(file) for file in sorted(HERE.glob("*.toml"))}


def with_deadline(checks: list[Check], seconds: float) -> list[Check]:
    """Return checks each of whose calls has so many seconds."""
    return [msgspec.structs.replace(row, info=msgspec.structs.replace(row.info, seconds=seconds)) for row in checks]


def stage(attack: Attack, package_parent: Path, places: Places) -> None:
    """Write the reference with an attack as a submission below a folder."""
    _stage(attack, attack.code, package_parent, places)
    for name, text in attack.files.items():
        path = package_parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(places.fill_in(text), encoding="utf-8")


def stage_without(attack: Attack, package_parent: Path, places: Places) -> None:
    """Write the same submission without the attack."""
    _stage(attack, attack.without, package_parent, places)


def _stage(attack: Attack, code: str, package_parent: Path, places: Places) -> None:
    stage_reference(COURSE, package_parent)
    path = package_parent / "lab" / f"{attack.module}.py"
    reference = path.read_text(encoding="utf-8")
    code = places.fill_in(code)
    after_docstring = "from __future__ import annotations\n" if "from __future__" in reference else ""
    texts = {
        "end": f"{reference}\n{code}",
        "start": f"{after_docstring}{code}\n{reference}",
        "whole": code or reference,
    }
    path.write_text(texts[attack.place], encoding="utf-8")
