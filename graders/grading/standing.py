"""Which steps of an earlier result stand, because they would come out the same again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from graders.grading.task import Task
from graders.intake.submission import Submission
from graders.outcomes import Outcome
from graders.results.files import is_sealed
from graders.results.schema import CheckResult, GradedStep, Result
from graders.results.scoring import rescore, to_be_graded


def same_but_for_seal(result: Result, before: Result) -> bool:
    """Tell whether two results are the same, sealed or not."""
    return msgspec.structs.replace(result, seal="") == msgspec.structs.replace(before, seal="")


def planned_step(step: int, part: Submission, task: Task) -> GradedStep:
    """Return what a step's verdicts will have been computed with."""
    seed = task.seed_for(part.digest)
    mark = hashlib.sha256(f"{task.keys[step]} {part.digest} {seed}".encode()).hexdigest()
    return GradedStep(step, str(seed), mark)


def ended_step(step: GradedStep, checks: Sequence[CheckResult]) -> GradedStep:
    """Return a step's record; a fault of the harness is no verdict to keep: the next run tries again."""
    faulty = any(check.step == step.step and check.outcome is Outcome.HARNESS_FAULT for check in checks)
    return msgspec.structs.replace(step, fingerprint="") if faulty else step


class Standing(NamedTuple):
    """An earlier result with the points of today, and the steps of it that stand; None if there are none."""

    result: Result | None = None
    kept: tuple[int, ...] = ()


def standing_of(before: Result | None, planned: Mapping[int, GradedStep], name: str, task: Task) -> Standing:
    """Find the steps of an earlier result that would come out the same again, under the task's own conditions."""
    if before is None or before.submission != name or not is_sealed(before):
        return Standing()
    if before.isolation.falls_short_of(task.required):
        return Standing()
    slow = {check.step for check in before.checks if check.outcome is Outcome.TIMED_OUT}
    longer = task.seconds != before.time_limit
    stands = {one.step: one.fingerprint for one in before.steps if not (longer and one.step in slow)}
    steps = {row.id: row.step for row in task.rubric}
    stale = {steps[check_id] for check_id in to_be_graded(before, task.rubric)}
    kept = tuple(step for step, plan in planned.items() if stands.get(step) == plan.fingerprint and step not in stale)
    if not kept:
        return Standing()
    checks = [check for check in before.checks if check.step in kept]
    return Standing(rescore(msgspec.structs.replace(before, checks=checks), task.rubric), kept)
