"""A worker's clock: deadlines count what it does, not what else the machine has to do.

What a worker computes counts, and so does the time in which it sleeps. The time in which it waits for a processor,
because others use them, does not. Threads that compute side by side count as one: on a quiet machine no call has less
time than the clock on the wall gives it. A worker that waits for a disk, or that somebody has stopped, uses a tenth of
that time, so that nothing waits for ever.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

GRAIN = 0.01  # seconds; over less it is not worth while to look at threads
LONGEST = 0.05  # seconds of sleep that one look can find: a judge that was kept from looking has not seen more
SHARE_OF_WAITING = 0.1
COMPUTING, SLEEPING = frozenset("R"), frozenset("SIZX")
PROCESS_CLOCK = 2  # what the kernel has measured of all threads: CPUCLOCK_SCHED


class Doing(NamedTuple):
    """What the threads of a process are doing at a moment.

    Attributes:
        computing: how many have a processor, or wait for one.
        waiting: whether one waits for a disk, or is stopped.
    """

    computing: int
    waiting: bool


class Observed(Protocol):
    """A process whose time is measured."""

    def processor_seconds(self) -> float:
        """Return the processor time of all its threads, of those too that have ended."""
        ...

    def doing(self) -> Doing:
        """Return what its threads are doing."""
        ...


class Process:
    """A process of this machine, as Linux shows it. Of one that is gone, or hidden, it shows that it sleeps."""

    def __init__(self, pid: int) -> None:
        self._clock = (~pid << 3) | PROCESS_CLOCK
        self._tasks = f"/proc/{pid}/task"
        self._last = 0.0

    def processor_seconds(self) -> float:
        """Return the processor time of all its threads."""
        with contextlib.suppress(OSError):  # it may be gone
            self._last = time.clock_gettime(self._clock)
        return self._last

    def doing(self) -> Doing:
        """Return what its threads are doing."""
        states = [self._state(task) for task in self._threads()]
        return Doing(
            sum(state in COMPUTING for state in states), any(state not in COMPUTING | SLEEPING for state in states)
        )

    def _threads(self) -> list[str]:
        try:
            return os.listdir(self._tasks)
        except OSError:
            return []

    def _state(self, task: str) -> str:
        try:
            with open(f"{self._tasks}/{task}/stat", "rb") as file:  # noqa: PTH123 - asked for twenty times a second
                return chr(file.read().rpartition(b") ")[2][0])
        except OSError:
            return "X"


class WorkerClock:
    """Counts the seconds that a worker uses.

    Args:
        process: the worker.
        processors: on how many processors its threads can compute at once.
        now: the clock on the wall.
    """

    def __init__(
        self, process: Observed, processors: int | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._process = process
        self._processors = processors or len(os.sched_getaffinity(0))
        self._now = now
        self._used = 0.0
        self._computed = process.processor_seconds()
        self._seen = now()

    def resume(self) -> None:
        """Say that the worker has something to do from here on; until here it may have slept, since nobody asked."""
        self._seen = self._now()

    def read(self) -> float:
        """Return how many seconds the worker has used."""
        now, computed = self._now(), self._process.processor_seconds()
        passed, worked = now - self._seen, computed - self._computed
        if max(passed, worked) < GRAIN:
            return self._used + worked
        doing = self._process.doing()
        self._seen, self._computed = now, computed
        self._used += worked / max(1, min(doing.computing, self._processors))
        if not doing.computing:
            idle = max(0.0, min(passed, LONGEST) - worked)
            self._used += idle * SHARE_OF_WAITING if doing.waiting else idle
        return self._used
