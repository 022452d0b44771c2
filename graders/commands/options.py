"""What several commands take."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graders.course import OWN_COURSE, Course, load_course
from graders.outcomes import HarnessFault

if TYPE_CHECKING:
    from graders.results.gradebook.book import Gradebook


class CourseFolder(click.ParamType[Course]):
    """A folder with a `course.toml`, which becomes the course."""

    name = "folder"

    def convert(self, value: object, _: click.Parameter | None, __: click.Context | None) -> Course:
        """Return the course; raises `BadCourse` if there is none."""
        return value if isinstance(value, Course) else load_course(Path(str(value)))


course_option = click.option(
    "--course",
    type=CourseFolder(),
    default=str(OWN_COURSE),
    show_default="the course that comes with this package",
    help="Folder of the course's course.toml.",
)

book_option = click.option(
    "--gradebook",
    "url",
    metavar="URL",
    required=True,
    help="The gradebook: a file of SQLite, or a database's URL.",
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


def claim(option: str, folder: Path) -> None:
    """Keep other runs out of a folder for results until the command ends.

    Args:
        option: how the command line names the folder.
        folder: the folder.

    Raises:
        InUse: another run has it.
        UsageError: nothing can be written there.
    """
    from graders.results.claim import claimed  # noqa: PLC0415

    try:
        click.get_current_context().with_resource(claimed(folder))
    except OSError as error:
        raise click.UsageError(f"{option}: nothing can be written there ({error.strerror}).") from error
