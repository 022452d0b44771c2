"""The written questions of a course, which a person marks."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import msgspec

from graders.course import BadCourse, Course


class RubricItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of a rubric that is worth points of its own.

    Attributes:
        text: what an answer has to say, or what it must not.
        points: what that adds; negative ones are taken off.
    """

    text: str
    points: float

    @property
    def line(self) -> str:
        """The item as a line of text."""
        return f"{self.text} ({self.points:+g})"


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A written question.

    Attributes:
        id: `6.4`, the step and the question's number in it.
        step: its step.
        title: what it is about, in a few words.
        prompt: the question itself.
        points: the most that its answer gives.
        rubric: what these points are for, a line each; either all lines have points of their own, or none has.
    """

    id: str
    step: int
    title: str
    prompt: str
    points: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    rubric: tuple[str | RubricItem, ...] = ()

    @property
    def items(self) -> tuple[RubricItem, ...]:
        """The lines of the rubric that have points of their own."""
        return tuple(one for one in self.rubric if isinstance(one, RubricItem))

    @property
    def lines(self) -> tuple[str, ...]:
        """The rubric as lines of text."""
        return tuple(one.line if isinstance(one, RubricItem) else one for one in self.rubric)


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    question: tuple[Question, ...]


def load_questions(course: Course, steps: Collection[int] = ()) -> list[Question]:
    """Read the questions, in the order of steps and, inside one, of the file.

    Args:
        course: the course; one without a file of questions has none.
        steps: the steps wanted; none means all.

    Raises:
        BadCourse: the file cannot be read, two questions share an id, an id does not begin with its step, or some
            lines of a rubric have points and others have none.
    """
    if not course.written.questions:
        return []
    file = course.path(course.written.questions)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BadCourse(f"{file}: {error}.") from error
    return [one for one in _questions(file, content) if not steps or one.step in steps]


@functools.lru_cache(maxsize=2)
def _questions(file: Path, content: bytes) -> tuple[Question, ...]:
    """Return the questions that a file holds, in the order of their steps: each submission asks for them."""
    try:
        questions = msgspec.toml.decode(content, type=_Table).question
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadCourse(f"{file}: {error}.") from error
    seen: set[str] = set()
    for question in questions:
        if question.id in seen or not re.fullmatch(rf"{question.step}\.[1-9][0-9]?", question.id):
            raise BadCourse(f"{file}: {question.id} is there twice, or is no id of a question of step {question.step}.")
        if 0 < len(question.items) < len(question.rubric) or len(set(question.lines)) < len(question.lines):
            raise BadCourse(
                f"{file}: the rubric of {question.id} has points in some lines only, or the same line twice."
            )
        seen.add(question.id)
    return tuple(sorted(questions, key=lambda question: question.step))
