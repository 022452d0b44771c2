"""`graders stats`: what a class can do and cannot do yet."""

from __future__ import annotations

from pathlib import Path

import click

from graders.commands.classroom.book import judged_of
from graders.commands.errors import Command
from graders.commands.options import course_option
from graders.commands.writing import STDOUT, file_option, write
from graders.course import Course
from graders.spreadsheets import for_excel


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
