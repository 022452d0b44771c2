"""What an audit judges: right submissions, mistakes and mutants, each as a submission for one step."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from graders.audit.corpus import (
    Mistake,
    all_mistakes,
    right_changes,
    stage_reference,
    stage_variant,
    variants,
)
from graders.course import Course, Step
from graders.intake.submission import Submission, read_submission
from graders.results.provenance import modules_called

if TYPE_CHECKING:
    from graders.audit.mutants import Mutant

Kind: TypeAlias = Literal["right", "mistake", "mutant"]

NAME_DIGITS = 12  # hexadecimal, of the folder of a submission
REFERENCE = "reference"


@dataclass(frozen=True)
class Specimen:
    """One submission for one step, of which is known what the checks have to say.

    Attributes:
        kind: what it is.
        step: the number of the step.
        name: what it is called, for people.
        place: the folder that it is staged in; its last part is its name in results.
        mistake: what is wrong with it, if it is a mistake.
        mutant: likewise, if it is a mutant.
    """

    kind: Kind
    step: int
    name: str
    place: Path
    mistake: Mistake | None = None
    mutant: Mutant | None = field(default=None, repr=False)


def right_specimens(course: Course, step: Step, folder: Path) -> Iterator[Specimen]:
    """Stage the right submissions of a step below a folder: the reference, its variants, the right changes."""
    place = folder / REFERENCE
    stage_reference(course, place)
    yield Specimen("right", step.number, REFERENCE, place)
    for name in variants(course, step.number):
        place = folder / f"variant-{_short(name)}"
        stage_variant(course, name, place)
        yield Specimen("right", step.number, name, place)
    for change in right_changes(course):
        if step.number in change.steps:
            place = folder / f"change-{_short(change.module + change.name)}"
            stage_reference(course, place)
            change.make_in(place, course)
            yield Specimen("right", step.number, change.name, place)


def mistaken_specimens(course: Course, step: Step, folder: Path) -> Iterator[Specimen]:
    """Stage the mistakes of a step below a folder."""
    reference = _reference(course, step)
    for mistake in all_mistakes(course):
        if course.step_of_check(mistake.check) == step:
            place = folder / f"mistake-{_short(mistake.check + mistake.name)}"
            reference.stage(place)
            mistake.make_in(place, course)
            yield Specimen("mistake", step.number, mistake.name, place, mistake=mistake)


def mutated_specimens(course: Course, step: Step, mutants: Collection[Mutant], folder: Path) -> Iterator[Specimen]:
    """Stage mutants for the checks of a step, of its own module or of one that it calls, below a folder."""
    reference = _reference(course, step)
    for mutant in mutants:
        place = folder / f"mutant-{mutant.key}"
        reference.stage(place)
        (place / course.package / f"{mutant.step.module}.py").write_text(mutant.source, encoding="utf-8")
        name = f"{mutant.place or mutant.step.module}, line {mutant.line}: {mutant.operator}"
        yield Specimen("mutant", step.number, name, place, mutant=mutant)


def _reference(course: Course, step: Step) -> Submission:
    """Return what the checks of a step can reach of the reference."""
    return read_submission(course.reference_folder, course).part(modules_called(course, step))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:NAME_DIGITS]
