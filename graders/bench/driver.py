"""What a submission costs besides its checks, part by part: that adds up in a class of a thousand."""

from __future__ import annotations

import functools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from graders.audit.corpus import stage_reference
from graders.bench.figures import Figure
from graders.course import Course
from graders.grading.grade import grade_one, staged, with_collected
from graders.grading.jobs import warm_up
from graders.grading.processes import one_thread
from graders.grading.standing import planned_step
from graders.grading.task import Task
from graders.intake.submission import read_submission
from graders.judging.rubric import load_rubric
from graders.results.files import each_result, write_result, write_summary
from graders.sandbox.client import WarmServer

FIRST_STEPS = 3
SEED = 420
REPEATS = 20
MILLISECONDS = 5.0
PART = "a submission's own cost, processor time"


def driver_figures(course: Course) -> list[Figure]:
    """Measure the parts on the reference, graded in the first steps, and their sum."""
    steps = [step.number for step in course.steps[:FIRST_STEPS]]
    with WarmServer(course, 1, steps) as server, one_thread():
        server.wait_until_warm()
        task = Task(course, load_rubric(course, steps), SEED, None)
        parts = with_collected(task, functools.partial(_parts, server))
    figures = [Figure(f"{PART}: {name}", 1e3 * seconds, "ms", MILLISECONDS) for name, seconds in parts.items()]
    return [*figures, Figure(f"{PART}: all of it", 1e3 * sum(parts.values()), "ms", MILLISECONDS)]


def _parts(server: WarmServer, task: Task) -> dict[str, float]:
    course = task.course
    warm_up(course, list(task.called))
    with tempfile.TemporaryDirectory() as folder:
        handed_in, out = Path(folder, "reference"), Path(folder, "out")
        stage_reference(course, handed_in)
        submission = read_submission(handed_in, course)
        result = grade_one(handed_in, "reference", task, server.controls[0], lambda _: None).result

        def plan() -> None:
            for step, called in task.called.items():
                planned_step(step, submission.part(called), task)

        def stage() -> None:
            with staged({step: submission.part(called) for step, called in task.called.items()}):
                pass

        return {
            "reading it": _processor(lambda: read_submission(handed_in, course)),
            "planning its steps": _processor(plan),
            "staging and removing its files": _processor(stage),
            "forking its judge": _processor(_fork),
            "writing its result": _processor(lambda: write_result(result, out / "reference")),
            "its row of the summary": _processor(lambda: write_summary(each_result(out), out)),
        }


def _fork() -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def _processor(action: Callable[[], object]) -> float:
    """Return the median of the seconds of processor time that an action takes in this process."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return statistics.median(times)
