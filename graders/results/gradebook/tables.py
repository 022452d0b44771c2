"""The tables of a gradebook."""

from __future__ import annotations

from sqlalchemy import JSON, ForeignKey, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

# Migrations name constraints; every database has to give them the same names.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """What all tables share."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {str: Text, dict[str, str]: JSON, dict[str, object]: JSON}  # noqa: RUF012 - SQLAlchemy's way


class StudentRow(Base):
    """A student of the class; one who left stays, without `active`."""

    __tablename__ = "students"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(default="")
    group: Mapped[str] = mapped_column("team", default="")
    section: Mapped[str] = mapped_column(default="")
    extra_days: Mapped[int] = mapped_column(default=0)
    known_as: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True)


class HandinRow(Base):
    """An attempt of a student or of a group.

    `key` is a hash of all that tells it from another. Of two, the one handed in later has the greater `turn`.
    """

    __tablename__ = "handins"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    attempt: Mapped[int]
    submitted: Mapped[str]
    late: Mapped[bool]
    ids: Mapped[dict[str, str]]
    path: Mapped[str]
    digest: Mapped[str]
    turn: Mapped[int]
    owners: Mapped[list[OwnerRow]] = relationship()
    results: Mapped[list[ResultRow]] = relationship(order_by="ResultRow.id")


class OwnerRow(Base):
    """A student whose hand-in one is; ids that are not of the class are kept too."""

    __tablename__ = "owners"

    handin: Mapped[int] = mapped_column(ForeignKey("handins.id"), primary_key=True)
    student: Mapped[str] = mapped_column(primary_key=True, index=True)


class ResultRow(Base):
    """A result of a hand-in, whole, as `result.json` holds it; the last one counts."""

    __tablename__ = "results"
    id: Mapped[int] = mapped_column(primary_key=True)
    handin: Mapped[int] = mapped_column(ForeignKey("handins.id"), index=True)
    seal: Mapped[str]
    graded: Mapped[str]
    score: Mapped[float]
    max_score: Mapped[float]
    document: Mapped[str]
    steps: Mapped[list[StepRow]] = relationship(order_by="StepRow.step")


class StepRow(Base):
    """The points of one step in a result."""

    __tablename__ = "steps"

    result: Mapped[int] = mapped_column(ForeignKey("results.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    points: Mapped[float]
    max_points: Mapped[float]


class MarkRow(Base):
    """A person's mark for an answer; the last one of each marker stands."""

    __tablename__ = "marks"

    id: Mapped[int] = mapped_column(primary_key=True)
    handin: Mapped[int] = mapped_column(ForeignKey("handins.id"), index=True)
    question: Mapped[str]
    answer_digest: Mapped[str]
    points: Mapped[float]
    marker: Mapped[str]
    comment: Mapped[str] = mapped_column(default="")
    marked: Mapped[str]


class OverrideRow(Base):
    """Points that a person gave in place of computed ones, for a step or the total; `withdrawn` says when it ended."""

    __tablename__ = "overrides"

    id: Mapped[int] = mapped_column(primary_key=True)
    student: Mapped[str] = mapped_column(index=True)
    step: Mapped[int | None]
    points: Mapped[float]
    reason: Mapped[str]
    by: Mapped[str]
    at: Mapped[str]
    withdrawn: Mapped[str | None]


class LateRow(Base):
    """Late days that a person gave to a student, besides those of the roster."""

    __tablename__ = "late_days"

    id: Mapped[int] = mapped_column(primary_key=True)
    student: Mapped[str] = mapped_column(index=True)
    days: Mapped[int]
    reason: Mapped[str]
    by: Mapped[str]
    at: Mapped[str]


class ChangeRow(Base):
    """One change of the gradebook: who made it, when, and what was there before and after."""

    __tablename__ = "history"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[str]
    by: Mapped[str]
    what: Mapped[str]
    subject: Mapped[str]
    before: Mapped[dict[str, object]]
    after: Mapped[dict[str, object]]
