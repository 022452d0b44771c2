"""The closed set of ways in which a check can end, and the exceptions that stand for them."""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

import msgspec

from graders.text import text_of

_TO_DO = re.compile("is yours to write")

WAITS_FOR = "Mend another check first, this one builds on it: "
"""How the message of a blocked check begins, before the title of the other one."""


class Outcome(StrEnum):
    """How one check ended. Only `PASSED` earns points."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_IMPLEMENTED = "not_implemented"
    STUDENT_ERROR = "student_error"
    WRONG_TYPE = "wrong_type"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    DIED = "died"
    FORBIDDEN = "forbidden"
    BLOCKED = "blocked"
    HARNESS_FAULT = "harness_fault"


OF_ONE_CAUSE = frozenset({
    Outcome.STUDENT_ERROR, Outcome.TIMED_OUT, Outcome.OUT_OF_MEMORY, Outcome.DIED, Outcome.FORBIDDEN,
})  # fmt: skip
"""Whichever checks end so, it is of one cause if the same line is at fault; what a check compares is its own."""


class Panel(msgspec.Struct, frozen=True):
    """A matrix to look at: what came, or what was expected.

    Attributes:
        rows: how many there are, of those that are shown.
        columns: likewise.
        cells: a byte for each cell, row by row: 0 for no number, 1 to 255 from the picture's `low` to its `high`.
        numbers: the values themselves, row by row, of a matrix that is small enough to read; empty otherwise.
    """

    rows: int
    columns: int
    cells: bytes
    numbers: list[float | None] = []


class Picture(msgspec.Struct, frozen=True):
    """What people would rather look at than read: two matrices or two curves beside each other.

    Attributes:
        title: what it shows, such as the call.
        low: the least value that is shown.
        high: the largest one.
        came: the matrix that came, if it is about matrices.
        wanted: the one that was expected, likewise.
        curves: values of curves from left to right, None for no number: what came, and then what was expected.
    """

    title: str
    low: float
    high: float
    came: Panel | None = None
    wanted: Panel | None = None
    curves: list[list[float | None]] = []


class Verdict(msgspec.Struct, frozen=True):
    """How one check ended, why, how long it took in seconds, what to do about it, and maybe a picture."""

    outcome: Outcome
    message: str
    seconds: float
    hint: str = ""
    picture: Picture | None = None


class Raised(msgspec.Struct, frozen=True):
    """An exception that student code raised, as told by the side that ran it; all of it may be made up.

    Attributes:
        kind: the name of its class, with that of the module unless it is built in: `ValueError`, `locale.Error`.
        bases: the names of the built-in classes that it is of, itself included.
        text: what it says.
        lines: the lines of the submission through which it passed, the innermost last: `FILE line N, in FUNCTION`.
        source: the line of source that Python cannot read, of a syntax error.
    """

    kind: str
    bases: tuple[str, ...]
    text: str
    lines: tuple[str, ...] = ()
    source: str = ""


def to_do(name: str, step: int) -> str:
    """Return what a skeleton's NotImplementedError says of an exercise, by its name and the number of its step."""
    return f"{name} is yours to write: step {step}"


def is_to_do(text: str) -> bool:
    """Tell whether a message, or some source, has in it what a skeleton's NotImplementedError says."""
    return _TO_DO.search(text) is not None


def kind_name(kind: type, package: str) -> str:
    """Return the name of an exception's class as Python prints it, but for those of the submission's package."""
    module = str(kind.__module__)
    known = module in {"builtins", "__main__", package} or module.startswith(f"{package}.")
    return kind.__name__ if known or hasattr(builtins, kind.__name__) else f"{module}.{kind.__name__}"


def source_of(error: BaseException) -> str:
    """Return the line that is no Python, of a syntax error; nothing of another exception."""
    text = error.text if isinstance(error, SyntaxError) else None
    return text if isinstance(text, str) else ""


def raised_by(error: BaseException, package: str, lines: Sequence[str]) -> Raised:
    """Tell about an exception of this process.

    Args:
        error: the exception.
        package: import name of what students write.
        lines: the lines of the submission through which it passed.
    """
    bases = tuple(base.__name__ for base in type(error).__mro__ if base.__module__ == "builtins")
    return Raised(kind_name(type(error), package), bases, text_of(error), tuple(lines), source_of(error))


class SubmissionError(Exception):
    """The submission did something that ends the check in progress.

    Attributes:
        outcome: which thing.
        raised: the exception of student code, if there was one.
        importing: the module that was being imported meanwhile, with its package, if one was.
        call: what was being asked, if it is known.
    """

    outcome: ClassVar[Outcome]
    raised: Raised | None = None
    importing: str = ""
    call: str = ""

    def __str__(self) -> str:
        """Return the message as it is, also where a subclass is a `KeyError`, which would quote it."""
        return str(self.args[0]) if self.args else self.outcome


class StudentError(SubmissionError):
    """Student code raised an exception; the message holds its type, text and line."""

    outcome = Outcome.STUDENT_ERROR


class NotImplementedYet(SubmissionError):
    """The exercise still raises `NotImplementedError`."""

    outcome = Outcome.NOT_IMPLEMENTED


class WrongType(SubmissionError):
    """A value is not of the type that the step asks for."""

    outcome = Outcome.WRONG_TYPE


class TimedOut(SubmissionError):
    """A call did not answer before its deadline."""

    outcome = Outcome.TIMED_OUT


class OutOfMemory(SubmissionError):
    """Student code asked for more memory than a worker may have."""

    outcome = Outcome.OUT_OF_MEMORY


class Died(SubmissionError):
    """The worker exited, crashed, or broke the protocol."""

    outcome = Outcome.DIED


class Forbidden(SubmissionError):
    """Student code tried something that the sandbox does not allow."""

    outcome = Outcome.FORBIDDEN


class Blocked(SubmissionError):
    """A check that this one depends on did not pass."""

    outcome = Outcome.BLOCKED


class BadInput(Exception):
    """Something that a command was given cannot be used; the message says what, where, and what to do."""


class HarnessFault(Exception):
    """The harness itself failed; never charged to the student."""


class KilledFromOutside(HarnessFault):
    """A worker was killed neither by its own doing nor by the judge: by an operator, or for the memory of others.

    Args:
        call: what it was working on.
    """

    WORDS: ClassVar[str] = "The worker was killed from outside"

    def __init__(self, call: str) -> None:
        super().__init__(f"{self.WORDS} during {call}: by somebody, or by the system for want of memory.")
