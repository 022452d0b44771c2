"""Which results of a class count: all of a folder, or each student's attempt that counts in the gradebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graders.intake.layouts.handin import Handin
from graders.outcomes import Outcome
from graders.results.schema import CheckResult, Result


@dataclass(frozen=True)
class Judged:
    """A result, and whose it is."""

    whose: tuple[str, ...]
    result: Result

    @property
    def checks(self) -> list[CheckResult]:
        """The checks that ended by the student's doing, and count."""
        return [
            check for check in self.result.checks if not check.dropped and check.outcome is not Outcome.HARNESS_FAULT
        ]


def every(results: Iterable[Result]) -> list[Judged]:
    """Return all results whose verdicts count."""
    return [Judged(_whose(one), one) for one in results if not one.tampered]


def those_that_count(results: Sequence[tuple[Handin, Result]], attempts: Mapping[str, int]) -> list[Judged]:
    """Return the results that count for somebody; that of a group is one, and everybody's for whom it counts.

    Args:
        results: the last result of each hand-in, in the order in which these came.
        attempts: the number of the attempt that counts, by student; 0 for none.
    """
    chosen: dict[str, int] = {}
    for at, (handin, result) in enumerate(results):
        for owner in handin.students or [handin.name]:
            if attempts.get(owner) == handin.attempt and not result.tampered:
                chosen[owner] = at  # of several with one number, the last
    owners: dict[int, list[str]] = {}
    for owner, at in chosen.items():
        owners.setdefault(at, []).append(owner)
    return [Judged(tuple(sorted(owners[at])), result) for at, (_, result) in enumerate(results) if at in owners]


def _whose(result: Result) -> tuple[str, ...]:
    handin = result.handin
    if handin and handin.students:
        return tuple(handin.students)
    return (result.submission,)
