"""What several commands take."""

from __future__ import annotations

from pathlib import Path

import click

from graders.course import OWN_COURSE, Course, load_course


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
