"""From verdicts to points, and from a stored result to the points that the course gives for it now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from graders.course import Course
from graders.judging.rubric import Check
from graders.outcomes import Outcome, Verdict
from graders.questions import load_questions
from graders.results.schema import AnswerStatus, CheckResult, Result, WrittenAnswer
from graders.text import encodable

HIDDEN_MESSAGE = "This check is hidden: its title and hint are all that is shown."
NOT_RUN = Verdict(Outcome.BLOCKED, "", 0.0)


def score(rubric: Sequence[Check], verdicts: Mapping[str, Verdict]) -> list[CheckResult]:
    """Give each check of the rubric its points: all for a pass that the judge saw, else none.

    A check that was dropped has no verdict; it gives its points to all, or to none, as the course says.
    """
    return [_scored(check, NOT_RUN if check.dropped else verdicts[check.id]) for check in rubric]


def _scored(check: Check, verdict: Verdict) -> CheckResult:
    info = check.info
    passed = verdict.outcome is Outcome.PASSED
    secret = info.visibility == "hidden" and verdict.outcome not in {Outcome.PASSED, Outcome.BLOCKED}
    return CheckResult(
        id=check.id,
        step=check.step,
        title=check.title,
        points=_points(check, verdict.outcome),
        max_points=check.max_points,
        outcome=verdict.outcome,
        message=HIDDEN_MESSAGE
        if secret and verdict.outcome is not Outcome.HARNESS_FAULT
        else encodable(verdict.message),
        hint="" if passed or check.dropped else info.hint if secret else verdict.hint or info.hint,
        visibility=info.visibility,
        seconds=round(verdict.seconds, 4),
        dropped=check.dropped.reason if check.dropped else "",
        picture=verdict.picture if info.visibility == "public" else None,
    )


def _points(check: Check, outcome: Outcome) -> float:
    if check.dropped:
        return check.max_points
    return check.info.points if outcome is Outcome.PASSED else 0.0


def message_for_student(check: CheckResult) -> str:
    """Return why a check did not pass, as its student may read it; a hidden one's words are for the staff."""
    readable = check.visibility == "public" or check.outcome in {Outcome.PASSED, Outcome.BLOCKED}
    return check.message if readable else HIDDEN_MESSAGE


def rescore(result: Result, rubric: Sequence[Check]) -> Result:
    """Return a stored result with the points that the course gives for its verdicts now; no student code runs.

    Raises:
        LookupError: it lacks a check that the rubric counts, so that it has to be graded again; the text names it.
    """
    steps = {check.step for check in result.checks}
    before = {check.id: check for check in result.checks}
    rows = [check for check in rubric if check.step in steps]
    missing = [check.id for check in rows if not check.dropped and not _has_verdict(before.get(check.id))]
    if missing:
        raise LookupError(missing[0])
    checks = [
        msgspec.structs.replace(
            before[check.id] if check.id in before else _scored(check, NOT_RUN),
            title=check.title,
            points=_points(check, before[check.id].outcome if check.id in before else Outcome.BLOCKED),
            max_points=check.max_points,
            dropped=check.dropped.reason if check.dropped else "",
        )
        for check in rows
    ]
    return msgspec.structs.replace(result, checks=checks, score=points(checks), max_score=max_points(checks))


def _has_verdict(check: CheckResult | None) -> bool:
    """Tell whether a check ran, or was blocked by another: one that was dropped then did neither."""
    return check is not None and (check.outcome is not Outcome.BLOCKED or bool(check.message))


def points(checks: Sequence[CheckResult]) -> float:
    """Return what a submission got for checks together."""
    return sum(check.points for check in checks)


def max_points(checks: Sequence[CheckResult]) -> float:
    """Return what checks are worth together."""
    return sum(check.max_points for check in checks)


class StepScore(NamedTuple):
    """The checks of one step, what a submission got for them, and what they are worth."""

    checks: list[CheckResult]
    points: float
    max_points: float


def steps_of(checks: Iterable[CheckResult]) -> dict[int, StepScore]:
    """Return the score of each step, by its number."""
    found: dict[int, list[CheckResult]] = {}
    for check in checks:
        found.setdefault(check.step, []).append(check)
    return {step: StepScore(mine, points(mine), max_points(mine)) for step, mine in sorted(found.items())}


def faulty_steps(checks: Iterable[CheckResult]) -> list[int]:
    """Return the steps in which the harness failed: what they lack is not the student's doing."""
    return sorted({check.step for check in checks if check.outcome is Outcome.HARNESS_FAULT and not check.dropped})


def fault_note(steps: Iterable[int]) -> str:
    """Say of steps that the harness failed in them."""
    return f"step {', '.join(map(str, steps))}: the harness failed in its checks, which is never charged; grade again"


def to_be_graded(result: Result, rubric: Sequence[Check]) -> list[str]:
    """Return the ids of a rubric's checks of which a result has no verdict that counts.

    They are not there, were dropped then and are not now, or were blocked by one that was dropped since.
    """
    there = {check.id: check for check in result.checks}
    unknown = [check.id for check in rubric if not check.dropped and not _has_verdict(there.get(check.id))]
    return [*unknown, *waiting_for_dropped(result, rubric)]


def waiting_for_dropped(result: Result, rubric: Sequence[Check]) -> list[str]:
    """Return the ids of a result's checks that were blocked by one that was dropped since, and by no other."""
    dropped = {check.id for check in rubric if check.dropped}
    ended = {check.id: check.outcome for check in result.checks}

    def nothing_else_lacks(check: Check) -> bool:
        return all(ended.get(needed) is Outcome.PASSED for needed in set(check.needs) - dropped)

    return [
        check.id
        for check in rubric
        if ended.get(check.id) is Outcome.BLOCKED
        and not check.dropped
        and dropped.intersection(check.needs)
        and nothing_else_lacks(check)
    ]


def written_answers(course: Course, rubric: Sequence[Check], answers: Mapping[str, str]) -> list[WrittenAnswer]:
    """Return the written questions of a rubric's steps, each with its answer, if there is one."""
    steps = {check.step for check in rubric}
    questions = load_questions(course, steps) if steps else []
    return [
        WrittenAnswer(
            id=question.id,
            step=question.step,
            title=question.title,
            answer=answers.get(question.id, ""),
            status=AnswerStatus.TO_BE_MARKED if answers.get(question.id) else AnswerStatus.NOT_ANSWERED,
        )
        for question in questions
    ]
