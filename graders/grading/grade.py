"""Grading one submission: it is read, judged and scored, and its result is kept."""

from __future__ import annotations

import functools
import socket
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import msgspec

from graders.course import Course
from graders.grading.earlier import make_room
from graders.grading.standing import ended_step, planned_step, same_but_for_seal, standing_of
from graders.grading.task import Graded, Judged, Task
from graders.intake.archives import NoSubmission, UnreadableSubmission
from graders.intake.layouts.handin import Handin
from graders.intake.submission import Submission, read_submission
from graders.judging.canary import canary_of, judged_with_canary
from graders.judging.collection import CollectedChecks, collect
from graders.judging.confined import ConfinedSubject
from graders.judging.judge import judge
from graders.judging.places import filled_place
from graders.judging.rubric import Check, counted, with_needs
from graders.outcomes import HarnessFault, Outcome, Verdict
from graders.results.files import read_result, write_result, write_whole
from graders.results.provenance import versions
from graders.results.schema import Isolation, Level, Result
from graders.results.scoring import max_points, points, score, written_answers
from graders.sandbox.layers import State
from graders.text import name_of_file

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
T = TypeVar("T")
# Judges some steps, given what each can reach of a submission, and the seconds that reading it has used of its time.
Judging = Callable[[Mapping[int, Submission], float], Judged]


def with_collected(task: Task, action: Callable[[Task], T]) -> T:
    """Have pytest collect a task's checks, once, and return what an action returns that grades with them."""
    checks = [*counted(task.rubric), canary_of(task.rubric[-1].step)] if task.rubric else []

    def act(collected: CollectedChecks) -> T:
        collected.draw_once()
        return action(replace(task, collected=collected))

    return collect(task.course, checks, PYTEST_OPTIONS, act)


def grade_one(path: Path, name: str, task: Task, control: socket.socket, progress: Callable[[int], None]) -> Graded:
    """Read, judge and score one submission, and write its result if the task has a folder for results.

    Args:
        path: the submission.
        name: what it is called in results.
        task: what to do with it.
        control: this judge's socket to the warm server.
        progress: called with the number of checks that have ended.

    Raises:
        NoSubmission: it is none, and gets no result.
        HarnessFault: confinement falls short of what the task requires, or the sandbox does not answer.
    """
    return grade_with(path, name, task, functools.partial(judge_steps, task, control, progress))


def grade_with(path: Path, name: str, task: Task, judging: Judging) -> Graded:
    """Grade one submission as `grade_one` does, with its steps judged by whoever does that.

    Raises:
        NoSubmission: it is none, and gets no result.
        HarnessFault: it could not be judged, or its result cannot be written.
    """
    began = time.process_time()
    source = name_of_file(str(path.resolve()))
    try:
        submission = read_submission(path, task.course)
    except NoSubmission:
        raise
    except UnreadableSubmission as error:
        unreadable, replaced = _keep(_unreadable(name, path, str(error), task), task)
        return Graded(unreadable, problem=str(error), replaced=replaced)
    parts = submission.parts(dict(sorted(task.called.items())))
    planned = {step: planned_step(step, part, task) for step, part in parts.items()}
    before = standing_of(read_result(task.out / name) if task.out else None, planned, name, task)
    running = [row for row in task.rubric if row.step not in before.kept]
    judged, seconds = Judged({}, Isolation.of({})), task.seconds
    if running:
        judged = judging({row.step: parts[row.step] for row in running}, time.process_time() - began)
    elif before.result:
        judged, seconds = Judged({}, before.result.isolation), before.result.time_limit
    new = {check.id: check for check in score(running, judged.verdicts)}
    old = {check.id: check for check in before.result.checks} if before.result else {}
    checks = [new[row.id] if row.id in new else old[row.id] for row in task.rubric]
    result = Result(
        course=task.course.title,
        submission=name,
        source=source,
        digest=submission.digest,
        handin=_handin(path, task, submission.digest),
        score=points(checks),
        max_score=max_points(checks),
        isolation=judged.isolation,
        time_limit=seconds,
        steps=[ended_step(step, checks) for step in planned.values()],
        versions=versions(task.course.libraries),
        checks=checks,
        written=written_answers(task.course, task.rubric, submission.answers),
        notes=submission.notes,
        tampered=judged.tampered,
    )
    resumed = not running and before.result is not None and same_but_for_seal(result, before.result)
    written, replaced = _keep(result, task, submission.files.get(READ_NOTEBOOK))
    return Graded(written, before.kept, resumed, replaced=replaced, disturbed=judged.disturbed)


