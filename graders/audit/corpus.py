"""The corpus: submissions whose verdicts are known, made by changing the reference; with them the checks are judged.

A mistake is one change that makes the reference wrong; `fixtures/submissions/mistakes` lists them, a file for each step
module. A variant is right, and unlike the reference: `fixtures/submissions/variants` has a folder for each, with the
step modules that it replaces; the complete sample is one too.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from graders.intake.submission import read_submission
from graders.judging.rubric import step_modules
from graders.outcomes import Outcome

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "solutions"
MISTAKES = ROOT / "fixtures" / "submissions" / "mistakes"
COMPLETE = ROOT / "fixtures" / "submissions" / "complete"
VARIANTS = ROOT / "fixtures" / "submissions" / "variants"


class Mistake(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One change that makes the reference wrong.

    Attributes:
        name: what a student did.
        check: id of the check that is about it.
        old: text of the reference, which occurs there once.
        new: what stands there instead.
        outcome: how the check ends.
        also: ids of the other checks that fail with it; those that are blocked by it are not listed.
    """

    name: str
    check: str
    old: str
    new: str
    outcome: Outcome = Outcome.FAILED
    also: frozenset[str] = frozenset()

    @property
    def fails(self) -> frozenset[str]:
        """The ids of all checks that fail."""
        return self.also | {self.check}

    def make_in(self, package_parent: Path) -> None:
        """Make the mistake in a staged copy of the reference.

        Raises:
            ValueError: the text to replace is not there exactly once.
        """
        path = package_parent / "lab" / f"{_module_of(self.check)}.py"
        source = path.read_text(encoding="utf-8")
        if source.count(self.old) != 1:
            raise ValueError(f"{self.name}: {path.name} holds {source.count(self.old)} times, not once: {self.old}")
        path.write_text(source.replace(self.old, self.new), encoding="utf-8")


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    mistake: list[Mistake]


def all_mistakes() -> list[Mistake]:
    """Read the mistakes of all steps that have checks."""
    files = [MISTAKES / f"{module}.toml" for module in step_modules()]
    return [mistake for file in files for mistake in msgspec.toml.decode(file.read_bytes(), type=_Table).mistake]


def variants(step: int | None = None) -> list[str]:
    """Return the names of the variants, or of those that replace the module of a step: the complete sample always."""
    pattern = "*.py" if step is None else f"step{step:02d}_*.py"
    return [COMPLETE.name, *sorted(folder.name for folder in VARIANTS.iterdir() if any(folder.glob(pattern)))]


def stage_reference(folder: Path) -> None:
    """Write the reference as a submission below a folder."""
    read_submission(REFERENCE).stage(folder)


def stage_variant(name: str, folder: Path) -> None:
    """Write a variant as a submission below a folder: the reference, with the variant's modules in place of its own."""
    if name == COMPLETE.name:
        read_submission(COMPLETE).stage(folder)
        return
    stage_reference(folder)
    for path in (VARIANTS / name).glob("*.py"):
        (folder / "lab" / path.name).write_bytes(path.read_bytes())


def _module_of(check_id: str) -> str:
    return next(module for module in step_modules() if check_id.startswith(f"{module[:6]}."))
