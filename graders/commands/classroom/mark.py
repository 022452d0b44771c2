"""`graders mark`: written answers out to be marked, and marks in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from graders.commands.classroom.book import book_option, opened, user_at_hand
from graders.commands.errors import Command, ExitCode, Group, say
from graders.commands.options import Whole, course_option, lang_option
from graders.commands.writing import write_folder
from graders.course import Course
from graders.outcomes import HarnessFault
from graders.questions import Question, load_questions
from graders.spreadsheets import BadSheet, for_excel, read_table
from graders.words.choice import chosen_words

SECONDS_TO_WAIT = 5.0  # for a gradebook that others have locked, while somebody looks at a page


@click.group(cls=Group)
def mark() -> None:
    """Mark written answers."""


def _expect_name(_: click.Context, __: click.Parameter, marker: str) -> str:
    if not marker.strip():
        raise click.UsageError("--marker: a name is wanted, which stands beside the marks.")
    return marker.strip()


marker_option = click.option(
    "--marker", default=user_at_hand, show_default="this user", callback=_expect_name, help="Who marks."
)
question_option = click.option(
    "--question", "wanted", multiple=True, help="Only this question, such as 6.4; may be repeated."
)
anonymous_option = click.option("--anonymous", is_flag=True, help="Leave out whose the answers are.")
every_option = click.option("--every-attempt", is_flag=True, help="Also the answers of attempts that do not count.")


@mark.command("export", cls=Command)
@book_option
@click.option("--to", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the sheets.")
@question_option
@anonymous_option
@every_option
@marker_option
@lang_option
@course_option
def export_sheets(
    url: str,
    to: Path,
    wanted: tuple[str, ...],
    anonymous: bool,
    every_attempt: bool,
    marker: str,
    language: str,
    course: Course,
) -> None:
    """Write QUESTION.md to read and QUESTION.csv to fill in, for each question that has answers."""
    from graders.marking.chosen import to_be_marked  # noqa: PLC0415 - needs the gradebook's libraries
    from graders.marking.sheets import markdown, table, unsaved  # noqa: PLC0415
    from graders.results.gradebook.rows import of_marker  # noqa: PLC0415
    from graders.statistics.advice import counted  # noqa: PLC0415

    words = chosen_words(language, os.environ, course.words_folder)
    questions = _questions(course, wanted)
    with opened(url) as book:
        answers, left = to_be_marked(book, questions, course.grades, every_attempt=every_attempt)
    if left:
        say(
            "graders",
            f"left out: {counted(len(left), 'answer')} of attempts that do not count; --every-attempt takes all.",
        )
    for question in questions:
        before = to / f"{question.id}.csv"
        if not before.exists():
            continue
        text = read_table(before).text
        with _named(before):
            begun = unsaved(text, [*answers, *left])
        if begun:
            raise click.UsageError(
                f"--to {to}: {before.name} has marks that are not in the gradebook; import it first."
            )
    for question in questions:
        mine = [answer for answer in answers if answer.question == question.id]
        sheet = table(question, mine, marker, anonymous=anonymous)
        page = markdown(question, mine, anonymous=anonymous, words=words)
        if mine:
            write_folder("--to", to, {f"{question.id}.csv": for_excel(sheet), f"{question.id}.md": page})
        marked = sum(of_marker(marker, answer.marks) is not None for answer in mine)
        click.echo(f"{question.id} {question.title}: {counted(len(mine), 'answer')}, {marked} marked by {marker}")


@mark.command("import", cls=Command)
@book_option
@click.argument("sheets", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@marker_option
@course_option
@click.pass_context
def import_sheets(context: click.Context, url: str, sheets: tuple[Path, ...], marker: str, course: Course) -> None:
    """Read SHEETS that were filled in; of a sheet in which something does not fit, nothing counts."""
    from graders.marking.sheets import read  # noqa: PLC0415
    from graders.results.gradebook.rows import Marked  # noqa: PLC0415
    from graders.statistics.advice import counted  # noqa: PLC0415

    questions = _questions(course, ())
    refused = False
    with opened(url) as book:
        answers = book.answers()
        for sheet in sheets:
            try:
                table = read_table(sheet)
                with _named(sheet):
                    marks = read(table.text, questions, answers, marker)
            except BadSheet as error:
                refused = True
                for line in str(error).splitlines():
                    say("graders", line)
                continue
            for note in table.notes:
                say("graders", f"{sheet}: {note}.")
            book.mark((one.answer, Marked(one.answer.question, one.points, marker, one.comment)) for one in marks)
            click.echo(f"{sheet}: {counted(len(marks), 'mark')}")
    if refused:
        context.exit(ExitCode.BAD_INPUT)


@mark.command(cls=Command)
@book_option
@question_option
@anonymous_option
@every_option
@marker_option
@click.option("--independently", is_flag=True,
              help="Also mark what others have marked, and see their marks only after your own.")  # fmt: skip
@click.option("--port", type=Whole(0, 65535), default=0, show_default="a free one", help="Where to listen.")
@lang_option
@course_option
def serve(
    url: str,
    wanted: tuple[str, ...],
    anonymous: bool,
    every_attempt: bool,
    marker: str,
    independently: bool,
    port: int,
    language: str,
    course: Course,
) -> None:
    """Mark written answers in the browser of this machine: open the address that is printed; Ctrl-C ends it.

    Each mark is in the gradebook once it is saved. Several may mark at once, each with a server and a name.
    """
    words = chosen_words(language, os.environ, course.words_folder)
    questions = _questions(course, wanted)
    with opened(url, patience=SECONDS_TO_WAIT) as book:
        try:
            from graders.marking.desk import Desk  # noqa: PLC0415 - the libraries of an extra, and slow to load
            from graders.marking.server import Manner  # noqa: PLC0415
            from graders.marking.serving import listen, serve_until_interrupted  # noqa: PLC0415
        except ImportError as error:
            raise HarnessFault(
                f"graders mark serve needs {error.name}, which comes with this package's extra: "
                "pip install '.[gradebook,marking]'."
            ) from error
        desk = Desk(book, questions, course.grades, marker, independently=independently, every_attempt=every_attempt)
        with listen(port) as listening:
            serve_until_interrupted(desk, listening, Manner(course.title, anonymous, words), click.echo)


@contextmanager
def _named(sheet: Path) -> Iterator[None]:
    """Give the sheet's name to each line of what is wrong with its text."""
    try:
        yield
    except BadSheet as error:
        raise BadSheet("\n".join(f"{sheet}: {line}" for line in str(error).splitlines())) from error


def _questions(course: Course, wanted: tuple[str, ...]) -> list[Question]:
    questions = load_questions(course)
    if not questions:
        raise click.UsageError("this course has no written questions.")
    if unknown := sorted(set(wanted) - {question.id for question in questions}):
        raise click.UsageError(f"--question {unknown[0]}: this course has no such question.")
    return [question for question in questions if not wanted or question.id in wanted]
