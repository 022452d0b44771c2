"""A PostgreSQL server for tests: made, started and thrown away, for this user or, under root, for one without rights."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

DEBIAN = Path("/usr/lib/postgresql")
NOBODY = 65534
SETTINGS = "-c listen_addresses= -c fsync=off -c max_connections=50 -c shared_buffers=16MB"


def folder_of_programs() -> Path | None:
    """Return where `initdb` and `pg_ctl` are: of Debian's newest version, or on the PATH; None without them."""
    found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    program = found[-1] if found else shutil.which("initdb")
    return Path(program).parent if program else None


class Server:
    """A server that answers on a socket in its own folder, to whoever may enter that."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs = programs
        self.folder = folder

    def new_database(self) -> str:
        """Return the URL of a database that is empty."""
        name = f"class_{uuid.uuid4().hex}"
        with psycopg.connect(f"host={self.folder} user=tests dbname=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://tests@/{name}?host={self.folder}"

    def create(self) -> None:
        self._do("initdb", "--pgdata", self.folder / "data", "--username", "tests", "--auth", "trust", "--no-sync",
                 "--encoding", "UTF8", "--locale", "C.UTF-8")  # fmt: skip

    def start(self) -> None:
        options = f"{SETTINGS} -k {self.folder}"
        self._do(
            "pg_ctl", "start", "-w", "-t", "120", "-D", self.folder / "data", "-l", self.folder / "log", "-o", options
        )

    def stop(self) -> None:
        self._do("pg_ctl", "stop", "-w", "-m", "immediate", "-D", self.folder / "data")

    def _do(self, program: str, *arguments: object) -> None:
        # PostgreSQL refuses to run as root.
        rights: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run(
            [self.programs / program, *map(str, arguments)],
            cwd=self.folder, env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"}, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **rights,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")


@contextmanager
def started() -> Iterator[Server | None]:
    """Start a server; None if PostgreSQL is not installed."""
    programs = folder_of_programs()
    if programs is None:
        yield None
        return
    # Sockets have short names, and pytest's folders are closed to others.
    folder = Path(tempfile.mkdtemp(prefix="graders-postgresql-"))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    server = Server(programs, folder)
    try:
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
