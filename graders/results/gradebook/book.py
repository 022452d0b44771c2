"""The gradebook of a class: what is written into it, and what it says of each student."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from graders.intake.layouts.handin import Handin
from graders.policy import Grades
from graders.questions import Question
from graders.results.gradebook.answers import Answers
from graders.results.gradebook.database import ENROLMENT_LOCK, wait_alone
from graders.results.gradebook.grades import NOTHING, Attempt, Override, Total, total_of, without_points
from graders.results.gradebook.handins import is_there, row_of
from graders.results.gradebook.rows import (
    Marks,
    attempt_from,
    handin_from,
    key_of,
    marks_of_owners,
    now,
    owners_of,
    result_from,
    says_of,
    standing_overrides,
    student_from,
    subject_of,
    values_of,
)
from graders.results.gradebook.tables import (
    ChangeRow,
    HandinRow,
    LateRow,
    MarkRow,
    OverrideRow,
    OwnerRow,
    ResultRow,
    StepRow,
    StudentRow,
)
from graders.results.roster import Student
from graders.results.schema import Result
from graders.results.scoring import steps_of


@dataclass(frozen=True)
class Change:
    """One line of the history."""

    at: str
    by: str
    what: str
    subject: str
    before: Mapping[str, object]
    after: Mapping[str, object]


class Gradebook(Answers):
    """A class in a database. Use as a context manager; every method is a transaction of its own.

    All methods raise `GradebookFault` if the database does not answer.

    Args:
        url: SQLAlchemy's; a plain path is a file of SQLite.
        by: who makes the changes, for the history.
        new: make it, if there is none.
        patience: seconds to wait for one that others have locked.
    """

    def enrol(self, students: Iterable[Student]) -> None:
        """Let the class be these students; who is not among them any more stays in the book, but not in the class."""
        with self._session() as session:
            wait_alone(session.connection(), ENROLMENT_LOCK)  # two that enrol a class at once would both add a student
            rows = {row.id: row for row in session.scalars(sa.select(StudentRow))}
            wanted = {student.id: student for student in students}
            for student in wanted.values():
                row = rows.get(student.id)
                before = values_of(row) if row else {}
                if row is None:
                    row = StudentRow(id=student.id)
                    session.add(row)
                for name, value in msgspec.structs.asdict(student).items():
                    setattr(row, name, value)
                row.active = True
                if before != values_of(row):
                    self._note(
                        session, "enrolled" if not before else "student changed", student.id, before, values_of(row)
                    )
            for row in rows.values():
                if row.active and row.id not in wanted:
                    row.active = False
                    self._note(session, "left the class", row.id, {"active": True}, {"active": False})

    def students(self) -> list[Student]:
        """Return the class, by id."""
        return self._students(active=True)

    def former_students(self) -> list[Student]:
        """Return those who have left the class, by id."""
        return self._students(active=False)

    def _students(self, *, active: bool) -> list[Student]:
        with self._session(writes=False) as session:
            rows = session.scalars(sa.select(StudentRow).where(StudentRow.active.is_(active)).order_by(StudentRow.id))
            return [student_from(row) for row in rows]

    def record(self, handin: Handin, result: Result) -> bool:
        """Keep a result of a hand-in; return False if the same one is there already.

        One that says the same as the last, of another run at the same time, is the same.
        """
        return self.record_all([(handin, result)]) == 1

    def record_all(self, results: Iterable[tuple[Handin, Result]]) -> int:
        """Keep results of hand-ins as `record` does, in one transaction; return how many were not there already.

        Students come in the same order in all runs: of two that write at once, none has what the other waits for.
        """
        with self._session() as session, session.no_autoflush:
            ordered = sorted(results, key=lambda one: subject_of(one[0]))
            return sum(self._record(handin, result, session) for handin, result in ordered)

    def expect(self, handins: Iterable[Handin]) -> None:
        """Note whose hand-ins are about to be graded: until each has a result, it is known to be there.

        Of one whose content nobody knows yet, that is noted if nothing is there of its name and attempt.
        """
        with self._session() as session, session.no_autoflush:
            there = set(session.scalars(sa.select(HandinRow.key)))
            for handin in sorted(handins, key=subject_of):
                if key_of(handin) not in there and (handin.digest or not is_there(handin, session)):
                    row_of(handin, session, by=self.by)

    def _record(self, handin: Handin, result: Result, session: Session) -> bool:
        row = row_of(handin, session, by=self.by)
        last = sa.select(ResultRow).where(ResultRow.handin == row.id).order_by(ResultRow.id.desc())
        before = None if row.is_new else session.scalars(last).first()
        if before and (before.seal == result.seal or says_of(result_from(before)) == says_of(result)):
            return False
        session.add(
            ResultRow(
                handin=row.id,
                seal=result.seal,
                graded=now(),
                score=result.score,
                max_score=result.max_score,
                document=msgspec.json.encode(result).decode(),
                steps=[
                    StepRow(step=step, points=one.points, max_points=one.max_points)
                    for step, one in steps_of(result.checks).items()
                ],
            )
        )
        self._note(
            session,
            "graded",
            subject_of(handin),
            {"score": before.score} if before else {},
            {"score": result.score, "attempt": handin.attempt},
        )
        return True

    def knows(self, student: str) -> bool:
        """Tell whether somebody of this id is in the class, or has handed something in, by name alone if nobody's."""
        with self._session(writes=False) as session:
            owner = sa.select(OwnerRow.student).where(OwnerRow.student == student)
            name = sa.select(HandinRow.name).where(HandinRow.name == student, ~HandinRow.owners.any())
            return session.get(StudentRow, student) is not None or any(
                session.scalars(query).first() is not None for query in (owner, name)
            )

    def seals(self) -> set[str]:
        """Return the seals of the last results."""
        with self._session(writes=False) as session:
            last = sa.select(sa.func.max(ResultRow.id)).group_by(ResultRow.handin)
            return set(session.scalars(sa.select(ResultRow.seal).where(ResultRow.id.in_(last))))

    def results(self) -> dict[int, tuple[Handin, Result]]:
        """Return the last result of each hand-in, by its number in the gradebook, in the order in which they came."""
        with self._session(writes=False) as session:
            rows = session.scalars(
                sa.select(HandinRow)
                .options(selectinload(HandinRow.results), selectinload(HandinRow.owners))
                .order_by(HandinRow.id)
            )
            return {row.id: (handin_from(row), result_from(row.results[-1])) for row in rows if row.results}

    def override(self, student: str, step: int | None, points: float, reason: str) -> None:
        """Give a student points in place of computed ones, for a step or (None) for the total."""
        with self._session() as session:
            before = session.scalars(standing_overrides(student, step)).first()
            session.add(
                OverrideRow(
                    student=student, step=step, points=points, reason=reason, by=self.by, at=now(), withdrawn=None
                )
            )
            self._note(
                session,
                "override",
                _decided(student, step),
                {"points": before.points, "reason": before.reason} if before else {},
                {"points": points, "reason": reason},
            )

    def withdraw(self, student: str, step: int | None) -> int:
        """Let computed points count again; return how many overrides that ended."""
        with self._session() as session:
            rows = session.scalars(standing_overrides(student, step)).all()
            for row in rows:
                row.withdrawn = now()
                self._note(
                    session,
                    "override withdrawn",
                    _decided(student, step),
                    {"points": row.points, "reason": row.reason},
                    {},
                )
            return len(rows)

    def grant_late_days(self, student: str, days: int, reason: str) -> None:
        """Give a student late days that cost nothing, besides those of the course and of the roster."""
        with self._session() as session:
            session.add(LateRow(student=student, days=days, reason=reason, by=self.by, at=now()))
            self._note(session, "late days", student, {}, {"days": days, "reason": reason})

    def totals(self, policy: Grades, questions: Iterable[Question]) -> dict[str, Total]:
        """Return each student's total, by id: the class, and whoever else has handed something in.

        Args:
            policy: the course's.
            questions: the course's; what those are worth of which an answer is marked was to be had too.
        """
        with self._session(writes=False) as session:
            students = {row.id: row for row in session.scalars(sa.select(StudentRow))}
            rows = session.scalars(
                sa.select(HandinRow)
                .options(selectinload(HandinRow.results).selectinload(ResultRow.steps), selectinload(HandinRow.owners))
                .order_by(HandinRow.turn, HandinRow.id)
            ).all()
            marks = marks_of_owners(rows, session.scalars(sa.select(MarkRow).order_by(MarkRow.id)))
            begun = {question for _, question, _ in marks}
            worth = {one.id: one.points for one in questions if one.id in begun}
            tried = _tried(rows, marks, worth)
            tried |= {id_: Tried() for id_, row in students.items() if row.active and id_ not in tried}
            nothing = _nothing(rows, marks, worth)
            overrides: dict[str, list[Override]] = {}
            for one in session.scalars(
                sa.select(OverrideRow).where(OverrideRow.withdrawn.is_(None)).order_by(OverrideRow.id)
            ):
                overrides.setdefault(one.student, []).append(Override(one.step, one.points, one.reason, one.by))
            granted: dict[str, int] = {}
            for grant in session.scalars(sa.select(LateRow)):
                granted[grant.student] = granted.get(grant.student, 0) + grant.days
            return {
                id_: total_of(
                    mine.attempts,
                    policy,
                    policy.late_days + granted.get(id_, 0) + (students[id_].extra_days if id_ in students else 0),
                    overrides.get(id_, ()),
                    nothing,
                    mine.waiting,
                )
                for id_, mine in sorted(tried.items())
            }

    def history(self) -> list[Change]:
        """Return every change, in the order in which they were made."""
        with self._session(writes=False) as session:
            return [
                Change(row.at, row.by, row.what, row.subject, row.before, row.after)
                for row in session.scalars(sa.select(ChangeRow).order_by(ChangeRow.id))
            ]


