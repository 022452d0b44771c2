"""The row of a hand-in: found, written anew, or given to the student whose the hand-in turns out to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from graders.intake.layouts.handin import Handin
from graders.results.gradebook.rows import change_row, insert_into, key_of, owners_of, subject_of
from graders.results.gradebook.tables import HandinRow, LateRow, OverrideRow, OwnerRow


class Found(NamedTuple):
    """The row of a hand-in: its id, and whether it was written just now, so that nothing belongs to it yet."""

    id: int
    is_new: bool


def row_of(handin: Handin, session: Session, *, by: str) -> Found:
    """Return the row of a hand-in, written if it is new; of two runs at once, one finds the other's.

    Args:
        handin: the hand-in.
        session: a transaction; of what is to be written in it, no hand-in waits for a flush.
        by: who makes the change, for the history.
    """
    key = key_of(handin)
    # Whoever records a result of the same hand-in waits here: of two, the second sees what the first has written.
    find = sa.select(HandinRow).where(HandinRow.key == key).with_for_update()
    if row := session.scalars(find).first() or _expected(handin, key, session) or _adopted(handin, key, session, by):
        if handin.submitted == "" and _was_replaced(row, session):
            row.turn = _next_turn(session)
            session.add(change_row(by, "handed in again", subject_of(handin), {}, {"digest": handin.digest}))
        session.flush()
        return Found(row.id, is_new=False)
    values = {
        "key": key,
        "name": handin.name,
        "attempt": handin.attempt,
        "submitted": handin.submitted,
        "late": handin.late,
        "ids": handin.ids,
        "path": handin.path,
        "digest": handin.digest,
        "turn": _next_turn(session),
    }
    write = insert_into(session)(HandinRow).values(**values).on_conflict_do_nothing(index_elements=["key"])
    new = session.scalar(write.returning(HandinRow.id))
    found = Found(new, is_new=True) if new is not None else Found(session.scalars(find).one().id, is_new=False)
    for owner in handin.students:
        session.execute(
            insert_into(session)(OwnerRow)
            .values(handin=found.id, student=owner)
            .on_conflict_do_nothing(index_elements=["handin", "student"])
        )
    return found


def is_there(handin: Handin, session: Session) -> bool:
    """Tell whether something is there under the same name, as the same attempt."""
    same = sa.select(HandinRow.id).where(HandinRow.name == handin.name, HandinRow.attempt == handin.attempt)
    return session.scalars(same).first() is not None


def _expected(handin: Handin, key: str, session: Session) -> HandinRow | None:
    """Return the row of a hand-in that was noted before anybody knew its content, which is written there now."""
    unread = key_of(msgspec.structs.replace(handin, digest=""))
    row = session.scalars(sa.select(HandinRow).where(HandinRow.key == unread).with_for_update()).first()
    if row is None or row.results:
        return None
    row.key, row.digest = key, handin.digest
    session.flush()
    return row


def _next_turn(session: Session) -> int:
    return (session.scalar(sa.select(sa.func.max(HandinRow.turn))) or 0) + 1


def _was_replaced(row: HandinRow, session: Session) -> bool:
    """Tell whether something else came later under the same name, as the same attempt, when nobody knows."""
    later = sa.select(HandinRow).where(
        HandinRow.name == row.name,
        HandinRow.attempt == row.attempt,
        HandinRow.submitted == row.submitted,
        HandinRow.turn > row.turn,
    )
    return any(owners_of(one) == owners_of(row) for one in session.scalars(later))


def _adopted(handin: Handin, key: str, session: Session, by: str) -> HandinRow | None:
    """Give a hand-in that was nobody's to whom the roster says now that it belongs, with what was decided of it."""
    if not handin.students or not handin.ids:
        return None
    same = sa.select(HandinRow).where(
        HandinRow.digest == handin.digest,
        HandinRow.attempt == handin.attempt,
        HandinRow.submitted == handin.submitted,
    )
    free = (row for row in session.scalars(same.with_for_update()) if not row.owners and row.ids == handin.ids)
    row = next(free, None)
    if row is None:
        return None
    before, row.name, row.key = row.name, handin.name, key
    row.owners = [OwnerRow(handin=row.id, student=student) for student in handin.students]
    _hand_on(before, handin.students, session)
    session.add(change_row(by, "whose", subject_of(handin), {"name": before}, {"students": handin.students}))
    session.flush()
    return row


def _hand_on(name: str, students: Sequence[str], session: Session) -> None:
    """Let what was decided of a name hold for each of the students whose it is; of decisions, the last still counts."""
    first, *others = students
    overrides = session.scalars(
        sa.select(OverrideRow).where(OverrideRow.student == name).order_by(OverrideRow.id)
    ).all()
    granted = session.scalars(sa.select(LateRow).where(LateRow.student == name).order_by(LateRow.id)).all()
    for student in others:
        mine = sa.select(OverrideRow).where(OverrideRow.student == student, OverrideRow.withdrawn.is_(None))
        own = {row.step: row.id for row in session.scalars(mine.order_by(OverrideRow.id))}
        standing = [row for row in overrides if row.withdrawn is None and own.get(row.step, 0) < row.id]
        copies: list[OverrideRow | LateRow] = [*standing, *granted]
        session.add_all([_copy(row, student) for row in copies])
    for decision in (OverrideRow, LateRow):
        session.execute(sa.update(decision).where(decision.student == name).values(student=first))


def _copy(row: OverrideRow | LateRow, student: str) -> OverrideRow | LateRow:
    columns = {one.name: getattr(row, one.name) for one in row.__table__.columns if not one.primary_key}
    return type(row)(**{**columns, "student": student})
