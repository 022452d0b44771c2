"""Which steps a word of the command line means."""

from __future__ import annotations

import re
from pathlib import Path

import click

from graders.course import Course

RANGE = re.compile(r"(\d{1,2})-(\d{1,2})")


def steps_named(text: str, course: Course) -> list[int]:
    """Return the numbers of the steps that a number, a range, a label, or the name of a module or file means.

    Raises:
        UsageError: it is no step.
    """
    if not (found := RANGE.fullmatch(text)):
        return [_step(text, course)]
    first, last = (_step(end, course) for end in found.groups())
    if first > last:
        raise click.UsageError(f"{text!r} is no range of steps; the lower number comes first: {last}-{first}.")
    return [step.number for step in course.steps if first <= step.number <= last]


def _step(text: str, course: Course) -> int:
    """Return the number of a step that has checks, from a number, a label, or the name of its module or file."""
    match = re.fullmatch(r"(?:step)?0*(\d{1,2})(_\w+)?(?:\.py)?", Path(text).name)
    example = course.steps[-1]
    if not match:
        raise click.UsageError(
            f"{text!r} is no step; name one as {example.number}, {example.label} or {example.module}."
        )
    step = next((step for step in course.steps if step.number == int(match[1])), None)
    if step is None:
        numbers = ", ".join(str(step.number) for step in course.steps)
        raise click.UsageError(f"{text!r} is no step of this course; its steps: {numbers}.")
    if match[2] and step.module != f"{step.label}{match[2]}":
        raise click.UsageError(f"{text!r} is no module of this course; step {step.number} is {step.module}.")
    return step.number
