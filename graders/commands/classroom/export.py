"""`graders export`: results and grades for other systems."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graders.commands.classroom.book import expect_one_source, opened
from graders.commands.classroom.reading import readable_results
from graders.commands.errors import Command, Group, say
from graders.commands.options import Whole, course_option, lang_option
from graders.commands.writing import STDOUT, file_option, write
from graders.course import Course
from graders.outcomes import HarnessFault
from graders.questions import load_questions
from graders.results.schema import Result
from graders.results.scoring import fault_note, faulty_steps
from graders.spreadsheets import BadSheet, for_excel
from graders.words.choice import chosen_words

if TYPE_CHECKING:
    from graders.exports.entries import Entry
    from graders.exports.sheets import Sheet

LEFT_OUT = "not exported"


@click.group(cls=Group)
def export() -> None:
    """Write results or grades for another system."""


results_option = click.option(
    "--results",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder for results, as graders run --out names it.",
)
to_option = file_option("--to", "to", "File to write", default=STDOUT, show_default="standard output")


def class_options(command: Callable[..., None]) -> Callable[..., None]:
    """Take what a class's points come from, and the platform's file to fill in."""
    for option in (
        click.option(
            "--fill",
            "sheet",
            required=True,
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="The file that the platform gave, to be filled in.",
        ),
        click.option(
            "--results",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="Without a gradebook: folder for results, whose scores these are.",
        ),
        click.option("--gradebook", "url", metavar="URL", help="The gradebook whose totals these are."),
    ):
        command = option(command)
    return command


@export.command(cls=Command)
@click.option("--results", required=True, type=click.Path(file_okay=False, path_type=Path),
              help="Folder for results, as for graders run --out; without it, grading failed.")  # fmt: skip
@to_option
@click.option("--ended", type=Whole(), default=0, help="Exit code of graders run; of a fault, a result says so.")
@lang_option
@course_option
def gradescope(results: Path, to: Path, ended: int, language: str, course: Course) -> None:
    """Write Gradescope's results.json for the one result in a folder."""
    import msgspec  # noqa: PLC0415

    from graders.exports.gradescope import fault_json, results_json  # noqa: PLC0415

    found = list(readable_results(results, LEFT_OUT)) if results.is_dir() else []
    one = _only(found) if found else None
    words = chosen_words(language, os.environ, course.words_folder)
    made = results_json(one, words) if one and ended in {0, 1} else fault_json(one, words)
    write("--to", to, msgspec.json.format(msgspec.json.encode(made), indent=2))


@export.command("gradescope-bundle", cls=Command)
@click.option("--to", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Zip to write.")
@click.option("--require", type=click.Choice(["full", "partial", "none"]), default="full", show_default=True,
              help="Least isolation under which to grade there.")  # fmt: skip
@lang_option
@course_option
def gradescope_bundle(to: Path, require: str, language: str, course: Course) -> None:
    """Write the zip that Gradescope takes as an autograder."""
    from graders.exports.bundle import bundle  # noqa: PLC0415

    words = chosen_words(language, os.environ, course.words_folder)
    write("--to", to, bundle(course, require, words.language))


@export.command(cls=Command)
@results_option
@to_option
def junit(results: Path, to: Path) -> None:
    """Write JUnit's XML, with a suite for each step of each submission."""
    from graders.exports.junit import document  # noqa: PLC0415

    write("--to", to, f"<?xml version='1.0' encoding='UTF-8'?>\n{document(_read(results))}\n")


@export.command(cls=Command)
@results_option
@click.option("--summary", type=click.Path(dir_okay=False, path_type=Path), envvar="GITHUB_STEP_SUMMARY",
              help="File of the step's summary, which is added to  [default: the runner's].")  # fmt: skip
def github(results: Path, summary: Path | None) -> None:
    """Print annotations for GitHub Actions, and add to the step's summary."""
    from graders.exports import github as actions  # noqa: PLC0415

    one = _only(_read(results))
    for line in actions.annotation_lines(one):
        click.echo(line)
    if summary:
        try:
            with summary.open("a", encoding="utf-8") as file:
                file.write(actions.summary(one))
        except OSError as error:
            raise click.UsageError(f"--summary {summary}: cannot be written ({error.strerror}).") from error


@export.command(cls=Command)
@results_option
@click.option("--committed", required=True, type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
              help="When the graded commit was made: git show -s --format=%cI.")  # fmt: skip
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), default=Path("result.json"), show_default=True)
def classroom50(results: Path, committed: datetime, to: Path) -> None:
    """Write Classroom 50's result.json, with what its runner says of the repository."""
    import msgspec  # noqa: PLC0415

    from graders.exports.classroom50 import NoRunner, result_json  # noqa: PLC0415

    one = _only(list(readable_results(results, LEFT_OUT)))
    if faulty := faulty_steps(one.checks):
        raise HarnessFault(f"{one.submission}: {fault_note(faulty)}.")
    try:
        made = result_json(one, os.environ, committed)
    except NoRunner as error:
        raise click.UsageError(str(error)) from error
    write("--to", to, msgspec.json.format(msgspec.json.encode(made), indent=2))


