"""The checks of a step in groups, for a page: what is wrong once stands there once, with what ends alike or waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from graders.feedback.checks import cause_of, mark_of
from graders.outcomes import WAITS_FOR, Outcome, is_to_do
from graders.results.schema import CheckResult
from graders.words.spoken import marked

WORDS = {
    Outcome.PASSED: marked("passed"),
    Outcome.FAILED: marked("failed"),
    Outcome.NOT_IMPLEMENTED: marked("still to do"),
    Outcome.STUDENT_ERROR: marked("an error in your code"),
    Outcome.WRONG_TYPE: marked("another type than asked for"),
    Outcome.TIMED_OUT: marked("took too long"),
    Outcome.OUT_OF_MEMORY: marked("took too much memory"),
    Outcome.DIED: marked("ended the process"),
    Outcome.FORBIDDEN: marked("not allowed where it is graded"),
    Outcome.BLOCKED: marked("waits for another check"),
    Outcome.HARNESS_FAULT: marked("a fault of the grading, not yours"),
}


@dataclass
class FailureGroup:
    """A check that did not pass, with those that end alike or wait for it.

    Attributes:
        check: the check.
        alike: the titles of those that end in the same way.
        waiting: the titles of those that wait for it.
        lost: what all of them cost.
        messages: why, each once; of hidden checks, and of what is only still to do, nothing.
    """

    check: CheckResult
    alike: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    lost: float = 0.0
    messages: list[str] = field(default_factory=list)

    @property
    def mark(self) -> str:
        """A sign for how it ended."""
        return mark_of(self.check.outcome)

    @property
    def ended(self) -> str:
        """How it ended, in words."""
        return WORDS[self.check.outcome]

    def add(self, check: CheckResult) -> None:
        """Count a check, and keep its message if that says something new: those of checks that end alike do not."""
        self.lost += check.max_points - check.points
        says = check is self.check or check.outcome is Outcome.NOT_IMPLEMENTED
        is_new = check.message not in self.messages and not is_to_do(check.message)
        if says and is_new and check.visibility == "public" and check.message:
            self.messages.append(check.message)


@dataclass(frozen=True)
class StepGroups:
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
    failed: list[FailureGroup]
    passed: list[CheckResult]
    dropped: list[CheckResult]
    count: int


def grouped_by_step(checks: Sequence[CheckResult]) -> list[StepGroups]:
    """Return the steps, in order, with their checks in groups."""
    return [_step(number, [one for one in checks if one.step == number]) for number in sorted({c.step for c in checks})]


def _step(number: int, checks: Sequence[CheckResult]) -> StepGroups:
    counted = [check for check in checks if not check.dropped]
    by_title: dict[str, FailureGroup] = {}
    by_cause: dict[tuple[str, ...], FailureGroup] = {}
    for check in counted:
        if check.outcome is Outcome.PASSED:
            continue
        cause = (check.outcome,) if check.outcome is Outcome.NOT_IMPLEMENTED else cause_of(check)
        blocked = check.outcome is Outcome.BLOCKED
        root = by_title.get(check.message.removeprefix(WAITS_FOR)) if blocked else None
        if cause in by_cause:
            group = by_cause[cause]
            group.alike.append(check.title)
        elif root:
            group = root
            group.waiting.append(check.title)
        else:
            group = FailureGroup(check)
        if cause:
            by_cause[cause] = group
        group.add(check)
        by_title[check.title] = group
    return StepGroups(
        number,
        sum(check.points for check in checks),
        sum(check.max_points for check in checks),
        list({id(one): one for one in by_title.values()}.values()),
        [check for check in counted if check.outcome is Outcome.PASSED],
        [check for check in checks if check.dropped],
        len(counted),
    )
