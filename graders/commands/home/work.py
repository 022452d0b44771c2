"""What is checked at a student's home: the package in their folder, or that which a notebook becomes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from graders.course import Course
from graders.intake.archives import NoSubmission, UnreadableSubmission
from graders.intake.submission import read_answers, read_submission


@dataclass(frozen=True)
class Work:
    """What is checked.

    Attributes:
        root: the folder that holds the package.
        answers: the written answers, by their questions' ids.
        notes: what was left out, a sentence each.
        notebook: the notebook, as it was named; empty for a package.
        home: the student's own folder, where this may be written beside their work.
    """

    root: Path
    answers: Mapping[str, str]
    notes: Sequence[str]
    notebook: str = ""
    home: Path = Path()


@contextmanager
def work_of(place: Path, course: Course) -> Iterator[Work]:
    """Give what is checked; what a notebook becomes is removed in the end.

    Args:
        place: the folder that holds the package, or a notebook.
        course: the course.

    Raises:
        UsageError: the notebook cannot be read.
    """
    if place.is_dir():
        yield Work(place, *read_answers(place / course.package, course), home=place.resolve())
        return
    try:
        read = read_submission(place, course)
    except (NoSubmission, UnreadableSubmission) as error:
        raise click.UsageError(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="lab-check-") as folder:
        read.stage(Path(folder))
        yield Work(Path(folder), read.answers, read.notes, str(place), place.resolve().parent)
