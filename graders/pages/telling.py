"""How a page tells the checks of a step: what is wrong once is told once, with what ends alike or waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from graders.feedback.checks import MARKS, cause_of
from graders.outcomes import WAITS_FOR, Outcome
from graders.results.schema import CheckResult

WORDS = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.NOT_IMPLEMENTED: "still to do",
    Outcome.STUDENT_ERROR: "an error in your code",
    Outcome.WRONG_TYPE: "another type than asked for",
    Outcome.TIMED_OUT: "took too long",
    Outcome.OUT_OF_MEMORY: "took too much memory",
    Outcome.DIED: "ended the process",
    Outcome.FORBIDDEN: "not allowed where it is graded",
    Outcome.BLOCKED: "waits for another check",
    Outcome.HARNESS_FAULT: "a fault of the grading, not yours",
}
NO_MARK = "✗"


@dataclass
class Told:
    """A check that did not pass.

    Attributes:
        check: the check.
        alike: the titles of those that end in the same way.
        waiting: the titles of those that wait for it.
        lost: what all of them cost.
    """

    check: CheckResult
    alike: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    lost: float = 0.0

    @property
    def mark(self) -> str:
        """A sign for how it ended."""
        return MARKS.get(self.check.outcome, NO_MARK)

    @property
    def ended(self) -> str:
        """How it ended, in words."""
        return WORDS[self.check.outcome]

    @property
    def message(self) -> str:
        """Why; of a hidden check, and where it is only still to do, nothing."""
        check = self.check
        silent = check.visibility == "hidden" or check.outcome is Outcome.NOT_IMPLEMENTED
        return "" if silent else check.message


@dataclass(frozen=True)
class StepTold:
    """A step on a page.

    Attributes:
        number: its number.
        points: what the submission got.
        max_points: what is to be had.
        failed: what did not pass, in the order of the checks.
        passed: the checks that passed.
        dropped: the checks that no longer count.
        count: how many checks count.
    """

    number: int
    points: float
    max_points: float
    failed: list[Told]
    passed: list[CheckResult]
    dropped: list[CheckResult]
    count: int


def steps_of(checks: Sequence[CheckResult]) -> list[StepTold]:
    """Return the steps, with their checks."""
    return [_step(number, [one for one in checks if one.step == number]) for number in sorted({c.step for c in checks})]


def _step(number: int, checks: Sequence[CheckResult]) -> StepTold:
    counted = [check for check in checks if not check.dropped]
    told: dict[str, Told] = {}
    by_cause: dict[tuple[str, ...], Told] = {}
    for check in counted:
        if check.outcome is Outcome.PASSED:
            continue
        cause = cause_of(check)
        first = by_cause.get(cause) if cause else None
        root = told.get(check.message.removeprefix(WAITS_FOR)) if check.outcome is Outcome.BLOCKED else None
        if first is not None:
            first.alike.append(check.title)
        elif root is not None:
            root.waiting.append(check.title)
        else:
            first = Told(check)
            if cause:
                by_cause[cause] = first
        about = first or root
        assert about is not None
        about.lost += check.max_points - check.points
        told[check.title] = about
    return StepTold(
        number,
        sum(check.points for check in checks),
        sum(check.max_points for check in checks),
        list({id(one): one for one in told.values()}.values()),
        [check for check in counted if check.outcome is Outcome.PASSED],
        [check for check in checks if check.dropped],
        len(counted),
    )
