"""What inputs cost: how long the slowest one took, and how much more memory the process holds after all of them."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Limits(NamedTuple):
    """What a run of many inputs may cost.

    Attributes:
        seconds: of the slowest one.
        growth: bytes of resident memory, with those in which the fuzzer keeps its own records.
    """

    seconds: float
    growth: int


class Watch:
    """Tries a target on one input after another, and measures.

    Args:
        target: called with each input; whatever it raises is a finding.
        runs: how many inputs there will be.
        limits: what they may cost.

    Attributes:
        tried: inputs so far.
        slowest: seconds that the slowest took.
        slowest_input: that input.
    """

    def __init__(self, target: Callable[[bytes], None], runs: int, limits: Limits) -> None:
        self.target = target
        self.runs = runs
        self.limits = limits
        self.tried = 0
        self.slowest = 0.0
        self.slowest_input = b""
        self._resident = 0

    def __call__(self, data: bytes) -> None:
        seconds = self._timed(data)
        if seconds > self.limits.seconds:  # which another process may be the cause of
            seconds = min(seconds, self._timed(data))
        if seconds > self.slowest:
            self.slowest, self.slowest_input = seconds, data
        self.tried += 1
        if self.tried == -(-self.runs // 20):  # by then caches and the allocator's pools are filled
            self._resident = self._now()

    def _timed(self, data: bytes) -> float:
        start = time.perf_counter()
        self.target(data)
        return time.perf_counter() - start

    @staticmethod
    def _now() -> int:
        gc.collect()
        with contextlib.suppress(OSError, AttributeError):  # where the C library is another than GNU's
            ctypes.CDLL(None).malloc_trim(0)  # gives back what is free, so that what is left is held
        return _kilobytes("VmRSS") << 10

    def growth(self) -> int:
        """Return by how many bytes resident memory has grown since the first inputs."""
        return self._now() - self._resident

    def findings(self) -> list[str]:
        """Say which limits were passed."""
        slow = f"an input took {self.slowest * 1e3:.0f} ms"
        growth = f"memory grew by {self.growth() >> 20} MB"
        return [slow] * (self.slowest > self.limits.seconds) + [growth] * (self.growth() > self.limits.growth)

    def __str__(self) -> str:
        return (
            f"{self.tried} inputs, the slowest {self.slowest * 1e3:.0f} ms, resident memory grew by "
            f"{self.growth() / 2**20:.1f} MB, at most {_kilobytes('VmHWM') >> 10} MB"
        )


def _kilobytes(field: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))
