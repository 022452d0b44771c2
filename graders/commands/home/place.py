"""Where a student works: course and package are found from any folder of a checkout or starter kit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from graders.commands.options import CourseFolder
from graders.course import FILE, OWN_COURSE, Course


def _folders() -> Iterator[Path]:
    """Yield the current folder and those above it."""
    here = Path.cwd()
    yield here
    yield from here.parents


def _course_here() -> str:
    found = next((folder for folder in _folders() if (folder / FILE).is_file()), None)
    if found is None and not OWN_COURSE.is_dir():
        raise click.UsageError(f"There is no {FILE} here, nor in a folder above; change to the folder of the lab.")
    return str(found or OWN_COURSE)


home_course_option = click.option(
    "--course",
    type=CourseFolder(),
    default=_course_here,
    show_default=f"the nearest {FILE}, here or above; else the course that comes with this package",
    help="Folder of the course's course.toml.",
)

root_option = click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    show_default="here, or the nearest folder above that has it",
    help="The folder that holds what you write.",
)


def root_of(course: Course, root: Path | None) -> Path:
    """Return the folder in which the student's package is.

    Args:
        course: the course.
        root: the folder, if the command line names one.

    Raises:
        UsageError: there is none.
    """
    found = next((folder for folder in ([root] if root else _folders()) if (folder / course.package).is_dir()), None)
    if found is None:
        raise click.UsageError(
            f"There is no {course.package} folder in {(root or Path()).resolve()}; "
            "change to your checkout, or name it with --root."
        )
    return found
