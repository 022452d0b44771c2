"""The corpus: submissions whose verdicts are known, made by changing the reference; with them the checks are judged.

A mistake is one change that makes the reference wrong; the course keeps a file of them for each step module. A variant
is right, and unlike the reference: the course has a folder for each, with the step modules that it replaces; a complete
submission is one too. A right change is a small variant: it says one thing in other words than the reference.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from graders.course import BadCourse, Course
from graders.intake.submission import read_submission
from graders.outcomes import Outcome


class Mistake(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One change that makes the reference wrong.

    Attributes:
        name: what a student did.
        check: id of the check that is about it.
        old: text of the reference, which occurs there once.
        new: what stands there instead.
        outcome: how the check ends.
        also: ids of the other checks that fail with it; those that are blocked by it are not listed.
        measured: ids of checks that it blocks, but whose metric is calibrated with it all the same: without the block
            they would have to tell it.
        at_home: whether it is tried in one process too, as at a student's home: what changes an argument there changes
            the check's own.
    """

    name: str
    check: str
    old: str
    new: str
    outcome: Outcome = Outcome.FAILED
    also: frozenset[str] = frozenset()
    measured: frozenset[str] = frozenset()
    at_home: bool = False

    @property
    def fails(self) -> frozenset[str]:
        """The ids of all checks that fail."""
        return self.also | {self.check}

    def make_in(self, package_parent: Path, course: Course) -> None:
        """Make the mistake in a staged copy of the reference.

        Raises:
            ValueError: the text to replace is not there exactly once.
        """
        path = package_parent / course.package / f"{course.step_of_check(self.check).module}.py"
        _replace_once(path, self.old, self.new, self.name)


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text of the reference, which occurs there once, and what stands there instead."""

    old: str
    new: str


class RightChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of one step's module that leaves the reference right.

    Attributes:
        name: what is said in other words.
        module: the step's module.
        edits: what is changed there, one after the other.
        steps: the numbers of the steps whose checks must still pass; none means the module's own.
    """

    name: str
    module: str
    edits: list[Edit]
    steps: tuple[int, ...] = ()

    def make_in(self, package_parent: Path, course: Course) -> None:
        """Make the change in a staged copy of the reference; raises as `Mistake.make_in`."""
        path = package_parent / course.package / f"{self.module}.py"
        for edit in self.edits:
            _replace_once(path, edit.old, edit.new, self.name)


class _Mistakes(msgspec.Struct, forbid_unknown_fields=True):
    mistake: list[Mistake]


class _RightChanges(msgspec.Struct, forbid_unknown_fields=True):
    change: list[RightChange]


def all_mistakes(course: Course) -> list[Mistake]:
    """Return the mistakes of all steps."""
    folder = _there(course, course.audit.mistakes)
    files = [folder / f"{module}.toml" for module in course.modules]
    return [mistake for file in files for mistake in msgspec.toml.decode(file.read_bytes(), type=_Mistakes).mistake]


def right_changes(course: Course) -> list[RightChange]:
    """Return the right changes, if the course has any, with the steps that each is judged by."""
    if not course.audit.changes:
        return []
    file = _there(course, course.audit.changes)
    changes = msgspec.toml.decode(file.read_bytes(), type=_RightChanges).change
    own = {step.module: (step.number,) for step in course.steps}
    return [msgspec.structs.replace(one, steps=one.steps or own[one.module]) for one in changes]


def variants(course: Course, step: int | None = None) -> list[str]:
    """Return the names of the variants, or of those that replace the module of a step: the complete one always."""
    pattern = "*.py" if step is None else f"{course.step(step).module}.py"
    folders = _there(course, course.audit.variants).iterdir()
    others = sorted(folder.name for folder in folders if any(folder.glob(pattern)))
    complete = _complete(course).name
    return [complete, *(name for name in others if name != complete)]


def stage_reference(course: Course, folder: Path) -> None:
    """Write the reference as a submission below a folder."""
    read_submission(course.reference_folder, course).stage(folder)


def stage_variant(course: Course, name: str, folder: Path) -> None:
    """Write a variant as a submission below a folder: the reference, with the variant's modules in place of its own."""
    if name == _complete(course).name:
        read_submission(_complete(course), course).stage(folder)
        return
    stage_reference(course, folder)
    for path in (course.path(course.audit.variants) / name).glob("*.py"):
        (folder / course.package / path.name).write_bytes(path.read_bytes())


def _complete(course: Course) -> Path:
    return _there(course, course.audit.complete)


def _replace_once(path: Path, old: str, new: str, name: str) -> None:
    source = path.read_text(encoding="utf-8")
    if source.count(old) != 1:
        raise ValueError(f"{name}: {path.name} holds {source.count(old)} times, not once: {old}")
    path.write_text(source.replace(old, new), encoding="utf-8")


def _there(course: Course, relative: str) -> Path:
    """Return what `course.toml` names; raises `BadCourse` if it is not there, as in an installed package."""
    path = course.path(relative)
    if not relative or not path.exists():
        raise BadCourse(f"{path} is not there: submissions whose verdicts are known come with a checkout; work in one.")
    return path
