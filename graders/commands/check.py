"""`lab check`: the public checks on a student's own checkout, in a process of their own."""

from __future__ import annotations

import os
import re
import sys
from functools import partial
from pathlib import Path

import click

from graders.commands.errors import Command, Settings, say
from graders.commands.home.place import home_course_option, root_of, root_option
from graders.commands.home.supervised import Supervision, notes_of_this_process
from graders.course import Course


@click.command(cls=Command)
@click.argument("steps", nargs=-1)
@click.option("--pdb", is_flag=True, help="Open the debugger in your code where a check fails.")
@root_option
@home_course_option
def check(steps: tuple[str, ...], pdb: bool, root: Path | None, course: Course) -> None:
    """Run the public checks of each STEP, by its number or its module's name, or of all steps."""
    numbers = {_step(text, course) for text in steps}
    home = root_of(course, root)
    settings = click.get_current_context().find_object(Settings) or Settings()
    notes = notes_of_this_process()
    if notes is None and settings.restartable:
        sys.exit(Supervision(partial(say, "lab")).run())
    # As in grading: for networks of a course's size more threads are slower, by far if the machine has other work.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name, value in course.sandbox.environment.items():
        os.environ.setdefault(name, value)
    from graders.commands.home.checking import Checking  # noqa: PLC0415 - `lab --help` need not load what checking needs

    sys.exit(Checking(course, numbers, home, notes, pdb=pdb).run())


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
        raise click.UsageError(f"{text!r} is no step of this course; it has steps {numbers}.")
    if match[2] and step.module != f"{step.label}{match[2]}":
        raise click.UsageError(f"{text!r} is no module of this course; step {step.number} is {step.module}.")
    return step.number
