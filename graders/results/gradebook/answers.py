"""Written answers in a gradebook, and their marks: each marker's own, given, changed and taken back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from graders.results.gradebook.database import MARKS_LOCK, wait_alone
from graders.results.gradebook.grades import Mark
from graders.results.gradebook.rows import (
    Key,
    Marked,
    Marks,
    digest_of,
    marks_by_key,
    marks_of_owners,
    now,
    of_marker,
    owners_of,
    result_from,
    together,
)
from graders.results.gradebook.sessions import Connected
from graders.results.gradebook.tables import HandinRow, MarkRow, OwnerRow, ResultRow


@dataclass(frozen=True)
class Answer:
    """An answer to a written question, with the marks that it has.

    Attributes:
        handin: the number of the hand-in that it stands in.
        students: whose it is.
        name: of the student or the group.
        question: the question's id.
        text: the answer, as it was written.
        marks: the last mark of each marker.
    """

    handin: int
    students: tuple[str, ...]
    name: str
    question: str
    text: str
    marks: tuple[Marked, ...]

    @property
    def key(self) -> Key:
        """What its marks are kept for: whose, which question, and a hash of the text."""
        return self.students, self.question, digest_of(self.text)


class ChangedMeanwhile(Exception):
    """An answer has other marks than those that were seen.

    Attributes:
        marks: those that it has.
    """

    def __init__(self, marks: tuple[Marked, ...]) -> None:
        super().__init__("the answer has other marks by now")
        self.marks = marks


def version_of(marks: Iterable[Marked]) -> str:
    """Return a hash of marks: of other marks, another one."""
    said = sorted((one.marker, float(one.points), one.comment) for one in marks)
    return digest_of(msgspec.json.encode(said).decode())


class Answers(Connected):
    """The part of a gradebook that is about written answers."""

    def answers(self, questions: Sequence[str] = ()) -> list[Answer]:
        """Return the answers in the last results, by question and hand-in, each with the marks that it has.

        An answer that is the same, letter by letter, in several hand-ins of a student keeps its marks.
        """
        with self._session(writes=False) as session:
            rows = session.scalars(
                sa.select(HandinRow)
                .options(selectinload(HandinRow.results), selectinload(HandinRow.owners))
                .order_by(HandinRow.id)
            ).all()
            marks = marks_of_owners(rows, session.scalars(sa.select(MarkRow).order_by(MarkRow.id)))
            found = []
            for row in rows:
                if not row.results:
                    continue
                owners = owners_of(row)
                found += [
                    Answer(
                        row.id,
                        owners,
                        row.name,
                        written.id,
                        written.answer,
                        marks.get((owners, written.id, digest_of(written.answer)), ()),
                    )
                    for written in result_from(row.results[-1]).written
                    if written.answer and (not questions or written.id in questions)
                ]
        return sorted(found, key=lambda answer: (answer.question, answer.handin))

    def marks(self) -> dict[int, dict[str, Mark]]:
        """Return what the marks of each answer come to, by the hand-in's number and the question's id."""
        found: dict[int, dict[str, Mark]] = {}
        for answer in self.answers():
            if mark := together(answer.marks):
                found.setdefault(answer.handin, {})[answer.question] = mark
        return found

    def marks_now(self) -> Marks:
        """Return the last mark of each marker, by `Answer.key`; results are not read for it, so that it is quick."""
        with self._session(writes=False) as session:
            return _marks(session)

    def newest_result(self) -> int:
        """Return a number that grows with each result, so that who holds `answers` knows when to read them again."""
        with self._session(writes=False) as session:
            return session.scalar(sa.select(sa.func.max(ResultRow.id))) or 0

    def mark(self, marks: Iterable[tuple[Answer, Marked]]) -> None:
        """Keep marks for answers, all or none; a marker's earlier one stays in the history alone."""
        with self._session() as session:
            wait_alone(session.connection(), MARKS_LOCK)
            current = _marks(session)
            for answer, mark in marks:
                before = of_marker(mark.marker, current.get(answer.key, ()))
                if before != mark:
                    self._keep(session, answer, mark, before)

    def mark_as_seen(self, answer: Answer, mark: Marked, seen: str, *, blind: bool = False) -> None:
        """Keep a mark if the answer still has the marks that the marker has seen.

        Args:
            answer: what it is for.
            mark: the mark; one that says the same as the marker's last changes nothing.
            seen: `version_of` the marks that the marker has seen.
            blind: the marker has seen none but their own, and others' do not matter.

        Raises:
            ChangedMeanwhile: the answer has others by now; nothing is written.
        """
        with self._session() as session:
            wait_alone(session.connection(), MARKS_LOCK)
            current = _marks_for(session, answer.key)
            before = of_marker(mark.marker, current)
            if before == mark:
                return
            if version_of(current if not blind else [before] if before else ()) != seen:
                raise ChangedMeanwhile(current)
            self._keep(session, answer, mark, before)

    def last_mark(self, marker: str) -> tuple[Key, Marked] | None:
        """Return the mark that this marker gave last, and the `Answer.key` that it is for."""
        with self._session(writes=False) as session:
            row = _last_row(session, marker)
            return (_key(session, row), _marked(row)) if row else None

    def take_back(self, marker: str, key: Key, expected: Marked) -> Marked | None:
        """Take back the mark that a marker gave last, and return the one that stood there before, if there was one.

        Args:
            marker: whose mark.
            key: the `Answer.key` that it is for.
            expected: the mark.

        Raises:
            ChangedMeanwhile: their last mark is another one, or for another answer; nothing is written.
        """
        with self._session() as session:
            wait_alone(session.connection(), MARKS_LOCK)
            row = _last_row(session, marker)
            if row is None or (_key(session, row), _marked(row)) != (key, expected):
                raise ChangedMeanwhile((_marked(row),) if row else ())
            subject = f"{row.handin}: {row.question}"
            session.delete(row)
            session.flush()
            before = of_marker(marker, _marks_for(session, key))
            self._note(session, "mark taken back", subject, _said(expected, marker), _said(before, marker))
            return before

    def _keep(self, session: Session, answer: Answer, mark: Marked, before: Marked | None) -> None:
        session.add(
            MarkRow(
                handin=answer.handin,
                question=mark.question,
                answer_digest=digest_of(answer.text),
                points=mark.points,
                marker=mark.marker,
                comment=mark.comment,
                marked=now(),
            )
        )
        earlier = {"points": before.points, "comment": before.comment} if before else {}
        self._note(session, "marked", f"{answer.handin}: {mark.question}", earlier, _said(mark, mark.marker))


