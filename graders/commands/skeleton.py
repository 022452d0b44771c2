"""`graders skeleton`: make what students are given from the reference."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from graders.commands.errors import Command, ExitCode, say
from graders.commands.options import course_option
from graders.course import Course


@click.command(cls=Command)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write to  [default: that of the students' package].",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a file differs.")
@course_option
def skeleton(out: Path | None, check: bool, course: Course) -> None:
    """Make the students' skeletons of the steps from the reference, and the files for written answers."""
    from graders.release.skeleton import stale_skeletons, write_skeletons  # noqa: PLC0415

    folder = out or course.skeletons
    if not course.reference_folder.is_dir():
        raise click.UsageError(
            f"There is no reference in {course.root}: {course.reference} is what skeletons are made of."
        )
    if not check:
        try:
            write_skeletons(course.reference_folder, folder)
        except OSError as error:
            raise click.UsageError(f"--out {folder}: cannot be written ({error.strerror}).") from error
        return
    if stale := stale_skeletons(course.reference_folder, folder):
        say(
            "graders",
            f"Not the skeletons of the reference: {', '.join(stale)} in {folder}; "
            "run graders skeleton, and delete steps that have no solution.",
        )
        sys.exit(ExitCode.CHECK_FAILED)
