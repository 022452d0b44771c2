"""`graders words`: files of translations, brought up to date or looked through."""

from __future__ import annotations

import re
import sys

import click

from graders.commands.errors import Command, ExitCode
from graders.commands.options import course_option
from graders.course import Course

CODE = re.compile(r"[a-z]{2,3}(_[A-Za-z]{2,4})?")
SHOWN = 40


@click.command(cls=Command)
@click.option("--engine", is_flag=True, help="The engine's own words, instead of a course's.")
@click.option("--new", metavar="LANGUAGE", help="Begin a language, by its code, such as fr.")
@click.option("--check", is_flag=True, help="Write nothing; only say what is missing, wrong, or said nowhere any more.")
@course_option
def words(engine: bool, new: str | None, check: bool, course: Course) -> None:
    """Bring the files of translations of a course up to date: WORDS/LANGUAGE/*.po, of every language that it has.

    What is new stands there with an empty msgstr; what is said nowhere any more is taken out. It ends with exit code 1
    if something is not translated.
    """
    from graders.commands.writing import write_folder  # noqa: PLC0415 - `--help` needs none of these
    from graders.translating.catalogues import problems_of, texts_by_file, updated  # noqa: PLC0415
    from graders.words.choice import translated  # noqa: PLC0415

    if new and not CODE.fullmatch(new):
        raise click.UsageError(f"--new {new}: this is no code of a language; give one such as fr or pt_BR.")
    files = texts_by_file(None if engine else course)
    languages = sorted({*translated(folder for folder, _ in files), *([new] if new else [])})
    if not languages:
        raise click.UsageError("there is no language yet; begin one with --new LANGUAGE.")
    problems = []
    for language in languages:
        made = {
            (folder / language, name): updated(folder / language / name, language, texts)
            for (folder, name), texts in files.items()
        }
        for (folder, name), text in made.items() if not check else ():
            write_folder("--new" if new else "words", folder, {name: text})
        for (folder, name), texts in files.items():
            problems += problems_of(folder / language / name, texts)
    for problem in problems[:SHOWN]:
        click.echo(str(problem))
    if problems[SHOWN:]:
        click.echo(f"and {len(problems) - SHOWN} more.")
    count = sum(len(texts) for texts in files.values())
    click.echo(f"{', '.join(languages)}: {count} texts, {len(problems)} to mend.")
    sys.exit(ExitCode.CHECK_FAILED if problems else ExitCode.DONE)
