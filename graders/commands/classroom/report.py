"""`graders report`: pages for students, and one about the class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graders.commands.classroom.book import expect_one_source, judged_of, opened
from graders.commands.errors import Command, say
from graders.commands.options import course_option
from graders.commands.writing import write_folder
from graders.course import Course
from graders.questions import load_questions
from graders.results.files import each_result, unreadable_results
from graders.text import folder_name

if TYPE_CHECKING:
    from graders.pages.submission import Known
    from graders.results.schema import Result

CLASS = "class.html"


@click.command(cls=Command)
@click.option("--results", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Folder for results, as graders run --out names it.")  # fmt: skip
@click.option("--gradebook", "url", metavar="URL",
              help="The gradebook; it knows earlier attempts, marks and totals too.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the pages.")
@click.option("--class", "whole", is_flag=True, help=f"Write {CLASS}, for the instructor, instead of feedback.")
@course_option
def report(results: Path | None, url: str | None, out: Path, whole: bool, course: Course) -> None:
    """Write a page of feedback for each submission, NAME.html, to be sent to whoever handed it in.

    A page needs nothing besides itself: no script, no other file, no network.
    """
    from graders.statistics.advice import counted  # noqa: PLC0415 - `--help` needs none of these

    expect_one_source(url, results)
    pages = _class_page(results, url, course) if whole else _feedback(results, url, course)
    count = 0
    for name, page in pages:
        write_folder("--out", out, {name: page})
        count += 1
    if not count:
        raise click.UsageError("there is no result: graders run --out, or --gradebook, keeps them.")
    click.echo(f"{counted(count, 'page')} in {out}")


def _feedback(results: Path | None, url: str | None, course: Course) -> Iterator[tuple[str, bytes]]:
    from graders.pages.submission import page_of  # noqa: PLC0415 - `--help` needs none of these

    if results is not None:
        for file in unreadable_results(results):
            say("graders", f"{file}: is damaged, or of another version; it gets no page.")
        for result in each_result(results):
            yield f"{folder_name(result.submission)}.html", page_of(result)
        return
    assert url is not None
    taken: dict[str, int] = {}
    for result, known in _from_gradebook(url, course):
        handin = result.handin
        name = folder_name("+".join(handin.students) or handin.name) if handin else folder_name(result.submission)
        if handin and handin.attempt > 1:
            name = f"{name}-attempt-{handin.attempt}"
        count = taken[name.casefold()] = taken.get(name.casefold(), 0) + 1
        yield f"{name}{f'-{count}' if count > 1 else ''}.html", page_of(result, known)


def _from_gradebook(url: str, course: Course) -> Iterator[tuple[Result, Known]]:
    """Yield the last result of each hand-in, with the attempt before it, its marks, and the total that it leads to."""
    import msgspec  # noqa: PLC0415

    from graders.pages.submission import Known  # noqa: PLC0415

    with opened(url) as book:
        found, totals = book.results(), book.totals(course.grades, load_questions(course))
        marks = book.marks()
    for number, (handin, result) in found.items():
        owners = set(handin.students)
        earlier = {
            (other.attempt, key): old
            for key, (other, old) in found.items()
            if owners & set(other.students) and (other.attempt, key) < (handin.attempt, number)
        }
        before = earlier[max(earlier)] if earlier else None
        total = totals.get(handin.students[0]) if len(handin.students) == 1 else None
        because = total.because if total and total.handin == number else ()
        yield msgspec.structs.replace(result, handin=handin), Known(before, marks.get(number, {}), because)


def _class_page(results: Path | None, url: str | None, course: Course) -> Iterator[tuple[str, bytes]]:
    from graders.pages.classroom import class_page  # noqa: PLC0415

    if judged := judged_of(results, url, course):
        yield CLASS, class_page(judged)
