"""`graders export`: results and grades for other systems."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graders.commands.errors import Command, Group, say
from graders.commands.options import course_option, opened
from graders.course import Course
from graders.results.files import all_results
from graders.results.schema import Result
from graders.spreadsheets import BadSheet

if TYPE_CHECKING:
    from graders.exports.sheets import Sheet
    from graders.results.gradebook.grades import Total

STDOUT = Path("-")
STUDENT_IDS = ("canvas_user", "moodle_participant")


@click.group(cls=Group)
def export() -> None:
    """Write results or grades for another system."""


def _option(*names: str, **settings: Any) -> Callable[[Any], Any]:
    return click.option(*names, **settings)


results_option = _option(
    "--results",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder for results, as graders run --out names it.",
)
to_option = _option(
    "--to",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default=STDOUT,
    show_default="standard output",
    help="File to write.",
)
book_or_results = (
    _option("--gradebook", "url", metavar="URL", help="The gradebook whose totals these are."),
    _option(
        "--results",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Without a gradebook: folder for results, whose scores these are.",
    ),
    _option(
        "--fill",
        "sheet",
        required=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The file that the platform gave, to be filled in.",
    ),
)


@export.command(cls=Command)
@click.option("--results", required=True, type=click.Path(file_okay=False, path_type=Path),
              help="Folder for results, as for graders run --out; without it, grading failed.")  # fmt: skip
@to_option
@click.option("--ended", type=int, default=0, help="Exit code of graders run; of a fault, a result says so.")
def gradescope(results: Path, to: Path, ended: int) -> None:
    """Write Gradescope's results.json for the one result in a folder."""
    import msgspec  # noqa: PLC0415

    from graders.exports.gradescope import fault_json, results_json  # noqa: PLC0415

    found = all_results(results) if results.is_dir() else []
    one = _only(found) if found else None
    made = results_json(one) if one and ended in {0, 1} else fault_json(one)
    _write(to, msgspec.json.format(msgspec.json.encode(made), indent=2))


@export.command("gradescope-bundle", cls=Command)
@click.option("--to", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Zip to write.")
@click.option("--require", type=click.Choice(["full", "partial", "none"]), default="full", show_default=True,
              help="Least isolation under which to grade there.")  # fmt: skip
@course_option
def gradescope_bundle(to: Path, require: str, course: Course) -> None:
    """Write the zip that Gradescope takes as an autograder."""
    from graders.exports.bundle import bundle  # noqa: PLC0415

    _write(to, bundle(course, require))


@export.command(cls=Command)
@results_option
@to_option
def junit(results: Path, to: Path) -> None:
    """Write JUnit's XML, with a suite for each step of each submission."""
    from graders.exports.junit import document  # noqa: PLC0415

    _write(to, f"<?xml version='1.0' encoding='UTF-8'?>\n{document(all_results(results))}\n".encode())


@export.command(cls=Command)
@results_option
@click.option("--summary", type=click.Path(dir_okay=False, path_type=Path), envvar="GITHUB_STEP_SUMMARY",
              help="File of the step's summary, which is added to  [default: the runner's].")  # fmt: skip
def github(results: Path, summary: Path | None) -> None:
    """Print annotations for GitHub Actions, and add to the step's summary."""
    from graders.exports import github as actions  # noqa: PLC0415

    one = _only(all_results(results))
    for line in actions.annotation_lines(one):
        click.echo(line)
    if summary:
        with _told(summary), summary.open("a", encoding="utf-8") as file:
            file.write(actions.summary(one))


@export.command(cls=Command)
@results_option
@click.option("--committed", required=True, type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
              help="When the graded commit was made: git show -s --format=%cI.")  # fmt: skip
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), default=Path("result.json"), show_default=True)
def classroom50(results: Path, committed: datetime, to: Path) -> None:
    """Write Classroom 50's result.json, with what its runner says of the repository."""
    import msgspec  # noqa: PLC0415

    from graders.exports.classroom50 import NoRunner, result_json  # noqa: PLC0415

    try:
        made = result_json(_only(all_results(results)), os.environ, committed)
    except NoRunner as error:
        raise click.UsageError(str(error)) from error
    _write(to, msgspec.json.format(msgspec.json.encode(made), indent=2))