@export.command(cls=Command)
@class_options
@click.option("--assignment", required=True, help="The assignment: its title or its number in the header.")
@to_option
@course_option
def canvas(url: str | None, results: Path | None, sheet: Path, assignment: str, to: Path, course: Course) -> None:
    """Fill a gradebook that was exported from Canvas."""
    from graders.exports.canvas import fill  # noqa: PLC0415

    entries = _entries(url, results, course)
    _fill(sheet, to, lambda table: fill(table, assignment, entries))


@export.command(cls=Command)
@class_options
@click.option("--feedback", type=click.Path(dir_okay=False, path_type=Path),
              help="Also write a zip of feedback files, for all participants, there.")  # fmt: skip
@to_option
@lang_option
@course_option
def moodle(
    url: str | None,
    results: Path | None,
    sheet: Path,
    feedback: Path | None,
    to: Path,
    language: str,
    course: Course,
) -> None:
    """Fill a grading worksheet that was downloaded from Moodle."""
    from graders.exports.entries import pages  # noqa: PLC0415
    from graders.exports.moodle import PARTICIPANT, feedback_zip, fill, numbered  # noqa: PLC0415
    from graders.exports.sheets import Sheet  # noqa: PLC0415

    entries = _entries(url, results, course)
    _fill(sheet, to, lambda table: fill(table, entries))
    if feedback:
        words = chosen_words(language, os.environ, course.words_folder)
        write("--feedback", feedback, feedback_zip(pages(numbered(Sheet.read(sheet), entries), PARTICIPANT, words)))


@export.command("csv", cls=Command)
@results_option
@to_option
@click.option("--by", type=click.Choice(["step", "check"]), default="step", show_default=True, help="What a row tells.")
def table(results: Path, to: Path, by: str) -> None:
    """Write plain CSV: the points of each step, or a row for each check with messages and hints."""
    from graders.exports.tables import by_check, by_step  # noqa: PLC0415

    made = by_step if by == "step" else by_check
    write("--to", to, for_excel(made(_read(results))))


def _read(results: Path) -> list[Result]:
    """Read a folder for results; tell in which of them the harness failed."""
    found = list(readable_results(results, LEFT_OUT))
    for one in found:
        if faulty := faulty_steps(one.checks):
            say("graders", f"{one.submission}: {fault_note(faulty)}.")
    return found


def _only(found: Sequence[Result]) -> Result:
    if len(found) != 1:
        raise click.UsageError(
            f"--results holds {len(found)} results; this format is of one. Grade it into its own folder."
        )
    return found[0]


def _entries(url: str | None, results: Path | None, course: Course) -> list[Entry]:
    """Return what is written down for each student; tell of whom nothing is, since the harness failed."""
    kept = []
    for entry in _known(url, results, course):
        if entry.faulty:
            say(
                "graders", f"{entry.name} ({entry.student}): {fault_note(entry.faulty)}. Nothing is written until then."
            )
        else:
            kept.append(entry)
    return kept


def _known(url: str | None, results: Path | None, course: Course) -> list[Entry]:
    """Return the points of each student, from a gradebook or from a folder of results."""
    from graders.exports.entries import SeveralAttempts, of_results, of_totals  # noqa: PLC0415

    expect_one_source(url, results)
    if url is not None:
        with opened(url) as book:
            totals = book.totals(course.grades, load_questions(course))
            names = {one.id: one.name for one in book.students()}
            return of_totals(totals, book.results(), names, book.marks())
    assert results is not None
    try:
        return of_results(readable_results(results, LEFT_OUT))
    except SeveralAttempts as error:
        raise click.UsageError(
            f"--results {results}: several attempts of {error}; a --gradebook says which one counts."
        ) from error


def _fill(path: Path, to: Path, filled: Callable[[Sheet], Sheet]) -> None:
    from graders.exports.sheets import Sheet  # noqa: PLC0415

    table = Sheet.read(path)
    try:
        made = filled(table)
    except BadSheet as error:
        raise click.UsageError(f"--fill {path}: {error}") from error
    for note in made.notes:
        say("graders", f"{path}: {note}")
    write("--to", to, made.content())
