"""`graders mark`: written answers out to be marked, and marks in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from graders.commands.classroom.book import book_option, opened, user_at_hand
from graders.commands.errors import Command, ExitCode, Group, say
from graders.commands.options import course_option
from graders.commands.writing import write_folder
from graders.course import Course
from graders.questions import Question, load_questions
from graders.spreadsheets import BadSheet, for_excel, read_table


@click.group(cls=Group)
def mark() -> None:
    """Mark written answers."""


marker_option = click.option("--marker", default=user_at_hand, show_default="this user", help="Who marks.")


@mark.command("export", cls=Command)
@book_option
@click.option("--to", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the sheets.")
@click.option("--question", "wanted", multiple=True, help="Only this question, such as 6.4; may be repeated.")
@click.option("--anonymous", is_flag=True, help="Leave out whose the answers are.")
@click.option("--every-attempt", is_flag=True, help="Also the answers of attempts that do not count.")
@marker_option
@course_option
def export_sheets(
    url: str, to: Path, wanted: tuple[str, ...], anonymous: bool, every_attempt: bool, marker: str, course: Course
) -> None:
    """Write QUESTION.md to read and QUESTION.csv to fill in, for each question that has answers."""
    from graders.marking.sheets import markdown, table, unsaved  # noqa: PLC0415 - needs the gradebook's libraries
    from graders.statistics.advice import counted  # noqa: PLC0415

    questions = _questions(course, wanted)
    with opened(url) as book:
        there = book.answers([question.id for question in questions])
        chosen = {total.handin for total in book.totals(course.grades, questions).values()}
    # Which attempt is the best may depend on its marks.
    all_of_them = every_attempt or course.grades.attempt == "best"
    answers = there if all_of_them else [answer for answer in there if answer.handin in chosen]
    if left := len(there) - len(answers):
        say("graders", f"left out: {counted(left, 'answer')} of attempts that do not count; --every-attempt takes all.")
    for question in questions:
        before = to / f"{question.id}.csv"
        if not before.exists():
            continue
        text = read_table(before).text
        with _named(before):
            begun = unsaved(text, there)
        if begun:
            raise click.UsageError(
                f"--to {to}: {before.name} has marks that are not in the gradebook; import it first."
            )
    for question in questions:
        mine = [answer for answer in answers if answer.question == question.id]
        sheet, page = table(question, mine, marker, anonymous=anonymous), markdown(question, mine, anonymous=anonymous)
        if mine:
            write_folder("--to", to, {f"{question.id}.csv": for_excel(sheet), f"{question.id}.md": page})
        marked = sum(any(one.marker == marker for one in answer.marks) for answer in mine)
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
