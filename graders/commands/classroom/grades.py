"""`graders grades`: what each student gets, how that came about, and what a person decides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graders.commands.classroom.book import book_option, opened
from graders.commands.errors import Command, Group
from graders.commands.options import Number, Whole, course_option, expect_steps
from graders.commands.writing import file_option, write
from graders.course import Course
from graders.questions import load_questions
from graders.spreadsheets import csv_text, for_excel
from graders.text import cell, printable

if TYPE_CHECKING:
    from graders.results.gradebook.book import Gradebook
    from graders.results.gradebook.grades import Total


LARGEST = 1e6
MOST_DAYS = 9999  # as in a roster
POINTS = Number(-LARGEST, LARGEST)


@click.group(cls=Group)
def grades() -> None:
    """Show and change the grades of a class."""


@grades.command(cls=Command)
@book_option
@click.option("--student", help="Show how this student's total came about.")
@file_option("--csv", "file", "Write a CSV file")
@course_option
def show(url: str, student: str | None, file: Path | None, course: Course) -> None:
    """Show each student's total."""
    with opened(url) as book:
        totals = book.totals(course.grades, load_questions(course))
        names = {one.id: one.name for one in book.students()}
        names |= {one.id: f"{one.name} (has left the class)" for one in book.former_students()}
    if student is not None:
        if student not in totals:
            raise click.UsageError(f"--student {student}: nobody in the gradebook has this id.")
        _explain(student, names.get(student, ""), totals[student])
    elif file:
        write("--csv", file, for_excel(_table(totals, names)))
    else:
        _print_table(totals, names)


def _explain(student: str, name: str, total: Total) -> None:
    of = f" of {total.max_points:g}" if total.max_points else ""  # what is to be had is known once somebody is graded
    click.echo(f"{student} {name}".rstrip() + f": {total.points:g}{of}")
    for line in (*(f"step {step}: {points:g}" for step, points in total.steps.items()), *total.account):
        click.echo(f"  {printable(line)}")


def _table(totals: Mapping[str, Total], names: Mapping[str, str]) -> str:
    steps = sorted({step for total in totals.values() for step in total.steps})
    header = [
        "id",
        "name",
        "total",
        "of",
        *(f"step_{step}" for step in steps),
        "written",
        "attempt",
        "late_days",
        "why",
    ]
    rows: list[list[object]] = []
    for student, total in totals.items():
        points = [total.steps.get(step, "") for step in steps]
        rows.append(
            [
                cell(student),
                cell(names.get(student, "")),
                total.points,
                total.max_points or "",
                *points,
                total.marks,
                total.place or "",
                total.late_days,
                cell("; ".join(total.because)),
            ]
        )
    return csv_text([header, *rows])


def _print_table(totals: Mapping[str, Total], names: Mapping[str, str]) -> None:
    from rich.table import Table  # noqa: PLC0415 - `--help` need not load it
    from rich.text import Text  # noqa: PLC0415

    from graders.feedback.terminal import PatientConsole  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    for name in ("id", "name"):
        table.add_column(name, overflow="fold")
    for name in ("total", "of", "late days"):
        table.add_column(name, justify="right")
    table.add_column("why", overflow="fold")
    for student, total in totals.items():
        words = (student, names.get(student, "not in the roster"))
        numbers = (f"{total.points:g}", f"{total.max_points:g}" if total.max_points else "", str(total.late_days or ""))
        table.add_row(*(Text(printable(word)) for word in words), *numbers, Text(printable("; ".join(total.because))))
    PatientConsole().print(table)


@grades.command(cls=Command)
@book_option
@click.argument("student")
@click.argument("points", type=POINTS)
@click.option("--step", type=Whole(min=1), help="The step whose points these are  [default: the total].")
@click.option("--reason", required=True, help="Why; it stands in the history, and where the total is explained.")
@course_option
def override(url: str, student: str, points: float, step: int | None, reason: str, course: Course) -> None:
    """Give STUDENT these POINTS in place of computed ones."""
    expect_steps(course, step)
    with opened(url) as book:
        _expect_known(student, book)
        book.override(student, step, points, reason)


@grades.command(cls=Command)
@book_option
@click.argument("student")
@click.option("--step", type=Whole(min=1), help="The step whose points are computed again  [default: total].")
def withdraw(url: str, student: str, step: int | None) -> None:
    """Let STUDENT's computed points count again."""
    with opened(url) as book:
        if not book.withdraw(student, step):
            raise click.UsageError(f"{student}: there is no such override to withdraw.")


@grades.command("late-days", cls=Command)
@book_option
@click.argument("student")
@click.argument("days", type=Whole(1, MOST_DAYS))
@click.option("--reason", required=True, help="Why; it stands in the history.")
def late_days(url: str, student: str, days: int, reason: str) -> None:
    """Give STUDENT so many DAYS after the deadline that cost nothing, besides those that there are."""
    with opened(url) as book:
        _expect_known(student, book)
        book.grant_late_days(student, days, reason)


@grades.command(cls=Command)
@book_option
def history(url: str) -> None:
    """Print every change of the gradebook: when, who, what, of whom, from what to what."""
    with opened(url) as book:
        changes = book.history()
    rows = [["at", "by", "what", "of", "before", "after"]]
    for change in changes:
        words = (change.at, change.by, change.what, change.subject, _told(change.before), _told(change.after))
        rows.append([cell(word) for word in words])
    click.echo(csv_text(rows), nl=False)


def _told(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in values.items())


def _expect_known(student: str, book: Gradebook) -> None:
    if not book.knows(student):
        raise click.UsageError(f"{student}: nobody in the gradebook has this id; `graders grades show` lists them.")
