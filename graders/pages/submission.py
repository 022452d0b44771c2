"""The feedback page of one submission, for the student."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graders.outcomes import Outcome
from graders.pages.grouping import grouped_by_step
from graders.pages.rendering import render
from graders.results.gradebook.grades import Mark, Total
from graders.results.schema import AnswerStatus, CheckResult, Result
from graders.words.spoken import ENGLISH_WORDS, Words


@dataclass(frozen=True)
class Known:
    """What a gradebook knows besides the result.

    Attributes:
        before: the result of the attempt before this one, if there was one.
        marks: marks of the written answers, by the questions' ids.
        total: what whoever handed this in gets; None where nobody knows, or each of a group has another.
        counts: that total is of this attempt.
        differing: each of a group has a total of their own.
    """

    before: Result | None = None
    marks: Mapping[str, Mark] = field(default_factory=dict)
    total: Total | None = None
    counts: bool = True
    differing: bool = False


@dataclass(frozen=True)
class Changes:
    """What is otherwise than in the attempt before.

    Attributes:
        points: how many more there are now, or fewer.
        better: checks that pass now.
        worse: checks that no longer pass.
        steps: how many points more or fewer each step has, by its number.
    """

    points: float
    better: list[CheckResult]
    worse: list[CheckResult]
    steps: dict[int, float]


def page_of(result: Result, known: Known | None = None, words: Words = ENGLISH_WORDS) -> bytes:
    """Return the page, UTF-8.

    Args:
        result: the submission's result.
        known: what the gradebook says, if there is one.
        words: its language.
    """
    known = known or Known()
    return render(
        "submission",
        {
            "result": result,
            "handin": result.handin,
            "steps": grouped_by_step(result.checks) if result.was_read else [],
            "changes": changes(known.before, result) if known.before else None,
            "marks": known.marks,
            "total": known.total if known.counts else None,
            "instead": known.total if not known.counts else None,
            "differing": known.differing,
            "answered": AnswerStatus.TO_BE_MARKED,
        },
        words,
    )


def changes(before: Result, now: Result) -> Changes:
    """Return what is otherwise now than before; checks that are in one of the results alone do not count."""
    earlier = {check.id: check for check in before.checks if not check.dropped}
    both = [(earlier[check.id], check) for check in now.checks if check.id in earlier and not check.dropped]
    steps: dict[int, float] = {}
    for old, new in both:
        steps[new.step] = steps.get(new.step, 0.0) + new.points - old.points
    return Changes(
        now.score - before.score,
        [new for old, new in both if new.outcome is Outcome.PASSED and old.outcome is not Outcome.PASSED],
        [new for old, new in both if old.outcome is Outcome.PASSED and new.outcome is not Outcome.PASSED],
        steps,
    )
