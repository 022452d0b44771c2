"""The closed set of ways in which a check can end, and the exceptions that stand for them."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

import msgspec


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


class Verdict(msgspec.Struct, frozen=True):
    """How one check ended, why, how long it took in seconds, and a hint that fits better than the check's own."""

    outcome: Outcome
    message: str
    seconds: float
    hint: str = ""


class SubmissionError(Exception):
    """The submission did something that ends the check in progress.

    Attributes:
        outcome: which thing.
        hint: what to do about it, where the check's own hint is about something else.
    """

    outcome: ClassVar[Outcome]
    hint: str = ""

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
    hint = "When it is graded, code writes files in the current folder or with tempfile, and starts no processes."


class Blocked(SubmissionError):
    """A check that this one depends on did not pass."""

    outcome = Outcome.BLOCKED


def import_hint(module: str) -> str:
    """Return the hint for every check that needs a step module which does not load; the module with its package."""
    return (
        "The module does not load, and all checks of its step wait for that: mend it first. "
        f"`python -m {module}` loads it alone."
    )


class HarnessFault(Exception):
    """The harness itself failed; never charged to the student."""
