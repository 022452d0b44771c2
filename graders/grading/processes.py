"""Processes that are forked to do one piece of work each, and say over a pipe what becomes of it."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from graders.limits import address_space, limit

ENDINGS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
PR_SET_PDEATHSIG = 1  # of prctl, in linux/prctl.h
JUDGE_MEMORY = 4 << 30  # bytes that a judge may take beyond what it maps at its start


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep each library in this process to one thread: more threads than cores wait for each other, spinning."""
    with threadpool_limits(1):
        yield


class ForkedProcess:
    """A process that does one piece of work, as seen by the process that hands it out.

    Args:
        work: what it does, given its end of the pipe.

    Attributes:
        pipe: the other end of that, on which messages come and go.
    """

    def __init__(self, work: Callable[[Connection], None]) -> None:
        fork = multiprocessing.get_context("fork")
        self.pipe, theirs = fork.Pipe()
        self.process = fork.Process(target=_begin, args=(theirs, work, os.getpid()), daemon=True)
        # An exception that a signal raises in one of Python's own hooks of fork is lost, and the interrupt with it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def next_message(self) -> bytes | None:
        """Return what it says next; None if it has ended without saying any more."""
        try:
            return self.pipe.recv_bytes()
        except (EOFError, ConnectionResetError):
            return None

    def end(self) -> None:
        """Wait until it is gone."""
        self.process.join()
        self.pipe.close()


def _begin(answers: Connection, work: Callable[[Connection], None], parent: int) -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
    end_with(parent)
    # What a submission sends, and what checks make of it, costs this process no more than it costs the check.
    limit({resource.RLIMIT_AS: address_space() + JUDGE_MEMORY})
    work(answers)


def end_with(parent: int) -> None:
    """Let the kernel kill this process when its parent dies: the next run does again what it was doing."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
