"""The folders in which a submission is judged: in memory where there is room, and removed whatever ends the judge.

Each is locked by the process that uses it for as long as that lives, so that one that nobody uses any more is known.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there, readable by this user alone
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Numbers of the errors that say that there is no room."""
PREFIX, UNLOCKED = "graders-judge-", ".graders-new-"
ATTEMPTS, PAUSE = 20, 0.05  # to remove a folder; seconds between them


class Place:
    """A new folder of this process; `remove` ends it.

    Args:
        parent: where it is made; None for the usual folder of temporary files.
    """

    def __init__(self, parent: str | None = None) -> None:
        unlocked = Path(tempfile.mkdtemp(prefix=UNLOCKED, dir=parent))
        self._lock = os.open(unlocked, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = unlocked.rename(unlocked.with_name(unlocked.name.replace(UNLOCKED, PREFIX, 1)))

    def remove(self) -> None:
        """Remove it, with all that is in it."""
        remove(self.path)
        os.close(self._lock)


@contextmanager
def filled_place(sizes: Iterable[int], fill: Callable[[Path], None]) -> Iterator[Path]:
    """Yield a folder in which files are, in memory if they fit there; it is removed afterwards.

    Args:
        sizes: how many bytes they take, each.
        fill: writes them into a folder.

    Raises:
        OSError: there is room for them nowhere.
    """
    place = _filled(fast_folder(sizes), fill)
    try:
        yield place.path
    finally:
        place.remove()


def _filled(parent: str | None, fill: Callable[[Path], None]) -> Place:
    place = Place(parent)
    try:
        fill(place.path)
    except BaseException as error:  # an interrupt too: nobody else knows of the folder yet
        place.remove()
        if parent and isinstance(error, OSError) and error.errno in FULL:  # others have taken the room meanwhile
            return _filled(None, fill)
        raise
    return place


def fast_folder(sizes: Iterable[int] = ()) -> str | None:
    """Return the folder of a file system in memory, where small files cost little.

    Args:
        sizes: bytes of each file for which it must have room, and as much again to spare.

    Returns:
        The folder; None if there is none, or too little room for the pages or for the number of these files.
    """
    if not os.access(SHARED_MEMORY, os.W_OK):
        return None
    room = os.statvfs(SHARED_MEMORY)
    pages = [-(-size // room.f_frsize) for size in sizes]
    has_pages = room.f_bavail >= 2 * sum(pages)
    has_names = not room.f_files or room.f_favail >= 2 * len(pages)  # some file systems count none
    return str(SHARED_MEMORY) if has_pages and has_names else None


def remove_abandoned() -> None:
    """Remove the folders of this user's processes that were killed before they could."""
    for parent in {tempfile.gettempdir(), str(SHARED_MEMORY)}:
        with contextlib.suppress(OSError):
            for path in [Path(entry) for entry in os.scandir(parent) if entry.name.startswith(PREFIX)]:
                with contextlib.suppress(OSError):  # it is another user's, or in use, or gone
                    _remove_unlocked(path)


def _remove_unlocked(path: Path) -> None:
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_uid == os.getuid():
            remove(path)
    finally:
        os.close(lock)


def remove(folder: Path) -> None:
    """Remove a folder, however deep student code has made it; what cannot be removed must not cost a result.

    A worker that has just been killed may end the write that it was in, so that one attempt is not always enough.
    """
    for _ in range(ATTEMPTS):
        try:
            shutil.rmtree(folder, ignore_errors=True)
        except RecursionError:
            subprocess.run(["/bin/rm", "-rf", "--", str(folder)], check=False)  # noqa: S603 - a folder of our own
        if not folder.exists():
            return
        subprocess.run(["/bin/chmod", "-R", "u+rwx", "--", str(folder)], check=False, stderr=subprocess.DEVNULL)  # noqa: S603
        time.sleep(PAUSE)
