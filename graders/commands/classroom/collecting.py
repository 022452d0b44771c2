"""What `graders run` knows of a class: whose each hand-in is, and the gradebook that keeps the results."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from graders.commands.classroom.book import opened
from graders.commands.errors import say
from graders.intake.layouts import Layout
from graders.intake.layouts.handin import Handin
from graders.outcomes import HarnessFault
from graders.results.files import read_result
from graders.results.roster import Roster, assign, told_apart
from graders.results.schema import Result

if TYPE_CHECKING:
    from graders.results.gradebook.book import Gradebook

METADATA, SUBMITTED = "submission_metadata.json", "submission"
TAKEN_APART = "handins"  # the folder below that for results, in which bulk downloads are taken apart
UNFINISHED = ".part-*"  # what a run that was killed left there
PATIENCE, LAST_PATIENCE = 10.0, 60.0  # seconds to wait for a gradebook that is locked: in a run, and at its end
ASKED_AGAIN = 1.0  # seconds after which a database server that refuses is asked again, at the end of a run
PAUSE = 30.0  # seconds after which a gradebook that did not answer is asked again
TOGETHER = 1.0  # seconds in which results are written in one transaction, which waits for the disk
AT_ONCE = 50  # results that are read again to be written together


def handins_of(
    submissions: Sequence[Path],
    layout: Layout | None,
    keeper: Keeper,
    out: Path | None,
    package: str,
    metadata: Path | None = None,
) -> dict[Path, Handin]:
    """Say whose submissions are, and take bulk downloads apart first; tell what fits nobody, or is missing.

    Args:
        submissions: what the command was given.
        layout: how these are laid out, if each of them holds a class; None if each is one submission.
        keeper: knows the class, if anybody does.
        out: folder for results.
        package: name of the students' package.
        metadata: what Gradescope says of the only submission.

    Raises:
        UsageError: a download or the metadata cannot be read, or --out is missing.
    """
    handins: list[Handin] = []
    for path in submissions:
        handins += [_alone(path, metadata)] if layout is None else _taken_apart(path, layout, out, package)
    if roster := keeper.roster:
        assigned = assign(handins, roster.students, keeper.former)
        handins = assigned.handins
        told = [f"{note}." for note in roster.notes]
        told += [f"{problem}; graded under that name." for problem in assigned.problems]
        told += [f"{one}; what they have handed in stays theirs." for one in assigned.former]
        told += _several(handins)
        told += [f"{student.id} ({student.name}) has handed nothing in." for student in assigned.missing]
        for text in told:
            say("graders", f"{roster.source}: {text}")
    return {Path(handin.path): handin for handin in told_apart(handins)}


def _taken_apart(path: Path, layout: Layout, out: Path | None, package: str) -> list[Handin]:
    from graders.intake.archives import UnreadableSubmission  # noqa: PLC0415 - only a run of a class needs these
    from graders.intake.layouts.taking import take_apart  # noqa: PLC0415
    from graders.statistics.advice import counted  # noqa: PLC0415

    if out is None:
        raise click.UsageError("--layout takes downloads apart into the folder for results; name one with --out.")
    into = out / TAKEN_APART
    for unfinished in into.glob(UNFINISHED):
        shutil.rmtree(unfinished, ignore_errors=True)
    try:
        taken = take_apart(path, layout, into, package)
    except UnreadableSubmission as error:
        raise click.UsageError(f"--layout {layout}: {path}: {error}") from error
    except OSError as error:
        raise HarnessFault(f"{into}: {path} cannot be taken apart there ({error.strerror}).") from error
    say("graders", f"{path}: {counted(len(taken.handins), 'hand-in')}, laid out as {taken.layout} does.")
    for left in taken.left:
        say("graders", f"{path}: not read: {left}")
    return taken.handins


def _alone(path: Path, metadata: Path | None) -> Handin:
    from graders.intake.submission import submission_name  # noqa: PLC0415

    known = _from_metadata(metadata) if metadata else Handin(name=submission_name(path))
    return msgspec.structs.replace(known, path=str(path))


def metadata_beside(submissions: Sequence[Path]) -> Path | None:
    """Return what Gradescope says of the submission, where it lies as in Gradescope's autograder; None elsewhere.

    There, `submission` holds what the student handed in, and the file beside it is Gradescope's own. Beside any other
    folder, it could be the student's.
    """
    file = submissions[0].resolve().parent / METADATA
    return file if len(submissions) == 1 and submissions[0].resolve().name == SUBMITTED and file.is_file() else None


def _from_metadata(file: Path) -> Handin:
    from graders.intake.layouts.autograder import read_metadata  # noqa: PLC0415

    try:
        return read_metadata(file.read_bytes())
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--metadata {file}: {error}.") from error


def _several(handins: Sequence[Handin]) -> list[str]:
    """Say who has handed in under several names: all that a platform knows is that these are several people."""
    names: dict[str, list[str]] = {}
    for handin in handins:
        for student in handin.students:
            mine = names.setdefault(student, [])
            if handin.name not in mine:
                mine.append(handin.name)
    return [
        f"{student} has handed in under {len(mine)} names ({', '.join(mine)}): these are attempts of one student."
        for student, mine in names.items()
        if len(mine) > 1
    ]


class Keeper:
    """Keeps results in a gradebook as they come, and sees in the end that none is missing there.

    Args:
        url: the gradebook's, or None for none.
        roster: the class, where a file says who is in it; otherwise the gradebook says that, if it knows.
        out: folder for results, from which a gradebook that did not answer is filled later.
    """

    def __init__(self, url: str | None, roster: Roster | None, out: Path | None) -> None:
        self.url = url
        self.enrolled = roster.students if roster else None
        self.out = out
        self.seals: dict[str, str] = {}  # of the results that have come, by names
        self.told = False  # that it does not answer
        self.not_before = 0.0
        self.waiting: list[tuple[Handin, Result]] = []
        self.book = self._opened(PATIENCE) if url else None
        there = self.book.students() if self.book else []
        self.roster = roster or (Roster("the gradebook", there, []) if there else None)
        self.former = self.book.former_students() if self.book else []

    def keep(self, name: str, result: Result) -> None:
        """Write a result into the gradebook, with others that come soon after each other.

        While that does not answer, results wait in the folder.
        """
        if self.book is None or result.handin is None:
            return
        self.seals[name] = result.seal
        self.waiting.append((result.handin, result))
        if time.monotonic() < self.not_before:
            return
        waiting, self.waiting = self.waiting, []
        try:
            self.book.record_all(waiting)
        except HarnessFault as fault:
            self._tell(fault)
        else:
            self.not_before = time.monotonic() + TOGETHER

    def expect(self, handins: Iterable[Handin]) -> None:
        """Note in the gradebook what is about to be graded, so that it says of nobody that nothing was handed in."""
        if self.book is None:
            return
        try:
            self.book.expect(handins)
        except HarnessFault as fault:
            self._tell(fault)

    def _tell(self, fault: HarnessFault) -> None:
        """Say once that the gradebook does not answer, and leave it alone for a while."""
        if not self.told:
            say("graders", f"{fault} Grading goes on; results are in the folder for results.")
        self.told = True
        self.not_before = time.monotonic() + PAUSE

    def finish(self) -> list[str]:
        """Open the gradebook anew and write into it what it lacks; return what went wrong, a sentence at most.

        A database that was away, or another one in its place, has to hold what an undisturbed run leaves in it.
        """
        if self.book is None:
            return []
        self.waiting.clear()
        self.book.close()
        try:
            with self._opened_again() as book:
                known = book.seals()
                lacking = [name for name, seal in self.seals.items() if seal not in known]
                for first in range(0, len(lacking), AT_ONCE):
                    read = [read_result(self.out / name) for name in lacking[first : first + AT_ONCE] if self.out]
                    book.record_all((one.handin, one) for one in read if one and one.handin and one.seal not in known)
        except HarnessFault as fault:
            text = "the same command again writes what it lacks, and grades nothing twice"
            return [f"the gradebook lacks results, which are in the folder for results: {text}. {fault}"]
        if self.told:
            say("graders", "the gradebook answers again; it lacks nothing.")
        return []

    def _opened_again(self) -> Gradebook:
        """Open the gradebook at the end of a run; a database server that is just being started is waited for."""
        assert self.book is not None
        deadline = time.monotonic() + LAST_PATIENCE
        while True:
            try:
                return self._opened(LAST_PATIENCE)
            except HarnessFault:
                if not self.book.on_a_server or time.monotonic() + ASKED_AGAIN > deadline:
                    raise
            time.sleep(ASKED_AGAIN)

    def _opened(self, patience: float) -> Gradebook:
        assert self.url is not None
        book = opened(self.url, new=True, patience=patience)
        if self.enrolled is not None:
            book.enrol(self.enrolled)
        return book
