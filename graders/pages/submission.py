"""The feedback page of one submission, for the student."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graders.outcomes import Outcome
from graders.pages.grouping import grouped_by_step
from graders.pages.rendering import render
from graders.results.gradebook.grades import Mark
from graders.results.schema import AnswerStatus, CheckResult, Result
from graders.words.spoken import ENGLISH_WORDS, Words


@dataclass(frozen=True)
class Known:
    """What a gradebook knows besides the result.

    Attributes:
        before: the result of the attempt before this one, if there was one.
        marks: marks of the written answers, by the questions' ids.
        because: how the student's total comes about, a sentence each; empty where this attempt does not count.
    """

    before: Result | None = None
    marks: Mapping[str, Mark] = field(default_factory=dict)
    because: Sequence[str] = ()


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
            "because": known.because,
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
