"""Outcome messages: from a worker's report of an exception, or from the way in which it died."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from graders.outcomes import (
    Died,
    Forbidden,
    NotImplementedYet,
    OutOfMemory,
    Raised,
    StudentError,
    SubmissionError,
    TimedOut,
)
from graders.text import beginning

TEXT_CHARACTERS = 600
KINDS: dict[str, type[SubmissionError]] = {
    "NotImplementedError": NotImplementedYet,
    "MemoryError": OutOfMemory,
    "PermissionError": Forbidden,
}
# What libraries make of a PermissionError.
REFUSED = ("Permission denied", "Operation not permitted")
IMITATED: dict[str, type[Exception]] = {
    kind.__name__: kind
    for kind in (
        ArithmeticError, AssertionError, AttributeError, EOFError, FileExistsError, FileNotFoundError, ImportError,
        IndexError, IsADirectoryError, KeyError, LookupError, NameError, NotADirectoryError, OSError, OverflowError,
        RecursionError, RuntimeError, TypeError, ValueError, ZeroDivisionError,
    )
}  # fmt: skip


def from_report(call: str, report: dict[object, object]) -> SubmissionError:
    """Make the exception that stands for one raised by student code.

    It also is of the same built-in class, so that a check may say `pytest.raises(ValueError)`.

    Args:
        call: what was asked.
        report: the worker's own words, which are not trusted: `bases`, `type`, `text`, `frames`, `source`.
    """
    raised = Raised(
        _text(report.get("type"), 80),
        tuple(_text(name, 80) for name in _items(report.get("bases"))[:20]),
        _text(report.get("text"), TEXT_CHARACTERS),
        tuple(dict.fromkeys(filter(None, (_line(frame) for frame in _items(report.get("frames"))[-4:])))),
        _text(report.get("source"), 80),
    )
    text = f"{call} raised {raised.kind}: {raised.text}" if raised.text else f"{call} raised {raised.kind}"
    kind = next((KINDS[name] for name in raised.bases if name in KINDS), StudentError)
    if "allocate memory" in text and {"RuntimeError", "OSError"} & set(raised.bases):
        kind = OutOfMemory
    if "RuntimeError" in raised.bases and any(words in text for words in REFUSED):
        kind = Forbidden
    error = _also_builtin(kind, raised.bases)(f"{text} [{'; '.join(raised.lines)}]" if raised.lines else text)
    error.raised, error.call = raised, call
    return error


def death(call: str, code: int) -> SubmissionError:
    """Make the exception for a worker that closed its socket, from its exit code."""
    if code == -signal.SIGXCPU:
        return TimedOut(f"{call} used up the worker's processor time.")
    if code == -signal.SIGKILL:
        return Died(f"{call} closed the connection to the judge.")
    if code < 0:
        name = next((one.name for one in signal.Signals if one == -code), f"signal {-code}")
        return Died(f"{call} crashed the Python interpreter ({name}).")
    return Died(f"{call} ended the process with exit code {code}; a function returns its result, it does not exit.")


def _also_builtin(kind: type[SubmissionError], bases: Sequence[str]) -> type[SubmissionError]:
    builtin = next((IMITATED[name] for name in bases if name in IMITATED), None)
    return type(kind.__name__, (kind, builtin), {}) if builtin else kind


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(value: object, limit: int) -> str:
    return beginning(value, limit) if isinstance(value, str) else ""


def _line(frame: object) -> str:
    match frame:
        case [str() as file, int() as line, str() as function]:
            return f"{_text(file, 80)} line {line}, in {_text(function, 60)}"
    return ""
