"""The judge's watch over a worker: what the kernel does not cap is measured, and a worker that exceeds it is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from graders.outcomes import Forbidden
from graders.sandbox.confinement import Limits

SECONDS = 0.05
BLOCK = 512
DELETED = b" (deleted)"
SHARED_MEMORY = b"/dev/zero (deleted)"  # as the kernel calls memory that is shared, and in no file


class Watch:
    """Looks, every `SECONDS`, at a worker's threads and at the files that it keeps.

    What it cannot see, because the worker has ended meanwhile, it passes over: the judge notices that by itself.

    Args:
        pid: the worker's process.
        scratch: the folder that it may write.
        limits: of which `threads`, `scratch` and `entries` are watched.
    """

    def __init__(self, pid: int, scratch: Path, limits: Limits) -> None:
        self._process = Path(f"/proc/{pid}")
        self._scratch = scratch
        self._limits = limits
        self._next = time.monotonic() + SECONDS

    def look(self) -> None:
        """Measure, if it is time to.

        Raises:
            Forbidden: the worker has more than it may.
        """
        if time.monotonic() < self._next:
            return
        threads = _threads(self._process)
        if threads > self._limits.threads:
            raise Forbidden(f"The submission runs {threads} threads; at most {self._limits.threads} are allowed.")
        self._look_at_files()
        self._next = time.monotonic() + SECONDS

    def _look_at_files(self) -> None:
        mapped = _deleted_mappings(self._process) * self._limits.file_size
        self._expect_room(mapped + sum(_deleted_files(self._process)), 0)
        size = 0
        for count, found in enumerate(_entries(self._scratch), start=1):
            size += found
            self._expect_room(size, count)

    def _expect_room(self, size: int, entries: int) -> None:
        if entries > self._limits.entries:
            raise Forbidden(f"The submission keeps more than {self._limits.entries} files and folders.")
        if size > self._limits.scratch:
            raise Forbidden(f"The submission's files take more than {self._limits.scratch >> 20} MB together.")


class Guard:
    """Has a watch look, in a thread of its own, also while the judge computes; a worker that has too much is ended.

    Args:
        watch: looks.
        pid: the worker's process.

    Attributes:
        excess: what the worker had too much of, if it was ended for that.
    """

    def __init__(self, watch: Watch, pid: int) -> None:
        self.excess: Forbidden | None = None
        self._watch = watch
        self._process = os.pidfd_open(pid)  # a number alone may be that of another process by the time of the signal
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_again_and_again, name="watch", daemon=True)
        self._thread.start()

    def _look_again_and_again(self) -> None:
        while not self._over.wait(SECONDS):
            try:
                self._watch.look()
            except Forbidden as excess:
                self.excess = excess
                with contextlib.suppress(OSError):  # it has ended by itself
                    signal.pidfd_send_signal(self._process, signal.SIGKILL)
                return

    def end(self) -> None:
        """Look no more."""
        if not self._over.is_set():
            self._over.set()
            self._thread.join()
            os.close(self._process)


def _threads(process: Path) -> int:
    try:
        status = (process / "status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("Threads:")), 0)


def _deleted_files(process: Path) -> Iterator[int]:
    """Yield the size of each file that the process holds open although it has no name any more."""
    try:
        descriptors = os.listdir(process / "fd")
    except OSError:
        return
    for descriptor in descriptors:
        try:
            status = (process / "fd" / descriptor).stat()
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and not status.st_nlink:
            yield status.st_blocks * BLOCK


def _deleted_mappings(process: Path) -> int:
    """Count the files that the process maps although they have no name any more; they may be as large as a file may."""
    try:
        maps = (process / "maps").read_bytes()
    except OSError:
        return 0
    if DELETED not in maps:
        return 0
    mappings = (line.split(maxsplit=5) for line in maps.splitlines() if line.endswith(DELETED))
    return len({(device, inode) for _, _, _, device, inode, path in mappings if path != SHARED_MEMORY})


def _entries(folder: Path) -> Iterator[int]:
    """Yield the bytes on disk of everything below a folder, without following links; for a folder itself, 0.

    Raises:
        Forbidden: a folder cannot be listed, because of its mode or because it is too deep.
    """
    waiting = [os.fspath(folder)]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except FileNotFoundError:  # removed meanwhile
            continue
        except OSError as error:
            raise Forbidden(f"The submission keeps a folder that cannot be listed ({error.strerror}).") from error
        for entry in entries:
            try:
                is_folder = entry.is_dir(follow_symlinks=False)
                yield 0 if is_folder else entry.stat(follow_symlinks=False).st_blocks * BLOCK
            except FileNotFoundError:
                continue
            if is_folder:
                waiting.append(entry.path)
