"""How far a run is, and how long the rest of it takes if it goes on as it went."""

from __future__ import annotations

import time
from collections.abc import Callable

MINUTE, HOUR = 60, 3600
IN_SECONDS, IN_MINUTES = 90, 90 * MINUTE  # up to which a time is told in seconds, and in minutes


class Pace:
    """Counts the submissions of a run, and times those that were graded in it.

    What stands from an earlier run takes no time, and says nothing about what is still to be graded.

    Args:
        total: the submissions of the run.
        at_once: how many are graded at a time.
        clock: the time, in seconds.

    Attributes:
        at_once: the same; on a cluster it changes as nodes come and go.
    """

    def __init__(self, total: int, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.ended = 0
        self.at_once = at_once
        self._clock = clock
        self._began: dict[str, float] = {}
        self._graded = 0
        self._seconds = 0.0

    def begin(self, name: str) -> None:
        """Note that a submission is being graded; only its first time counts."""
        self._began.setdefault(name, self._clock())

    def end(self, name: str, *, graded: bool) -> None:
        """Note that a submission has ended; `graded` if student code ran for that."""
        began = self._began.pop(name, self._clock())
        self.ended += 1
        if graded:
            self._graded += 1
            self._seconds += self._clock() - began

    def left(self) -> float | None:
        """Return the seconds that the rest takes; None as long as nothing was graded."""
        if not self._graded:
            return None
        each = self._seconds / self._graded
        started = sum(max(0.0, each - (self._clock() - began)) for began in self._began.values())
        waiting = self.total - self.ended - len(self._began)
        return (started + each * waiting) / min(self.at_once, max(1, self.total - self.ended))

    def __str__(self) -> str:
        """Say it in a few words: `12 of 40, 3 min left`."""
        left = self.left()
        tail = f", {_duration(left)} left" if left is not None and self.ended < self.total else ""
        return f"{self.ended} of {self.total}{tail}"


def _duration(seconds: float) -> str:
    if seconds < IN_SECONDS:
        return f"{seconds:.0f} s"
    if seconds < IN_MINUTES:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds / HOUR:.1f} h"