def _said(mark: Marked | None, marker: str) -> dict[str, object]:
    return {"points": mark.points, "comment": mark.comment, "marker": marker} if mark else {}


def _marks(session: Session, *only: sa.ColumnElement[bool]) -> Marks:
    """Return marks as they stand: columns alone, since a page asks for those of a whole class."""
    owners: dict[int, tuple[str, ...]] = {}
    named = sa.select(HandinRow.id, HandinRow.name, OwnerRow.student).outerjoin(OwnerRow)
    for handin, name, student in session.execute(named):
        owners[handin] = (name,) if student is None else tuple(sorted((*owners.get(handin, ()), student)))
    columns = (MarkRow.handin, MarkRow.question, MarkRow.answer_digest, MarkRow.marker, MarkRow.points, MarkRow.comment)
    return marks_by_key(owners, session.execute(sa.select(*columns).where(*only).order_by(MarkRow.id)))


def _marks_for(session: Session, key: Key) -> tuple[Marked, ...]:
    _, question, digest = key
    return _marks(session, MarkRow.question == question, MarkRow.answer_digest == digest).get(key, ())


def _last_row(session: Session, marker: str) -> MarkRow | None:
    return session.scalars(sa.select(MarkRow).where(MarkRow.marker == marker).order_by(MarkRow.id.desc())).first()


def _key(session: Session, row: MarkRow) -> Key:
    return owners_of(session.get_one(HandinRow, row.handin)), row.question, row.answer_digest


def _marked(row: MarkRow) -> Marked:
    return Marked(row.question, row.points, row.marker, row.comment)
