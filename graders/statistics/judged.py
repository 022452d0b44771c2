"""Which results of a class count: all of a folder, or each student's attempt that counts in the gradebook."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from graders.intake.layouts.handin import Handin
from graders.outcomes import Outcome
from graders.results.schema import CheckResult, Result


@dataclass(frozen=True)
class Judged:
    """A result that counts.

    Attributes:
        whose: ids of those for whom it counts.
        result: the result.
        marked: the ids of the questions whose answers in it have marks.
    """

    whose: tuple[str, ...]
    result: Result
    marked: Collection[str] = ()

    @property
    def checks(self) -> list[CheckResult]:
        """The checks that ended by the student's doing, and count."""
        return [
            check for check in self.result.checks if not check.dropped and check.outcome is not Outcome.HARNESS_FAULT
        ]


def every(results: Iterable[Result]) -> list[Judged]:
    """Return all results."""
    return [Judged(_whose(one), one) for one in results]


def those_that_count(
    results: Mapping[int, tuple[Handin, Result]],
    counted: Mapping[str, int | None],
    marked: Mapping[int, Collection[str]],
) -> list[Judged]:
    """Return the results that count for somebody; that of a group is one, and everybody's for whom it counts.

    Args:
        results: the last result of each hand-in, by its number in the gradebook.
        counted: the number of the hand-in that counts, by student; None for none.
        marked: the ids of the questions whose answers have marks, by the number of the hand-in.
    """
    owners: dict[int, list[str]] = {}
    for owner, number in counted.items():
        if number is not None and number in results:
            owners.setdefault(number, []).append(owner)
    return [
        Judged(tuple(sorted(owners[number])), result, marked.get(number, ()))
        for number, (_, result) in results.items()
        if number in owners
    ]


def _whose(result: Result) -> tuple[str, ...]:
    handin = result.handin
    if handin and handin.students:
        return tuple(handin.students)
    return (result.submission,)
