"""The written questions of a course, which a person marks."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection
from typing import Annotated

import msgspec

from graders.course import BadCourse, Course


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A written question.

    Attributes:
        id: `6.4`, the step and the question's number in it.
        step: its step.
        title: what it is about, in a few words.
        prompt: the question itself.
        points: the most that its answer gives.
        rubric: what these points are for, a line each.
    """

    id: str
    step: int
    title: str
    prompt: str
    points: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    rubric: tuple[str, ...] = ()


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    question: tuple[Question, ...]


@functools.lru_cache(maxsize=2)
def _decoded(text: bytes) -> tuple[Question, ...]:
    """Decode a file of questions: that takes a while, and each submission asks for it."""
    return msgspec.toml.decode(text, type=_Table).question


def load_questions(course: Course, steps: Collection[int] = ()) -> list[Question]:
    """Read the questions, in the order of steps and, inside one, of the file.

    Args:
        course: the course; one without a file of questions has none.
        steps: the steps wanted; none means all.

    Raises:
        BadCourse: the file cannot be read, two questions share an id, or an id does not begin with its step.
    """
    if not course.written.questions:
        return []
    file = course.path(course.written.questions)
    try:
        questions = _decoded(file.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadCourse(f"{file}: {error}.") from error
    seen: set[str] = set()
    for question in questions:
        if question.id in seen or not re.fullmatch(rf"{question.step}\.[1-9][0-9]?", question.id):
            raise BadCourse(f"{file}: {question.id} is there twice, or is no id of a question of step {question.step}.")
        seen.add(question.id)
    return sorted((one for one in questions if not steps or one.step in steps), key=lambda question: question.step)
