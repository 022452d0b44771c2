"""How a student's total comes about: which attempt counts, what lateness costs, what a person decided."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from graders.policy import Grades
from graders.results.scoring import fault_note
from graders.words.spoken import marked

DAY = timedelta(days=1)
WAITS = marked("what was handed in has no result yet; `graders run` is at it, or has said why not")
NEWER_WAITS = marked("what was handed in since has no result yet; `graders run` is at it, or has said why not")
CHOSEN = {"last": marked("the last one"), "best": marked("the best one"), "first": marked("the first one")}


@dataclass(frozen=True)
class Attempt:
    """One graded hand-in of a student.

    Attributes:
        handin: the hand-in's number in the gradebook.
        number: 1 for the first, as the platform counts.
        submitted: when it came in, ISO 8601; empty if nobody knows.
        steps: points of each step, by its number, without weights.
        max_steps: the points to be had, likewise.
        marks: points of written answers, by question.
        max_marks: the points to be had for written answers that somebody marks.
        unmarked: answers that nobody has marked yet, of questions that somebody marks, by question.
        late: the platform says that it was late, which counts only where no time is known.
        readable: it could be read.
        faulty: the steps in which the harness failed.
    """

    handin: int
    number: int
    submitted: str
    steps: Mapping[int, float]
    max_steps: Mapping[int, float]
    marks: Mapping[str, float] = field(default_factory=dict)
    max_marks: float = 0.0
    unmarked: tuple[str, ...] = ()
    late: bool = False
    readable: bool = True
    faulty: tuple[int, ...] = ()


@dataclass(frozen=True)
class Mark:
    """What counts for a written answer: the mean of its markers' points, and their comments, without their names."""

    points: float
    comments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Override:
    """Points that a person gave in place of computed ones: of a step, or of the whole (`step` is None)."""

    step: int | None
    points: float
    reason: str
    by: str


@dataclass(frozen=True)
class Total:
    """What a student gets, and why.

    Attributes:
        points: the total, after weights, lateness and overrides.
        max_points: what was to be had, for checks and for the written questions that somebody marks.
        steps: weighted points of each step.
        marks: points of written answers together.
        place: which of the student's attempts counts, from 1, in the order of time; 0 without one.
        handin: its number in the gradebook; None without one.
        late_days: days after the deadline, of that attempt.
        penalty: share of the points that lateness cost, from 0 to 1.
        because: how the total came about, a sentence each.
        faulty: the steps in which the harness failed, and whose points no person has set: they are not to be charged.
        entered: what entered it besides points of checks: weights, and marks of written answers, a sentence each.
    """

    points: float
    max_points: float
    steps: Mapping[int, float]
    marks: float
    place: int
    late_days: int
    penalty: float
    because: tuple[str, ...]
    handin: int | None = None
    faulty: tuple[int, ...] = ()
    entered: tuple[str, ...] = ()

    @property
    def account(self) -> tuple[str, ...]:
        """How the total came about, with all that entered it, a sentence each."""
        return (*self.entered, *self.because)


NOTHING = Attempt(0, 0, "", {}, {})


def without_points(attempt: Attempt) -> Attempt:
    """Return what counts for whoever handed nothing in: no points, of those that were to be had in this attempt."""
    return replace(NOTHING, max_steps=attempt.max_steps, max_marks=attempt.max_marks)


def total_of(
    attempts: Sequence[Attempt],
    policy: Grades,
    free_days: int = 0,
    overrides: Sequence[Override] = (),
    nothing: Attempt = NOTHING,
    waiting: int = 0,
) -> Total:
    """Return a student's total.

    Args:
        attempts: the graded attempts.
        policy: the course's.
        free_days: late days that cost this student nothing, the course's and personal ones together.
        overrides: what a person decided; of several for the same step, the last counts.
        nothing: what counts without any attempt: no points, of those that others could get.
        waiting: the number of hand-ins that came after these attempts and have no result yet.
    """
    if attempts:
        ordered = in_order(attempts)
        counted = [_counted(attempt, policy, free_days, overrides) for attempt in ordered]
        open_to_choice, because = _candidates(ordered, policy)
        chosen = _chosen(counted, open_to_choice, policy)
        best = replace(counted[chosen], place=chosen + 1)
        if len(attempts) > 1:
            which = CHOSEN[policy.attempt]
            because = (f"attempt {chosen + 1} of {len(attempts)} counts: {which}", *because)
        because = (*because, *([NEWER_WAITS] if waiting else []), *best.because)
    else:
        best = replace(_counted(nothing, policy, free_days, overrides), handin=None)
        because = (WAITS if waiting else "nothing was handed in", *best.because)
    decided = _last_for(None, overrides)
    if decided is None:
        return replace(best, points=round(best.points, 4), because=because)
    set_to = f"{decided.by} set the total to {decided.points:g}: {decided.reason}"
    return replace(best, points=decided.points, because=(*because, set_to), faulty=())


