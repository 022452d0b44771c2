"""Transactions of a gradebook: what is read, what is written, and who notes it in the history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Self

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from graders.results.gradebook.database import BUSY_SECONDS, READS, GradebookFault, open_engine
from graders.results.gradebook.rows import change_row


class Connected:
    """A database of a gradebook, open. Use as a context manager.

    Args:
        url: SQLAlchemy's; a plain path is a file of SQLite.
        by: who makes the changes, for the history.
        new: make it, if there is none.
        patience: seconds to wait for one that others have locked.
    """

    def __init__(self, url: str, by: str, *, new: bool = False, patience: float = BUSY_SECONDS) -> None:
        self.engine = open_engine(url, new=new, patience=patience)
        self.by = by

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up all connections; the next use makes new ones."""
        self.engine.dispose()

    @property
    def on_a_server(self) -> bool:
        """Whether it is kept by a database server, which may be away for a while, and not in a file."""
        return bool(self.engine.dialect.name != "sqlite")

    @contextmanager
    def _session(self, *, writes: bool = True) -> Iterator[Session]:
        engine = self.engine if writes else self.engine.execution_options(**READS)
        try:
            with Session(engine) as session, session.begin():
                yield session
        except DBAPIError as error:
            why = " ".join(str(error.orig).split())
            raise GradebookFault(f"the gradebook does not answer ({why}); what was to be written is not.") from error

    def _note(
        self, session: Session, what: str, subject: str, before: Mapping[str, object], after: Mapping[str, object]
    ) -> None:
        session.add(change_row(self.by, what, subject, before, after))
