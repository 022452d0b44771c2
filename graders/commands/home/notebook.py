"""`lab notebook`: what there is to write, and what is written already, as a Jupyter notebook."""

from __future__ import annotations

from pathlib import Path

import click

from graders.commands.errors import Command, say, words_for
from graders.commands.home.place import home_course_option, root_of, root_option
from graders.commands.options import Whole, expect_steps, lang_option
from graders.course import Course


@click.command(cls=Command)
@click.option("--step", "numbers", type=Whole(), multiple=True, help="This step only; may be repeated.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), show_default="beside what you write",
              help="The notebook to write.")  # fmt: skip
@root_option
@home_course_option
@lang_option
def notebook(numbers: tuple[int, ...], out: Path | None, root: Path | None, course: Course, language: str) -> None:
    """Write a notebook to work in instead of the step modules, with what you have in these and in your answers.

    Its cell `check(4)` shows the checks of step 4 in place.
    """
    from graders.commands.writing import write  # noqa: PLC0415 - `--help` needs none of these
    from graders.notebooks.writing import write_notebook  # noqa: PLC0415

    words = words_for(language, course)
    expect_steps(course, *numbers)
    folder = root_of(course, root)
    steps = [step for step in course.steps if not numbers or step.number in numbers]
    name = "-".join([course.package, *(step.label for step in steps if numbers)])
    file = out or folder / f"{name}.ipynb"
    written = write_notebook(course, steps, folder / course.package, file.name)
    if file.exists() and file.read_bytes() != written.content:
        raise click.UsageError(f"{file} is there already, perhaps with work of yours: name another file with --out.")
    write("--out", file, written.content)
    for note in written.notes:
        say("lab", words.text(note))
    click.echo(words.say("Wrote {file}", file=file.resolve()))
