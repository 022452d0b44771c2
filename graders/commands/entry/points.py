"""The commands `graders` and `lab` as they are installed: an interrupt while their modules load is told as any other.

This module imports next to nothing, so that it is there before a user can lose patience.
"""

from __future__ import annotations

import importlib
import os
import signal
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130


def graders() -> NoReturn:
    """Run `graders`."""
    _run("graders", "graders.cli")


def lab() -> NoReturn:
    """Run `lab`."""
    _run("lab", "graders.student")


def _run(name: str, module: str) -> NoReturn:
    """Load the module of a command, and run its `main`, which is given what lets interrupts through from then on."""
    before = signal.getsignal(signal.SIGINT)
    asked: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        asked.append(number)
        if len(asked) > 1:  # in a language that nobody could load yet
            os.write(2, f"{name}: interrupted.\n".encode())
            os._exit(INTERRUPTED)

    def let_through() -> None:
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, before)
        if asked:
            raise KeyboardInterrupt

    if before is signal.default_int_handler:  # a shell has it ignored where it starts a command in the background
        signal.signal(signal.SIGINT, note)
    importlib.import_module(module).main(let_through)
    raise AssertionError(name)  # `main` ends the process
