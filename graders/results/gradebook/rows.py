"""Rows of the tables as what they stand for, and the other way round."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from graders.intake.layouts.handin import Handin
from graders.results.gradebook.grades import Attempt, Mark
from graders.results.gradebook.tables import Base, ChangeRow, HandinRow, MarkRow, OverrideRow, ResultRow, StudentRow
from graders.results.roster import Student
from graders.results.schema import Result
from graders.results.scoring import faulty_steps

Key = tuple[tuple[str, ...], str, str]  # whose an answer is, its question, a hash of its text
Marks = Mapping[Key, tuple["Marked", ...]]  # for each answer, the last mark of each marker


@dataclass(frozen=True)
class Marked:
    """A person's mark for an answer."""

    question: str
    points: float
    marker: str
    comment: str = ""


def together(marks: Sequence[Marked]) -> Mark | None:
    """Return what the marks of several markers for one answer come to; None where there are none."""
    if not marks:
        return None
    return Mark(statistics.fmean(one.points for one in marks), tuple(one.comment for one in marks if one.comment))


def of_marker(marker: str, marks: Iterable[Marked]) -> Marked | None:
    """Return a marker's own one of the marks for an answer; None if there is none."""
    return next((one for one in marks if one.marker == marker), None)


def insert_into(session: Session) -> Callable[[type[Base]], Any]:
    """Return the `insert` of the database at hand, which can leave out what is there already."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert
    return sqlite.insert


def now() -> str:
    """Return the time in UTC, in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def digest_of(text: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def key_of(handin: Handin) -> str:
    """Return a hash of all that tells a hand-in from another: whose, which attempt, when, what."""
    whose = [sorted(handin.students), handin.name if not handin.students else ""]
    return digest_of(msgspec.json.encode([*whose, handin.attempt, handin.submitted, handin.digest]).decode())


def subject_of(handin: Handin) -> str:
    """Return what the history calls a hand-in."""
    return ", ".join(handin.students) or handin.name or handin.path


def change_row(
    by: str, what: str, subject: str, before: Mapping[str, object], after: Mapping[str, object]
) -> ChangeRow:
    """Return a line of the history, of now."""
    return ChangeRow(at=now(), by=by, what=what, subject=subject, before=dict(before), after=dict(after))


def values_of(row: StudentRow) -> dict[str, object]:
    """Return the columns of a student."""
    return {name: getattr(row, name) for name in (*Student.__struct_fields__, "active")}


def student_from(row: StudentRow) -> Student:
    """Return a row as a student."""
    return Student(**{name: getattr(row, name) for name in Student.__struct_fields__})


def owners_of(row: HandinRow) -> tuple[str, ...]:
    """Return whose a hand-in is; one of nobody in particular is its name's."""
    return tuple(sorted(owner.student for owner in row.owners)) or (row.name,)


def handin_from(row: HandinRow) -> Handin:
    """Return a row as a hand-in."""
    return Handin(
        students=sorted(owner.student for owner in row.owners),
        name=row.name,
        attempt=row.attempt,
        submitted=row.submitted,
        late=row.late,
        ids=row.ids,
        path=row.path,
        digest=row.digest,
    )


def result_from(row: ResultRow) -> Result:
    """Return the result that a row holds."""
    return msgspec.json.decode(row.document, type=Result)


def says_of(result: Result) -> object:
    """Return what a result says of a hand-in, without how long it took and where it lies."""
    checks = [(one.id, one.points, one.max_points, one.outcome, one.dropped) for one in result.checks]
    said = (result.digest, result.score, result.max_score, result.steps, result.versions, result.notes)
    return *said, result.tampered, result.written, checks


def attempt_from(row: HandinRow, marks: Marks, worth: Mapping[str, float]) -> Attempt:
    """Return a graded hand-in as an attempt, with its marks.

    Args:
        row: the hand-in.
        marks: all marks.
        worth: the points to be had for the questions that somebody marks.
    """
    last = row.results[-1]
    result = result_from(last)
    owners = owners_of(row)
    given = {
        written.id: together(marks.get((owners, written.id, digest_of(written.answer)), ()))
        for written in result.written
        if written.answer
    }
    return Attempt(
        handin=row.id,
        number=row.attempt,
        submitted=row.submitted,
        steps={step.step: step.points for step in last.steps},
        max_steps={step.step: step.max_points for step in last.steps},
        marks={question: mark.points for question, mark in given.items() if mark},
        max_marks=sum(worth.get(written.id, 0.0) for written in result.written),
        unmarked=tuple(question for question, mark in given.items() if question in worth and not mark),
        late=row.late,
        readable=result.was_read,
        faulty=tuple(faulty_steps(result.checks)),
    )


def marks_of_owners(handins: Iterable[HandinRow], rows: Iterable[MarkRow]) -> Marks:
    """Return the marks for each answer of each student or group, whichever attempt they were given for."""
    return marks_by_key({row.id: owners_of(row) for row in handins}, rows)


def marks_by_key(owners: Mapping[int, tuple[str, ...]], rows: Iterable[Any]) -> Marks:
    """Return the marks for each answer of each student or group.

    Args:
        owners: whose each hand-in is, by its number.
        rows: of the table of marks, whole or its columns, in the order in which they were given.
    """
    found: dict[Key, dict[str, Marked]] = {}
    for row in rows:
        of_answer = found.setdefault((owners[row.handin], row.question, row.answer_digest), {})
        of_answer[row.marker] = Marked(row.question, row.points, row.marker, row.comment)
    return {answer: tuple(by_marker.values()) for answer, by_marker in found.items()}


def standing_overrides(student: str, step: int | None) -> sa.Select[OverrideRow]:
    """Return the query for the overrides of a student that nobody has withdrawn, the last one first."""
    return (
        sa.select(OverrideRow)
        .where(OverrideRow.student == student, OverrideRow.step.is_not_distinct_from(step))
        .where(OverrideRow.withdrawn.is_(None))
        .order_by(OverrideRow.id.desc())
    )
