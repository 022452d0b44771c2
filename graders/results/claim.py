"""A folder for results belongs to one run at a time."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graders.outcomes import HarnessFault

LOCK = ".lock"
TAKEN = {errno.EACCES, errno.EAGAIN}


class InUse(HarnessFault):
    """Another run is writing into the folder."""


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder for results; the lock ends with this process, however that ends.

    Judges, which are forked from this process, do not have it. On a file system without locks nothing is locked.

    Raises:
        InUse: another run has the folder.
        OSError: the file of the lock cannot be made.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl  # noqa: PLC0415 - there is none on Windows

    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in TAKEN:
                raise InUse(
                    f"{folder}: another run is writing its results there; wait until it ends, or name another folder."
                ) from error
        yield
    finally:
        os.close(descriptor)
