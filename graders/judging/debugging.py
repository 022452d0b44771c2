"""A debugger that opens in student code, not in the harness around it."""

from __future__ import annotations

import pdb  # noqa: T100 - it is what this module is about
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from graders.judging.local import is_of


def debug(error: BaseException, package: str, again: Callable[[], None]) -> None:
    """Open the debugger in the last line of the student's that an exception passed.

    Where it passed none, because a check found fault with what was returned, the check runs again, and the debugger
    opens at the beginning of the last call of student code that it makes.

    Args:
        error: what ended the check.
        package: the student's package.
        again: runs the check again.
    """
    trace = _up_to(error.__traceback__, package)
    if trace is not None:
        print(f"{type(error).__name__}: {error}")  # noqa: T201 - the debugger's own place
        debugger = pdb.Pdb()
        debugger.reset()
        debugger.interaction(None, trace)
        return
    counting = _Calls(package)
    _traced(counting, again)
    if counting.count:
        print("The check runs again; this is its last call of your code. `return` goes to its end.")  # noqa: T201
        _traced(_Calls(package, counting.count), again)


def _up_to(trace: TracebackType | None, package: str) -> TracebackType | None:
    """Return a traceback that ends with the last line of a package's; None without one."""
    steps = [(one.tb_frame, one.tb_lasti, one.tb_lineno) for one in _links(trace)]
    of_package = [index for index, (frame, *_) in enumerate(steps) if is_of(frame, package)]
    made = None
    for frame, instruction, line in reversed(steps[: of_package[-1] + 1] if of_package else []):
        made = TracebackType(made, frame, instruction, line)
    return made


def _links(trace: TracebackType | None) -> list[TracebackType]:
    links = []
    while trace is not None:
        links.append(trace)
        trace = trace.tb_next
    return links


def _traced(trace: Any, run: Callable[[], None]) -> None:
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(None)


class _Calls:
    """Counts the calls from outside of a package into it, and opens the debugger in one of them."""

    def __init__(self, package: str, opens_in: int = 0) -> None:
        self._package = package
        self._opens_in = opens_in
        self.count = 0

    def __call__(self, frame: FrameType, event: str, _: object) -> Any:
        if event != "call" or not self._enters(frame):
            return None
        self.count += 1
        if self.count != self._opens_in:
            return None
        debugger = pdb.Pdb()
        debugger.set_trace(frame)
        return debugger.trace_dispatch

    def _enters(self, frame: FrameType) -> bool:
        inside = is_of(frame, self._package) and frame.f_code.co_name != "<module>"
        return inside and not (frame.f_back and is_of(frame.f_back, self._package))