def late_days(attempt: Attempt, policy: Grades) -> int:
    """Return the days after the deadline, each begun one counted whole.

    Where no time is known, the platform's word is all there is: late is one day, whatever the course's own deadline.
    """
    if not attempt.submitted:
        return int(attempt.late)
    if not policy.due:
        return 0
    after = moment(attempt.submitted) - policy.due
    return max(0, math.ceil(after / DAY))


def moment(text: str) -> datetime:
    """Read an ISO 8601 time; one without an offset is UTC. Raises `ValueError` if it is none."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _counted(attempt: Attempt, policy: Grades, free_days: int, overrides: Sequence[Override]) -> Total:
    because = []
    steps = {}
    for step in sorted({*attempt.steps, *(one.step for one in overrides if one.step is not None)}):
        decided = _last_for(step, overrides)
        if decided:
            because.append(f"{decided.by} set step {step} to {decided.points:g}: {decided.reason}")
        steps[step] = (decided.points if decided else attempt.steps[step]) * policy.weight_of(step)
    marks = sum(attempt.marks.values())
    raw = sum(steps.values()) + marks
    days = late_days(attempt, policy)
    charged = max(0, days - free_days)
    too_late = policy.latest is not None and days > policy.latest
    penalty = 1.0 if too_late else min(1.0, charged * policy.penalty)
    if days:
        cost = (
            "nothing counts so late" if too_late else f"which cost {penalty:.0%}" if penalty else "which cost nothing"
        )
        because.append(_lateness(days, min(days, free_days), cost))
    elif policy.due and attempt.number and not attempt.submitted:
        because.append("nobody knows when it was handed in; it counts as in time")
    if attempt.unmarked:
        because.append(f"not marked yet: {', '.join(attempt.unmarked)}")
    faulty = tuple(step for step in attempt.faulty if not _last_for(step, overrides))
    if faulty:
        because.append(fault_note(faulty))
    most = attempt.max_marks + sum(points * policy.weight_of(step) for step, points in attempt.max_steps.items())
    entered = _entered(attempt, steps, policy)
    return Total(
        raw * (1 - penalty), most, steps, marks, 0, days, penalty, tuple(because), attempt.handin, faulty, entered
    )


def _entered(attempt: Attempt, steps: Mapping[int, float], policy: Grades) -> tuple[str, ...]:
    said = [
        f"step {step} counts with a weight of {policy.weight_of(step):g}"
        for step in steps
        if policy.weight_of(step) != 1
    ]
    marks, most = round(sum(attempt.marks.values()), 2), round(attempt.max_marks, 2)
    if attempt.unmarked:
        said.append(f"written answers, so far: {marks:g} of {most:g}")
    elif attempt.number and (attempt.marks or attempt.max_marks):
        said.append(f"written answers: {marks:g} of {most:g}")
    return tuple(said)


def _lateness(days: int, free: int, cost: str) -> str:
    if days == 1:
        return f"1 late day, {cost}"
    return f"{days} late days, {free} of them free, {cost}" if free else f"{days} late days, {cost}"


def in_order(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Return attempts in the order in which they were handed in.

    Times tell, where all are known: two hand-ins under two names of a student may both be the first. Otherwise numbers
    tell; of equal ones, the one that was graded first comes first.
    """
    if all(attempt.submitted for attempt in attempts):
        return sorted(attempts, key=lambda attempt: (moment(attempt.submitted), attempt.number))
    return sorted(attempts, key=lambda attempt: attempt.number)


def _candidates(ordered: Sequence[Attempt], policy: Grades) -> tuple[list[int], tuple[str, ...]]:
    """Return the indices of the attempts that may count, and what is to be said of the others."""
    readable = [index for index, attempt in enumerate(ordered) if attempt.readable]
    if policy.unreadable == "counts" or not readable:
        unread = (index + 1 for index, attempt in enumerate(ordered) if not attempt.readable)
        return list(range(len(ordered))), tuple(f"attempt {number} could not be read" for number in unread)
    left = [index + 1 for index, attempt in enumerate(ordered) if not attempt.readable]
    return readable, tuple(f"attempt {number} could not be read, and does not count" for number in left)


def _chosen(totals: Sequence[Total], candidates: Sequence[int], policy: Grades) -> int:
    match policy.attempt:
        case "first":
            return candidates[0]
        case "best":
            return max(candidates, key=lambda index: totals[index].points)
        case _:
            return candidates[-1]


def _last_for(step: int | None, overrides: Sequence[Override]) -> Override | None:
    return next((one for one in reversed(overrides) if one.step == step), None)
