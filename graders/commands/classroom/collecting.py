"""What `graders run` knows of a class: whose each hand-in is, and the gradebook that keeps the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graders.commands.errors import say
from graders.commands.options import opened
from graders.intake.layouts.handin import Handin
from graders.outcomes import HarnessFault
from graders.results.schema import Result

if TYPE_CHECKING:
    from graders.results.gradebook.book import Gradebook

TAKEN_APART = "handins"  # the folder below that for results, in which bulk downloads are taken apart


def handins_of(
    submissions: Sequence[Path], layout: str | None, roster: Path | None, out: Path | None
) -> dict[Path, Handin]:
    """Say whose submissions are, and take bulk downloads apart first; tell what fits nobody, or is missing.

    Args:
        submissions: what the command was given.
        layout: how these are laid out, if each of them holds a class; None if each is one submission.
        roster: the class, if it is known.
        out: folder for results.

    Raises:
        UsageError: a download cannot be read, or --out is missing.
        BadRoster: the roster cannot be used.
    """
    from graders.intake.archives import UnreadableSubmission  # noqa: PLC0415 - only a run of a class needs these
    from graders.intake.layouts.taking import LAYOUTS, take_apart  # noqa: PLC0415
    from graders.intake.submission import submission_name  # noqa: PLC0415
    from graders.results.roster import assign, read_roster  # noqa: PLC0415

    handins = []
    for path in submissions:
        if layout is None:
            handins.append(Handin(name=submission_name(path), path=str(path)))
            continue
        if out is None:
            raise click.UsageError("--layout takes downloads apart into the folder for results; name one with --out.")
        try:
            taken = take_apart(path, next(one for one in LAYOUTS if one == layout), out / TAKEN_APART)
        except UnreadableSubmission as error:
            raise click.UsageError(f"--layout {layout}: {path}: {error}") from error
        say("graders", f"{path}: {len(taken.handins)} hand-ins, laid out as {taken.layout} does.")
        for left in taken.left:
            say("graders", f"{path}: not read: {left}")
        handins += taken.handins
    if roster:
        assigned = assign(handins, read_roster(roster))
        handins = assigned.handins
        for problem in assigned.problems:
            say("graders", f"{roster}: {problem}; graded under that name.")
        for student in assigned.missing:
            say("graders", f"{roster}: {student.id} ({student.name}) has handed nothing in.")
    return {Path(handin.path): handin for handin in handins}


class Keeper:
    """Keeps results in a gradebook as they come; what it does not take is kept for the end, and told.

    Args:
        book: the gradebook, or None for none.
        handins: whose submissions are, by their paths.
    """

    def __init__(self, book: Gradebook | None, handins: Mapping[Path, Handin]) -> None:
        self.book = book
        self.handins = handins
        self.waiting: list[Result] = []
        self.lost = False

    def keep(self, result: Result) -> None:
        """Write a result into the gradebook, or keep it for the end if that does not answer."""
        if self.book is None or result.handin is None:
            return
        if self.lost or not self._written(result):
            self.lost = True
            self.waiting.append(result)

    def finish(self) -> list[str]:
        """Try again what could not be written; return what went wrong, a sentence at most."""
        self.waiting = [result for result in self.waiting if not self._written(result)]
        if not self.waiting:
            return []
        text = "which are in the folder for results; the same command again writes them, and grades nothing twice"
        return [f"the gradebook lacks {len(self.waiting)} results, {text}"]

    def _written(self, result: Result) -> bool:
        assert self.book is not None
        assert result.handin is not None
        try:
            self.book.record(result.handin, result)
        except HarnessFault as fault:
            if not self.lost:
                say("graders", str(fault))
            return False
        return True


def open_book(url: str | None, roster: Path | None) -> Gradebook | None:
    """Open the gradebook that was asked for, if one was, and enrol the class.

    Raises:
        HarnessFault: it does not open, or its libraries are not installed.
    """
    if url is None:
        return None
    from graders.results.roster import read_roster  # noqa: PLC0415

    book = opened(url, new=True)
    if roster:
        book.enrol(read_roster(roster))
    return book