def judge_steps(
    task: Task,
    control: socket.socket,
    progress: Callable[[int], None],
    parts: Mapping[int, Submission],
    used: float,
) -> Judged:
    """Judge some steps of a submission in confined workers.

    Args:
        task: what to do with it.
        control: this judge's socket to the warm server.
        progress: called with the number of checks that have ended.
        parts: for each of the steps, what its code can reach of the submission.
        used: of the submission's time, the seconds that are used up when this begins.

    Raises:
        HarnessFault: confinement falls short of what the task requires, or the sandbox does not answer.
    """
    began = time.process_time() - used
    rubric = [row for row in task.rubric if row.step in parts]
    seeds = {step: task.seed_for(part.digest) for step, part in parts.items()}
    reference = functools.partial(_reference_passes, task, seeds, control)
    with staged(parts) as places:
        used = time.process_time() - began  # what reading and staging took belongs to the submission's time
        with ConfinedSubject(task.course, control, places, seeds, task.seconds, task.without, used) as subject:
            isolation = Isolation.of(subject.layers_in(rubric[0].step))
            expect_isolation(isolation, task.required)

            def shown(ended: int) -> None:
                progress(min(ended, len(counted(rubric))))

            def judged(checks: Sequence[Check]) -> dict[str, Verdict]:
                # The canary, which is one check more, is none of the student's.
                return judge(
                    task.course, checks, subject, seeds, PYTEST_OPTIONS, shown, reference, collected=task.collected
                )

            verdicts, tampered = judged_with_canary(rubric, judged)
            return Judged(verdicts, isolation, tampered)


def expect_isolation(isolation: Isolation, required: Level) -> None:
    """Raise `HarnessFault` if student code is confined less than required."""
    if isolation.falls_short_of(required):
        lacking = [f"{name} {it}" for name, it in isolation.layers.items() if it.state is not State.ON]
        raise HarnessFault(
            f"this machine cannot isolate student code as required "
            f"({isolation.level}, not {required}): {'; '.join(lacking)}. "
            "See graders doctor; --require partial or none grades all the same."
        )


@contextmanager
def staged(parts: Mapping[int, Submission]) -> Iterator[dict[int, Path]]:
    """Yield where the files are that each step can reach of a submission.

    Steps that reach the same files share them, since workers only read.
    """
    first: dict[str, int] = {}
    for step, part in parts.items():
        first.setdefault(part.digest, step)
    sizes = [len(data) for step in first.values() for data in parts[step].files.values()]

    def stage(folder: Path) -> None:
        for step in first.values():
            parts[step].stage(folder / str(step))

    with filled_place(sizes, stage) as folder:
        yield {step: folder / str(first[part.digest]) for step, part in parts.items()}


@contextmanager
def staged_reference(course: Course) -> Iterator[Path]:
    """Yield a folder with the files of a course's reference."""
    reference = read_submission(course.reference_folder, course)
    with filled_place(map(len, reference.files.values()), reference.stage) as folder:
        yield folder


def _reference_passes(
    task: Task, seeds: Mapping[int, int], control: socket.socket, check_ids: Collection[str]
) -> list[str]:
    """Judge the reference on checks, with what they need and the same seeds; return the ids of those that it passes."""
    with (
        staged_reference(task.course) as folder,
        ConfinedSubject(task.course, control, folder, seeds, task.seconds) as subject,
    ):
        checks = with_needs(check_ids, task.rubric)
        verdicts = judge(task.course, checks, subject, seeds, PYTEST_OPTIONS, collected=task.collected)
    return [check_id for check_id in check_ids if verdicts[check_id].outcome is Outcome.PASSED]


def _unreadable(name: str, path: Path, problem: str, task: Task) -> Result:
    """Return the result of what cannot be read: that stands in its notes, and not again at every check."""
    verdict = Verdict(Outcome.STUDENT_ERROR, "", 0.0)
    checks = score(task.rubric, {check.id: verdict for check in task.rubric})
    return Result(
        course=task.course.title,
        submission=name,
        source=name_of_file(str(path.resolve())),
        handin=task.handins.get(path),
        score=points(checks),
        max_score=max_points(checks),
        isolation=Isolation.of({}),
        time_limit=task.seconds,
        steps=[],
        versions=versions(task.course.libraries),
        checks=[msgspec.structs.replace(check, message="", hint="") for check in checks],
        written=written_answers(task.course, task.rubric, {}),
        notes=[problem],
    )


def _handin(path: Path, task: Task, digest: str) -> Handin | None:
    """Return whose a submission is; the digest of one that came in no bulk download is that of what was read."""
    handin = task.handins.get(path)
    return msgspec.structs.replace(handin, digest=handin.digest or digest) if handin else None


def _keep(result: Result, task: Task, notebook: bytes | None = None) -> tuple[Result, str]:
    """Write a result, and return it as it was written, and what is to be said of an earlier one in its place."""
    if not task.out:
        return result, ""
    try:
        (task.out / result.submission).mkdir(parents=True, exist_ok=True)
        if notebook is not None:
            write_whole(task.out / result.submission / READ_NOTEBOOK, notebook)
        replaced = make_room(result, task.out / result.submission)
        return write_result(result, task.out / result.submission), replaced
    except OSError as error:
        place = task.out / result.submission / "result.json"
        raise HarnessFault(f"{place}: cannot be written ({error.strerror}); make room or name another --out") from error
