"""How the commands about a class are given their gradebook, and which results count."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graders.commands.classroom.reading import readable_results
from graders.commands.errors import say
from graders.course import Course
from graders.outcomes import HarnessFault
from graders.questions import load_questions

if TYPE_CHECKING:
    from graders.results.gradebook.book import Gradebook
    from graders.statistics.judged import Judged

book_option = click.option(
    "--gradebook",
    "url",
    metavar="URL",
    required=True,
    help="The gradebook: a file of SQLite, or a database's URL.",
)


def expect_one_source(url: str | None, results: Path | None) -> None:
    """Raise `UsageError` unless points come from either a gradebook or a folder for results."""
    if (url is None) == (results is None):
        raise click.UsageError(
            "give either --gradebook, of which each student's attempt that counts is taken, "
            "or --results, of which each result is."
        )


def opened(url: str, *, new: bool = False, patience: float = 60.0) -> Gradebook:
    """Open a gradebook, for the user at hand; with `new`, make it if there is none.

    Args:
        url: SQLAlchemy's, or a file of SQLite.
        new: make it, if there is none.
        patience: seconds to wait for one that others have locked.

    Raises:
        HarnessFault: it does not open, or its libraries are not installed.
    """
    try:
        from graders.results.gradebook.book import Gradebook  # noqa: PLC0415 - an extra, and slow to load
    except ImportError as error:
        raise HarnessFault(
            f"--gradebook needs {error.name}, which comes with this package's extra: pip install '.[gradebook]'."
        ) from error
    return Gradebook(url, by=user_at_hand(), new=new, patience=patience)


def user_at_hand() -> str:
    """Return the user's name, for the history; where the system has none, this program's."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "graders"


def judged_of(results: Path | None, url: str | None, course: Course) -> list[Judged]:
    """Return the results that count, of a folder or of a gradebook; tell what does not.

    Raises:
        UsageError: both are given, or neither.
    """
    from graders.statistics.advice import counted  # noqa: PLC0415 - `--help` needs none of these
    from graders.statistics.judged import every, those_that_count  # noqa: PLC0415

    expect_one_source(url, results)
    if results is not None:
        judged = every(readable_results(results, "not counted"))
    else:
        assert url is not None
        with opened(url) as book:
            totals = book.totals(course.grades, load_questions(course))
            chosen = {student: total.handin for student, total in totals.items()}
            judged = those_that_count(book.results(), chosen, book.marks())
        if absent := sum(number is None for number in chosen.values()):
            say("graders", f"{absent} of {len(chosen)} students have no result; they are not counted.")
    if tampered := sum(bool(one.result.tampered) for one in judged):
        say("graders", f"the judge was tampered with in {counted(tampered, 'result')}: not counted.")
    faulty = sum(any(check.outcome == "harness_fault" for check in one.result.checks) for one in judged)
    if faulty:
        text = "these checks are not counted there, nor the points of their steps, nor the score; grade again."
        say("graders", f"harness faults in {counted(faulty, 'result')}: {text}")
    return [one for one in judged if not one.result.tampered]
