"""Opening a gradebook: the engine, SQLite's settings, and migrations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from graders.outcomes import BadInput, HarnessFault

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 60  # how long a writer waits for another's transaction to end
OTHER_NAMES_OF_POSTGRESQL = re.compile(r"^postgres(ql)?://")  # for which SQLAlchemy takes another driver
# Numbers that no other user of the database locks.
MIGRATION_LOCK, ENROLMENT_LOCK, MARKS_LOCK = 0x6772_6164, 0x6772_6165, 0x6772_6166
READS = {"gradebook_reads": True}  # of a connection whose transactions only read
DIALECTS = ("sqlite", "postgresql")


class GradebookFault(HarnessFault):
    """The gradebook cannot be opened, read or written; nothing of a run is lost, since results lie in its folder."""


def open_engine(url: str, *, new: bool = False, patience: float = BUSY_SECONDS) -> sa.Engine:
    """Open the database and bring its tables up to date.

    Args:
        url: SQLAlchemy's, such as `sqlite:///class.db`; a plain path is one of SQLite.
        new: make SQLite's file, if there is none.
        patience: seconds to wait for a database that others have locked, or that does not answer.

    Raises:
        BadInput: there is no such database or driver.
        GradebookFault: it is locked or damaged, does not answer, or is of a newer version.
    """
    url = url if "://" in url else f"sqlite:///{url}"
    try:
        address = sa.make_url(OTHER_NAMES_OF_POSTGRESQL.sub("postgresql+psycopg://", url))
        engine = sa.create_engine(address, pool_pre_ping=True, connect_args=_connect_arguments(address, patience))
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        raise BadInput(f"--gradebook {_shown(url)}: {error}") from error
    if engine.dialect.name not in DIALECTS:
        raise BadInput(f"--gradebook {_shown(url)}: it is kept in SQLite or PostgreSQL, not in {engine.dialect.name}.")
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    if engine.dialect.name == "sqlite":
        if not new and file and not Path(file).exists():
            raise BadInput(f"--gradebook {file}: there is no such file; graders run --gradebook makes one.")
        _set_up_sqlite(engine)
    try:
        _migrate(engine)
    except DBAPIError as error:
        raise GradebookFault(f"--gradebook {_shown(url)}: {error.orig}") from error
    except CommandError as error:
        raise GradebookFault(
            f"--gradebook {_shown(url)}: it was made by a newer version of this harness ({error}); install that one."
        ) from error
    if file:
        _expect_same_file(engine, Path(file))
    return engine


def _expect_same_file(engine: sa.Engine, file: Path) -> None:
    """Refuse transactions while the file that was opened is not where it was.

    SQLite would go on with a file that was moved or deleted, and all that it keeps from then on would be lost; a new
    connection would make an empty one.
    """
    place = file.absolute()
    opened = _identity(place)

    def expect(*_: object) -> None:
        if _identity(place) != opened:
            raise GradebookFault(
                f"--gradebook {file}: this file was moved, deleted or replaced since it was opened; what was to be "
                "written is not. Put it back, or start again."
            )

    sa.event.listen(engine, "do_connect", expect)
    sa.event.listen(engine, "checkout", expect)


def _identity(file: Path) -> tuple[int, int] | None:
    """Return what tells a file from all others, whatever it is called; None if there is none."""
    try:
        there = file.stat()
    except OSError:
        return None
    return there.st_dev, there.st_ino


def _connect_arguments(url: sa.URL, patience: float) -> dict[str, Any]:
    """Return the driver's arguments: nobody waits for ever, not for a lock, and not for a server that is gone."""
    match url.get_backend_name():
        case "sqlite":
            return {"timeout": patience}
        case "postgresql":
            seconds = max(2, round(patience))  # libpq takes less for 2
            wanted = {
                "connect_timeout": seconds,
                "options": f"-c lock_timeout={seconds}s",
                "keepalives_idle": seconds,
                "tcp_user_timeout": 1000 * seconds,
            }
            return {name: value for name, value in wanted.items() if name not in url.query}
    return {}


def _shown(url: str) -> str:
    """Return the URL without its password."""
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return "URL"


def _set_up_sqlite(engine: sa.Engine) -> None:
    """Let readers go on while one writes, and let each transaction that writes take the lock when it begins.

    The driver's own way of beginning transactions leaves changes of tables out of them, and lets two transactions read
    first and then wait for each other.
    """

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        reads = READS.items() <= connection.get_execution_options().items()
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def wait_alone(connection: sa.Connection, lock: int) -> None:
    """Wait until no other transaction has a lock, and keep it to the end of this one; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))


def _migrate(engine: sa.Engine) -> None:
    """Bring the tables up to date; of two processes that open a gradebook at once, one waits for the other."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    newest = ScriptDirectory.from_config(config).get_current_head()
    with engine.begin() as connection:
        wait_alone(connection, MIGRATION_LOCK)
        if MigrationContext.configure(connection).get_current_revision() == newest:
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
