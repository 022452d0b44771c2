"""What several commands take."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from graders.course import OWN_COURSE, Course, load_course
from graders.spreadsheets import NUMBER

MOST_SHOWN = 40  # characters of what is no number


class Whole(click.IntRange):
    """A whole number within bounds, in decimal digits alone: Python would read `1_0` as 10."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; what is none, or out of bounds, is wrong usage."""
        if isinstance(value, str) and not re.fullmatch(r"\s*[+-]?[0-9]{1,4000}\s*", value):
            self.fail(f"{value[:MOST_SHOWN]!r} is no whole number.", param, ctx)
        return super().convert(value, param, ctx)


class Number(click.FloatRange):
    """A number within bounds, written as in a sheet, but with a decimal point."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; what is none, or out of bounds, is wrong usage."""
        if isinstance(value, str) and ("," in value or not NUMBER.fullmatch(value.strip())):
            self.fail(f"{value[:MOST_SHOWN]!r} is no number.", param, ctx)
        return super().convert(value, param, ctx)


class CourseFolder(click.ParamType[Course]):
    """A folder with a `course.toml`, which becomes the course."""

    name = "folder"

    def convert(self, value: object, _: click.Parameter | None, __: click.Context | None) -> Course:
        """Return the course; raises `BadCourse` if there is none."""
        return value if isinstance(value, Course) else load_course(Path(str(value)))


course_option = click.option(
    "--course",
    type=CourseFolder(),
    default=str(OWN_COURSE),
    show_default="the course that comes with this package",
    help="Folder of the course's course.toml.",
)


lang_option = click.option(
    "--lang",
    "language",
    metavar="LANGUAGE",
    default="",
    show_default="that of the locale, or else English",
    help="The language to speak, by its code, such as en or el.",
)


def expect_steps(course: Course, *numbers: int | None) -> None:
    """Raise `UsageError` if a course lacks one of some steps; None stands for all steps."""
    known = [step.number for step in course.steps]
    if unknown := sorted({number for number in numbers if number is not None} - set(known)):
        there = ", ".join(map(str, known))
        raise click.UsageError(f"--step {unknown[0]}: this course has no such step; it has {there}.")


def claim(option: str, folder: Path) -> None:
    """Keep other runs out of a folder for results until the command ends.

    Args:
        option: how the command line names the folder.
        folder: the folder.

    Raises:
        InUse: another run has it.
        UsageError: nothing can be written there.
    """
    from graders.results.claim import claimed  # noqa: PLC0415

    try:
        click.get_current_context().with_resource(claimed(folder))
    except OSError as error:
        raise click.UsageError(f"{option}: nothing can be written there ({error.strerror}).") from error


@contextmanager
def without_collecting() -> Iterator[None]:
    """Keep the collector of garbage from what is loaded in here: going through it takes long, and it stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
