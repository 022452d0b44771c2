"""`graders report`: pages for students, and one about the class."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graders.commands.classroom.book import expect_one_source, judged_of, opened
from graders.commands.classroom.reading import readable_results
from graders.commands.errors import Command
from graders.commands.options import course_option, lang_option
from graders.commands.writing import write_folder
from graders.course import Course
from graders.questions import load_questions
from graders.text import folder_name
from graders.words.choice import chosen_words
from graders.words.spoken import Words

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
@lang_option
@course_option
def report(results: Path | None, url: str | None, out: Path, whole: bool, language: str, course: Course) -> None:
    """Write a page of feedback for each submission, NAME.html, to be sent to whoever handed it in.

    A page needs nothing besides itself: no script, no other file, no network.
    """
    from graders.statistics.advice import counted  # noqa: PLC0415 - `--help` needs none of these

    expect_one_source(url, results)
    words = chosen_words(language, os.environ, course.words_folder)
    pages = _class_page(results, url, course, words) if whole else _feedback(results, url, course, words)
    count = 0
    for name, page in pages:
        write_folder("--out", out, {name: page})
        count += 1
    if not count:
        raise click.UsageError("there is no result: graders run --out, or --gradebook, keeps them.")
    click.echo(f"{counted(count, 'page')} in {out}")


def _feedback(results: Path | None, url: str | None, course: Course, words: Words) -> Iterator[tuple[str, bytes]]:
    from graders.pages.submission import page_of  # noqa: PLC0415 - `--help` needs none of these

    taken: set[str] = set()
    if results is not None:
        for result in readable_results(results, "it gets no page"):
            yield f"{_free(folder_name(result.submission), taken)}.html", page_of(result, words=words)
        return
    assert url is not None
    for result, known in _from_gradebook(url, course):
        handin = result.handin
        name = folder_name("+".join(handin.students) or handin.name) if handin else folder_name(result.submission)
        if handin and handin.attempt > 1:
            name = f"{name}-attempt-{handin.attempt}"
        yield f"{_free(name, taken)}.html", page_of(result, known, words)


def _free(name: str, taken: set[str]) -> str:
    """Return a name that no page has yet, also where files' names know no capital letters; it is taken then."""
    numbered = (f"{name}-{number}" for number in itertools.count(2))
    free = next(one for one in itertools.chain([name], numbered) if one.casefold() not in taken)
    taken.add(free.casefold())
    return free


def _from_gradebook(url: str, course: Course) -> Iterator[tuple[Result, Known]]:
    """Yield the last result of each hand-in, with the attempt before it, its marks, and the total that it leads to.

    Attempts are numbered as totals do: each student's in order, those of a group among them. The one before is the same
    students', and could be read.
    """
    import msgspec  # noqa: PLC0415

    from graders.pages.submission import Known  # noqa: PLC0415
    from graders.results.gradebook.grades import Attempt, in_order  # noqa: PLC0415

    with opened(url) as book:
        found, totals = book.results(), book.totals(course.grades, load_questions(course))
        marks = book.marks()
    attempts = [
        Attempt(number, handin.attempt, handin.submitted, {}, {}, readable=bool(result.digest))
        for number, (handin, result) in found.items()
    ]
    whose = {number: frozenset(handin.students or [handin.name]) for number, (handin, _) in found.items()}
    for number, (handin, result) in found.items():
        ordered = in_order([one for one in attempts if whose[one.handin] >= whose[number]])
        place = [one.handin for one in ordered].index(number)
        earlier = [one.handin for one in ordered[:place] if one.readable and whose[one.handin] == whose[number]]
        before = found[earlier[-1]][1] if earlier and result.digest else None
        each = [totals[owner] for owner in handin.students or [handin.name]]
        same = len({(one.handin, one.points, one.max_points, one.account) for one in each}) == 1
        total = each[0] if same else None
        placed = msgspec.structs.replace(handin, attempt=place + 1)
        known = Known(before, marks.get(number, {}), total, not total or total.handin == number, not same)
        yield msgspec.structs.replace(result, handin=placed), known


def _class_page(results: Path | None, url: str | None, course: Course, words: Words) -> Iterator[tuple[str, bytes]]:
    from graders.pages.classroom import class_page  # noqa: PLC0415

    if judged := judged_of(results, url, course):
        yield CLASS, class_page(judged, words)
