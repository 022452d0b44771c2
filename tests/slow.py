"""Which tests take long: `slow.txt` names the functions of which one took over a second when it was measured.

`pytest -m "not slow"` leaves them out. `pytest --renew-slow` measures those that it runs, and keeps what it finds.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

FILE = Path(__file__).with_suffix(".txt")
SECONDS = 1.0


def mark(items: Iterable[pytest.Item]) -> None:
    """Mark the tests that are known to take long."""
    known = set(FILE.read_text(encoding="utf-8").splitlines())
    for item in items:
        if function_of(item.nodeid) in known:
            item.add_marker("slow")


def function_of(nodeid: str) -> str:
    """Return the id of a test without what it is parametrized with."""
    return nodeid.partition("[")[0]


class Renewal:
    """Measures tests, and keeps which of them take long once all have run; a plugin of pytest.

    Args:
        root: the folder in which tests are named.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what a part of a test took: its call, and what is made for it before and taken away after."""
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration

    def pytest_sessionfinish(self) -> None:
        """Write the names of those that take long, and keep those that are still there and did not run."""
        ran = {function_of(nodeid) for nodeid in self.seconds}
        known = FILE.read_text(encoding="utf-8").splitlines()
        kept = {name for name in known if name not in ran and (self.root / name.partition("::")[0]).is_file()}
        long = {function_of(nodeid) for nodeid, seconds in self.seconds.items() if seconds >= SECONDS}
        FILE.write_text("".join(f"{name}\n" for name in sorted(kept | long)), encoding="utf-8")
