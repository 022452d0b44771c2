"""`lab check --watch`: the checks again after each save, where it can be in a process that has the libraries loaded."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from graders.commands.errors import ExitCode
from graders.commands.home.supervised import NOTES, POLL, Notes, Process, Supervision, this_command_again

Files = dict[Path, tuple[int, int]]


def watch(place: Path, prepare: Callable[[], None], check: Callable[[Notes], int], say: Callable[[str], None]) -> int:
    """Check, and again after each change, until the user interrupts; return the exit code.

    Args:
        place: the package's folder, or a notebook.
        prepare: loads what all checks need, and nothing that the student wrote.
        check: checks once, in a process of its own.
        say: writes a line for the user.
    """
    start = starter(check)
    if start is not this_command_again:
        prepare()
    while True:
        seen = _files(place)
        code = Supervision(say, start=start, is_outdated=partial(_is_changed, place, seen)).run()
        if code == ExitCode.INTERRUPTED:
            return code
        if not _is_changed(place, seen):
            say(f"waiting until {place.name} changes; Ctrl-C ends.")
        while not _is_changed(place, seen):
            time.sleep(POLL)


def starter(check: Callable[[Notes], int]) -> Callable[[dict[str, str]], Process]:
    """Return what starts the process that checks: a fork, where libraries survive that, or else this command again."""
    if sys.platform != "linux":
        return this_command_again

    def start(environment: dict[str, str]) -> Process:
        return _Forked(lambda: check(Notes(Path(environment[NOTES]))))

    return start


def _files(place: Path) -> Files:
    """Return the files that are watched, with the times and sizes by which a change is noticed.

    They are looked at again and again: of what another machine writes into a network folder, a system tells nothing.
    """
    found: Files = {}
    with contextlib.suppress(OSError):  # a folder is removed at this moment
        for path in [*place.rglob("*.py"), *place.rglob("*.md")] if place.is_dir() else [place]:
            with contextlib.suppress(OSError):  # an editor replaces it at this moment
                status = path.stat()
                found[path] = status.st_mtime_ns, status.st_size
    return found


def _is_changed(place: Path, seen: Files) -> bool:
    return _files(place) != seen


class _Forked:
    """A process forked from this one."""

    def __init__(self, work: Callable[[], int]) -> None:
        sys.stdout.flush()
        self.returncode = 0
        self._ended = False
        self.pid = os.fork()
        if not self.pid:
            _work_and_exit(work)

    def poll(self) -> int | None:
        if not self._ended:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._ended, self.returncode = True, os.waitstatus_to_exitcode(status)
        return self.returncode if self._ended else None

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _work_and_exit(work: Callable[[], int]) -> None:
    """Do the work of the second process, and end it as its own command line would."""
    code: int = ExitCode.HARNESS_FAULT
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = work()
    except BaseException:  # noqa: BLE001 - nothing may go on in the parent's place
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
