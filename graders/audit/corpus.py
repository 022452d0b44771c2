"""The corpus: submissions whose verdicts are known, made by changing the reference; with them the checks are judged.

A mistake is one change that makes the reference wrong; the course keeps a file of them for each step module. A variant
is right, and unlike the reference: the course has a folder for each, with the step modules that it replaces; a complete
submission is one too.
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
    """

    name: str
    check: str
    old: str
    new: str
    outcome: Outcome = Outcome.FAILED
    also: frozenset[str] = frozenset()
    measured: frozenset[str] = frozenset()

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
        source = path.read_text(encoding="utf-8")
        if source.count(self.old) != 1:
            raise ValueError(f"{self.name}: {path.name} holds {source.count(self.old)} times, not once: {self.old}")
        path.write_text(source.replace(self.old, self.new), encoding="utf-8")


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    mistake: list[Mistake]


def all_mistakes(course: Course) -> list[Mistake]:
    """Return the mistakes of all steps."""
    folder = _there(course, course.audit.mistakes)
    files = [folder / f"{module}.toml" for module in course.modules]
    return [mistake for file in files for mistake in msgspec.toml.decode(file.read_bytes(), type=_Table).mistake]


def variants(course: Course, step: int | None = None) -> list[str]:
    """Return the names of the variants, or of those that replace the module of a step: the complete one always."""
    pattern = "*.py" if step is None else f"{course.step(step).module}.py"
    folders = _there(course, course.audit.variants).iterdir()
    return [_complete(course).name, *sorted(folder.name for folder in folders if any(folder.glob(pattern)))]


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


def _there(course: Course, relative: str) -> Path:
    """Return a folder that `course.toml` names; raises `BadCourse` if it is not there, as in an installed package."""
    path = course.path(relative)
    if not relative or not path.is_dir():
        raise BadCourse(f"{path} is not there: submissions whose verdicts are known come with a checkout; work in one.")
    return path
