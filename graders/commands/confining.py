"""What the commands that run student code need of the machine."""

from __future__ import annotations

import importlib

from graders.outcomes import HarnessFault

KERNEL_MODULES = ("fcntl", "resource", "termios")  # of Python on Linux; Windows has none of them, macOS not all they do


def expect_linux(command: str) -> None:
    """Raise `HarnessFault`, with what works instead, on a machine whose kernel does not confine student code."""
    for name in KERNEL_MODULES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise HarnessFault(
                f"graders {command} needs Linux, whose kernel confines student code (Python has no {name} here); "
                "lab check works here."
            ) from error
