"""`lab submit`: what is handed in, packed and looked at as it will be where it is graded."""

from __future__ import annotations

import re
from pathlib import Path

import click

from graders.commands.errors import Command, words_for
from graders.commands.home.place import home_course_option, root_of, root_option
from graders.commands.options import lang_option
from graders.course import Course
from graders.text import folder_name, printable

# What stands for a name in the README of a starter kit, and below `lab check`.
PLACEHOLDERS = {"YOUR NAME", "YOUR NAME OR STUDENT NUMBER", "ΤΟ ΟΝΟΜΑ ΣΟΥ", "ΤΟ ΟΝΟΜΑ Ή Ο ΑΡΙΘΜΟΣ ΜΗΤΡΩΟΥ ΣΟΥ"}
NO_NAME = re.compile(r'[<>:"|?*]|^\.+|[. ]+$')  # what some system does not take in a file's name


@click.command(cls=Command)
@click.argument("notebook", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", "who", required=True,
              help="Whose it is: your student number or full name; of a group, all, with commas.")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), show_default="beside what you hand in",
              help="Folder for the file that you hand in.")  # fmt: skip
@root_option
@home_course_option
@lang_option
def submit(notebook: Path | None, who: str, out: Path | None, root: Path | None, course: Course, language: str) -> None:
    """Pack what you hand in, or take a NOTEBOOK, under your name; look at it as grading will, and say what is missing.

    It ends with 0 also where something is missing: you may hand that in.
    """
    from graders.commands.writing import write_folder  # noqa: PLC0415
    from graders.intake.archives import NoSubmission, UnreadableSubmission  # noqa: PLC0415 - `--help` needs none of these
    from graders.intake.handing_in import hand_in_of, may_replace  # noqa: PLC0415

    words = words_for(language, course)
    name = NO_NAME.sub("_", folder_name(" ".join(who.split())))
    if not name.strip("_ "):
        raise click.UsageError(f"--name {who!r}: give your student number or your full name.")
    source = notebook or root_of(course, root) / course.package
    try:
        found = hand_in_of(source, course)
    except (NoSubmission, UnreadableSubmission) as error:
        raise click.UsageError(f"This would not be taken: {error}") from error
    out = out or source.resolve().parent
    file = out / f"{name}{found.suffix}"
    if not may_replace(file, found.content, course):
        raise click.UsageError(f"{file} is there already with other content: rename it, or take another --out.")
    write_folder("--out", out, {file.name: found.content})
    for line in found.missing:
        click.echo(words.text(line))
    for note in found.notes:
        click.echo(words.say("Note: {note}.", note=printable(words.text(note))))
    if name in PLACEHOLDERS:
        click.echo(words.say("Note: the file has no name of yours; give that with --name."))
    if not found.missing:
        click.echo(f"{words.say('Nothing is missing.')} ", nl=False)
    click.echo(words.say("Hand in {file}", file=printable(str(file.resolve()))))