@export.command(cls=Command)
@book_or_results[0]
@book_or_results[1]
@book_or_results[2]
@click.option("--assignment", required=True, help="The assignment: its title or its number in the header.")
@to_option
@course_option
def canvas(url: str | None, results: Path | None, sheet: Path, assignment: str, to: Path, course: Course) -> None:
    """Fill a gradebook that was exported from Canvas."""
    from graders.exports.canvas import fill  # noqa: PLC0415

    totals, _ = _totals(url, results, course)
    _fill(sheet, to, lambda table: fill(table, assignment, totals))


@export.command(cls=Command)
@book_or_results[0]
@book_or_results[1]
@book_or_results[2]
@click.option("--feedback", type=click.Path(dir_okay=False, path_type=Path),
              help="Also write a zip of feedback files, for all participants, there.")  # fmt: skip
@to_option
@course_option
def moodle(url: str | None, results: Path | None, sheet: Path, feedback: Path | None, to: Path, course: Course) -> None:
    """Fill a grading worksheet that was downloaded from Moodle."""
    from graders.exports.moodle import feedback_zip, fill  # noqa: PLC0415
    from graders.exports.words import feedback as told  # noqa: PLC0415

    totals, found = _totals(url, results, course)
    _fill(sheet, to, lambda table: fill(table, _of_participants(totals, found), {}))
    if feedback:
        pages = {
            one.handin.ids["moodle_participant"]: (one.handin.name, told(one).encode())
            for one in found
            if one.handin and "moodle_participant" in one.handin.ids
        }
        _write(feedback, feedback_zip(pages, ".txt"))


@export.command("csv", cls=Command)
@results_option
@to_option
@click.option("--by", type=click.Choice(["step", "check"]), default="step", show_default=True, help="What a row tells.")
def table(results: Path, to: Path, by: str) -> None:
    """Write plain CSV: the points of each step, or a row for each check with messages and hints."""
    from graders.exports.tables import by_check, by_step  # noqa: PLC0415

    made = by_step if by == "step" else by_check
    _write(to, made(all_results(results)).encode("utf-8-sig"))


def _only(found: Sequence[Result]) -> Result:
    if len(found) != 1:
        raise click.UsageError(
            f"--results holds {len(found)} results; this format is of one. Grade it into its own folder."
        )
    return found[0]


def _totals(url: str | None, results: Path | None, course: Course) -> tuple[dict[str, float], list[Result]]:
    """Return totals by whatever a platform may know a student by, and the results that they come from."""
    if (url is None) == (results is None):
        raise click.UsageError("give either --gradebook, whose totals count, or --results, whose scores count.")
    totals: Mapping[str, Total] = {}
    names: dict[str, str] = {}
    if url is not None:
        with opened(url) as book:
            found = [result for _, result in book.results()]
            totals = book.totals(course.grades)
            names = {one.id: one.name for one in book.students()}
    else:
        assert results is not None
        found = all_results(results)
    known = {who: total.points for who, total in totals.items()}
    for result in found:
        handin = result.handin
        students = handin.students if handin else []
        points = next((totals[who].points for who in students if who in totals), result.score)
        keys = [result.submission, *(handin.ids.values() if handin else ()), handin.name if handin else "", *students]
        known.update({key: points for key in keys if key and key not in totals})
    known.update({names[who]: total.points for who, total in totals.items() if who in names})
    return known, found


def _of_participants(totals: Mapping[str, float], found: Sequence[Result]) -> dict[str, float]:
    numbers = {one.handin.ids.get("moodle_participant", "") for one in found if one.handin}
    return {number: totals[number] for number in numbers if number in totals}


def _fill(path: Path, to: Path, filled: Callable[[Sheet], Sheet]) -> None:
    from graders.exports.sheets import Sheet  # noqa: PLC0415

    table = Sheet.read(path)
    try:
        made = filled(table)
    except BadSheet as error:
        raise click.UsageError(f"--fill {path}: {error}") from error
    for note in made.notes:
        say("graders", f"{path}: {note}")
    _write(to, made.content())


def _write(to: Path, content: bytes) -> None:
    if to == STDOUT:
        sys.stdout.buffer.write(content)
        return
    with _told(to):
        to.write_bytes(content)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Let an error of the disk be a sentence."""
    try:
        yield
    except OSError as error:
        raise click.UsageError(f"{path}: cannot be written ({error.strerror}).") from error
