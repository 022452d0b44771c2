"""Resource limits of a process, by the kernel; on Linux alone."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from pathlib import Path


def address_space() -> int:
    """Return the bytes that this process maps."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def limit(wanted: Mapping[int, int], *, for_good: bool = False) -> None:
    """Limit this process, and what it starts.

    Args:
        wanted: a value for each of the `resource.RLIMIT_` constants; a lower limit that is set already stays.
        for_good: whether the hard limits are lowered too, so that the process cannot raise them again.
    """
    for which, value in wanted.items():
        hard = resource.getrlimit(which)[1]
        bounded = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (bounded, bounded if for_good else hard))
