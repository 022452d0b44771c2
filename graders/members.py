"""What a check finds in the step modules of a submission, as far as it is not what the submission itself defines."""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType


class Members:
    """What the check in progress has found.

    Attributes:
        strangers: functions and classes of libraries, each as `MODULE.NAME` with the module that defines it.
        values: plain data, each as `MODULE.NAME` with the name of its type.
        asked: whatever it found, the last one at the end; known only where it runs in the process of the checks.
    """

    def __init__(self) -> None:
        self.strangers: dict[str, str] = {}
        self.values: dict[str, str] = {}
        self.asked: dict[str, object] = {}

    def forget(self) -> None:
        """Begin another check."""
        self.strangers.clear()
        self.values.clear()
        self.asked.clear()


def owner_outside(value: object, package: str) -> str:
    """Return the module that defines a function or class, if it is none of a package's; else nothing."""
    if not isinstance(value, FunctionType | BuiltinFunctionType | type):
        return ""
    try:
        owner = str(value.__module__ or "")
    except Exception:  # noqa: BLE001 - a class of a student's may do anything when it is asked
        return ""
    return "" if owner == package or owner.startswith(f"{package}.") else owner
