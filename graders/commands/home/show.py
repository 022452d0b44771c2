"""`lab show`: the figures of a step, drawn by the student's code on the course's data."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graders.commands.errors import Command, ExitCode, words_for
from graders.commands.home.place import home_course_option, root_of, root_option
from graders.commands.home.steps import steps_named
from graders.commands.options import lang_option
from graders.course import Course
from graders.text import printable

if TYPE_CHECKING:
    from graders.authoring.figures import Figure


@click.command(cls=Command)
@click.argument("step", metavar="STEP")
@click.argument("notebook", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), show_default="figures, beside what you write",
              help="Folder for the figures.")  # fmt: skip
@click.option("--open", "opens", is_flag=True, help="Open each figure.")
@root_option
@home_course_option
@lang_option
def show(
    step: str, notebook: Path | None, out: Path | None, opens: bool, root: Path | None, course: Course, language: str
) -> None:
    """Draw the figures of a STEP with your code, or that of a NOTEBOOK, on the course's data.

    It ends with 1 if one of them could not be drawn.
    """
    from graders.commands.home.work import work_of  # noqa: PLC0415 - `--help` needs none of these
    from graders.commands.writing import write_folder  # noqa: PLC0415
    from graders.feedback.checks import ending, mark_of  # noqa: PLC0415
    from graders.judging.local import LocalSubject  # noqa: PLC0415
    from graders.outcomes import SubmissionError  # noqa: PLC0415
    from graders.seeding import seed_libraries  # noqa: PLC0415

    words = words_for(language, course)
    for name, value in course.sandbox.environment.items():
        os.environ.setdefault(name, value)
    figures = _figures_of(steps_named(step, course), course)
    home = notebook or root_of(course, root)
    out = out or (home.resolve().parent if notebook else home) / "figures"
    failed = False
    with work_of(home, course) as work, LocalSubject(course, work.root) as subject:
        for one in figures:
            seed_libraries(one.step)
            try:
                content = one.draw(subject.package, course.path(course.data))
            except SubmissionError as error:
                outcome, message = error.outcome, str(error)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it costs this figure alone
                outcome, message = subject.explain(error)
            else:
                file = f"{course.step(one.step).label}-{one.name}"
                write_folder("--out", out, {file: content})
                click.echo(f"✓ {words.text(one.title)}: {printable(str((out / file).resolve()))}")
                if opens:
                    click.launch(str((out / file).resolve()))
                continue
            failed = True
            click.echo(f"{mark_of(outcome)} {words.text(one.title)}")
            click.echo(f"    {ending(outcome, message, words)}")
    sys.exit(ExitCode.CHECK_FAILED if failed else ExitCode.DONE)


def _figures_of(steps: list[int], course: Course) -> list[Figure]:
    """Return the figures of some steps; raises `UsageError` if they have none."""
    known: list[Figure] = list(course.load(course.figures).FIGURES) if course.figures else []
    found = [one for one in known if one.step in steps]
    if not found:
        having = ", ".join(str(number) for number in sorted({one.step for one in known}))
        told = f"steps with figures: {having}" if having else "no step of this course has one"
        raise click.UsageError(f"Nothing is drawn in step {', '.join(map(str, steps))}; {told}.")
    return found
