"""`graders stats`: what a class can do and cannot do yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graders.commands.classroom.book import expect_one_source, opened
from graders.commands.classroom.writing import STDOUT, file_option, write
from graders.commands.errors import Command, say
from graders.commands.options import course_option
from graders.course import Course
from graders.questions import load_questions
from graders.results.files import all_results, unreadable_results
from graders.spreadsheets import for_excel

if TYPE_CHECKING:
    from graders.statistics.judged import Judged


@click.command(cls=Command)
@click.option("--results", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Folder for results, as graders run --out names it; each result counts.")  # fmt: skip
@click.option("--gradebook", "url", metavar="URL", help="The gradebook; each student's attempt that counts, counts.")
@file_option("--csv", "table", "Also write all of it as CSV")
@file_option("--svg", "drawing", "Also draw scores, steps and checks")
@course_option
def stats(results: Path | None, url: str | None, table: Path | None, drawing: Path | None, course: Course) -> None:
    """Show how a class did: its checks, what went wrong, its scores, and what it should hear.

    Points are those of checks: without marks of written answers, overrides, and what lateness costs.
    """
    from graders.feedback.terminal import PatientConsole  # noqa: PLC0415 - `--help` needs none of these
    from graders.statistics.advice import sentences  # noqa: PLC0415
    from graders.statistics.causes import causes_of  # noqa: PLC0415
    from graders.statistics.drawing import as_svg  # noqa: PLC0415
    from graders.statistics.figures import class_figures  # noqa: PLC0415
    from graders.statistics.table import as_csv  # noqa: PLC0415
    from graders.statistics.terminal import shown  # noqa: PLC0415

    judged = judged_of(results, url, course)
    if not judged:
        raise click.UsageError("there is no result to count: graders run --out, or --gradebook, keeps them.")
    figures, causes = class_figures(judged), causes_of(judged)
    advice = sentences(causes, len(judged))
    if table:
        write("--csv", table, for_excel(as_csv(figures, causes, advice)))
    if drawing:
        write("--svg", drawing, as_svg(figures, judged[-1].result.course))
    if STDOUT in {table, drawing}:
        return
    console = PatientConsole(highlight=False)
    for part in shown(figures, causes, advice):
        console.print(part)


def judged_of(results: Path | None, url: str | None, course: Course) -> list[Judged]:
    """Return what counts; tell what does not."""
    from graders.statistics.advice import counted  # noqa: PLC0415
    from graders.statistics.judged import every, those_that_count  # noqa: PLC0415

    expect_one_source(url, results)
    if results is not None:
        for file in unreadable_results(results):
            say("graders", f"{file}: is damaged, or of another version; not counted.")
        found = all_results(results)
    else:
        assert url is not None
        with opened(url) as book:
            pairs = book.results()
            totals = book.totals(course.grades, load_questions(course))
        counted_ones = {student: total.handin for student, total in totals.items()}
        found = [result for _, result in pairs.values()]
        if absent := sum(number is None for number in counted_ones.values()):
            say("graders", f"{absent} of {len(counted_ones)} students have handed nothing in; they are not counted.")
    if tampered := sum(bool(one.tampered) for one in found):
        say("graders", f"the judge was tampered with in {counted(tampered, 'result')}: not counted.")
    faulty = sum(any(check.outcome == "harness_fault" for check in one.checks) for one in found)
    if faulty:
        say(
            "graders",
            f"harness faults in {counted(faulty, 'result')}: these checks are not counted there; grade again.",
        )
    return every(found) if results is not None else those_that_count(pairs, counted_ones)
