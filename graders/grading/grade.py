"""Grading one submission: it is read, judged and scored, and its result is kept."""

from __future__ import annotations

import functools
import socket
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from graders.grading.task import Graded, Task
from graders.intake.archives import UnreadableSubmission
from graders.intake.submission import Submission, read_submission
from graders.judging.confined import ConfinedSubject
from graders.judging.judge import judge
from graders.judging.rubric import with_needs
from graders.outcomes import HarnessFault, Outcome, Verdict
from graders.results.files import read_result, write_result
from graders.results.provenance import fingerprint, versions
from graders.results.schema import CheckResult, Isolation, Result
from graders.results.scoring import max_points, points, score, written_answers
from graders.sandbox.layers import State

# What these plugins do for a person at a terminal costs more than the checks themselves.
UNUSED_PLUGINS = (
    "terminal",
    "unraisableexception",
    "threadexception",
    "logging",
    "faulthandler",
    "doctest",
    "junitxml",
)
PYTEST_OPTIONS = ["--capture=no", *(option for name in UNUSED_PLUGINS for option in ("-p", f"no:{name}"))]
READ_NOTEBOOK = "notebook.py"


def grade_one(path: Path, name: str, task: Task, control: socket.socket, progress: Callable[[int], None]) -> Graded:
    """Read, judge and score one submission, and write its result if the task has a folder for results.

    Args:
        path: the submission.
        name: what it is called in results.
        task: what to do with it.
        control: this judge's socket to the warm server.
        progress: called with the number of checks that have ended.

    Raises:
        HarnessFault: confinement falls short of what the task requires, or the sandbox does not answer.
    """
    try:
        submission = read_submission(path, task.course)
    except UnreadableSubmission as error:
        return Graded(_keep(_unreadable(name, str(error), task), task), problem=str(error))
    seed = task.seed_for(submission)
    mark = fingerprint(task.course, submission.digest, task.rubric, seed)
    before = read_result(task.out / name) if task.out else None
    if before and before.fingerprint == mark and before.submission == name:
        return Graded(before, resumed=True)
    verdicts, isolation = _judged(submission, task, seed, control, progress)
    checks = score(task.rubric, verdicts)
    result = Result(
        course=task.course.title,
        submission=name,
        score=points(checks),
        max_score=max_points(checks),
        isolation=isolation,
        seed=str(seed),
        versions=versions(task.course.libraries),
        checks=checks,
        written=written_answers(task.course, task.rubric, submission.answers),
        notes=submission.notes,
        # A fault of the harness is no result to keep: the next run tries again.
        fingerprint="" if _faults(checks) else mark,
    )
    if task.out and READ_NOTEBOOK in submission.files:
        (task.out / name).mkdir(parents=True, exist_ok=True)
        (task.out / name / READ_NOTEBOOK).write_bytes(submission.files[READ_NOTEBOOK])
    return Graded(_keep(result, task))


def _judged(
    submission: Submission, task: Task, seed: int, control: socket.socket, progress: Callable[[int], None]
) -> tuple[dict[str, Verdict], Isolation]:
    reference = functools.partial(_reference_passes, task, seed, control)
    with tempfile.TemporaryDirectory(prefix="graders-submission-") as folder:
        submission.stage(Path(folder))
        with ConfinedSubject(task.course, control, Path(folder), seed, task.seconds, task.without) as subject:
            isolation = Isolation.of(subject.worker().layers)
            if isolation.falls_short_of(task.required):
                lacking = [f"{name} {it}" for name, it in isolation.layers.items() if it.state is not State.ON]
                raise HarnessFault(
                    f"this machine cannot isolate student code as required "
                    f"({isolation.level}, not {task.required}): {'; '.join(lacking)}. "
                    "See graders doctor; --require partial or none grades all the same."
                )
            verdicts = judge(task.course, task.rubric, subject, seed, PYTEST_OPTIONS, progress, reference)
            return verdicts, isolation


def _reference_passes(task: Task, seed: int, control: socket.socket, check_ids: Collection[str]) -> list[str]:
    """Judge the reference on checks, with what they need and the same seed; return the ids of those that it passes."""
    with tempfile.TemporaryDirectory(prefix="graders-reference-") as folder:
        read_submission(task.course.reference_folder, task.course).stage(Path(folder))
        with ConfinedSubject(task.course, control, Path(folder), seed, task.seconds) as subject:
            verdicts = judge(task.course, with_needs(check_ids, task.rubric), subject, seed, PYTEST_OPTIONS)
    return [check_id for check_id in check_ids if verdicts[check_id].outcome is Outcome.PASSED]


def _unreadable(name: str, problem: str, task: Task) -> Result:
    verdict = Verdict(Outcome.STUDENT_ERROR, f"The submission cannot be read: {problem}", 0.0)
    checks = score(task.rubric, {check.id: verdict for check in task.rubric})
    return Result(
        course=task.course.title,
        submission=name,
        score=points(checks),
        max_score=max_points(checks),
        isolation=Isolation.of({}),
        seed=str(task.seed or 0),
        versions=versions(task.course.libraries),
        checks=checks,
        written=written_answers(task.course, task.rubric, {}),
        notes=[problem],
        fingerprint="",
    )


def _keep(result: Result, task: Task) -> Result:
    if task.out:
        write_result(result, task.out / result.submission)
    return result


def _faults(checks: Sequence[CheckResult]) -> bool:
    return any(check.outcome is Outcome.HARNESS_FAULT for check in checks)