@dataclass
class Tried:
    """What somebody has handed in: the graded attempts, and the number of hand-ins since that have no result yet."""

    attempts: list[Attempt] = field(default_factory=list)
    waiting: int = 0


def _tried(rows: Sequence[HandinRow], marks: Marks, worth: Mapping[str, float]) -> dict[str, Tried]:
    """Return what each student has handed in, by id; the hand-ins are in the order in which they came."""
    found: dict[str, Tried] = {}
    for row in rows:
        attempt = attempt_from(row, marks, worth) if row.results else None
        for owner in owners_of(row):
            mine = found.setdefault(owner, Tried())
            if attempt:
                mine.attempts.append(attempt)
                mine.waiting = 0
            else:
                mine.waiting += 1
    return found


def _nothing(rows: Sequence[HandinRow], marks: Marks, worth: Mapping[str, float]) -> Attempt:
    """Return what counts for whoever handed nothing in: of what was to be had in the newest result, no points."""
    graded = [row for row in rows if row.results]
    if not graded:
        return NOTHING
    newest = max(graded, key=lambda row: row.results[-1].id)
    return without_points(attempt_from(newest, marks, worth))


def _decided(student: str, step: int | None) -> str:
    """Return what the history calls the points that a person decides on: of a step, or of the total."""
    return student if step is None else f"{student}: step {step}"
