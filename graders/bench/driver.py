"""What a submission costs besides its checks, part by part: that adds up in a class of a thousand."""

from __future__ import annotations

import functools
import resource
import statistics
import tempfile
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from graders.audit.corpus import stage_reference
from graders.bench.figures import Figure
from graders.course import Course
from graders.grading.grade import grade_with, judge_steps, staged, with_collected
from graders.grading.jobs import warm_up
from graders.grading.processes import ForkedProcess, one_thread
from graders.grading.task import Finished, Graded, Judged, Task
from graders.intake.submission import Submission
from graders.judging.rubric import load_rubric
from graders.results.files import Summary
from graders.sandbox.client import WarmServer

FIRST_STEPS = 3
REPEATS = 20
MILLISECONDS = 5.0
PART = "a submission's own cost, processor time"
IN_A_JUDGE = ("reading it and planning its steps", "staging and removing its files", "scoring and writing its result")
FORK, ROW = "forking its judge, which tells its result and ends", "its row of the summary"


def driver_figures(course: Course) -> list[Figure]:
    """Measure the parts on submissions like the reference, in the first steps, and their sum."""
    steps = [step.number for step in course.steps[:FIRST_STEPS]]
    with WarmServer(course, 1, steps) as server, one_thread(), tempfile.TemporaryDirectory() as folder:
        server.wait_until_warm()
        task = Task(course, load_rubric(course, steps), None, Path(folder, "out"))
        parts = with_collected(task, functools.partial(_parts, server, Path(folder, "class")))
    figures = [Figure(f"{PART}: {name}", 1e3 * seconds, "ms", MILLISECONDS) for name, seconds in parts.items()]
    return [*figures, Figure(f"{PART}: all of it", 1e3 * sum(parts.values()), "ms", MILLISECONDS)]


def _parts(server: WarmServer, folder: Path, task: Task) -> dict[str, float]:
    """Return the seconds of processor time that each part takes, in whichever process."""
    warm_up(task.course, list(task.called))
    task.prepare()
    paths = [_handed_in(task.course, folder, number) for number in range(REPEATS)]
    known: list[Judged] = []

    def judge(parts: Mapping[int, Submission], used: float) -> Judged:
        known.append(judge_steps(task, server.controls[0], lambda _: None, parts, used))
        return known[0]

    grade_with(paths[0], "known", task, judge)
    times: dict[str, list[float]] = {}
    summary = Summary()
    for path in paths:
        for name, seconds in _one(path, task, known[0], summary).items():
            times.setdefault(name, []).append(seconds)
    began = time.process_time()
    assert task.out
    summary.write(task.out)
    times[ROW].append((time.process_time() - began) / len(paths) + times[ROW][-1])
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def _handed_in(course: Course, folder: Path, number: int) -> Path:
    """Stage a submission, each file of which is unlike those of all others."""
    place = folder / f"student{number:03d}"
    stage_reference(course, place)
    for module in place.rglob("*.py"):
        with module.open("a", encoding="utf-8") as file:
            file.write(f"# {number}\n")
    return place


def _one(path: Path, task: Task, known: Judged, summary: Summary) -> dict[str, float]:
    """Grade a submission in a process of its own, with verdicts that are known; return what each part costs."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.process_time()
    process = ForkedProcess(functools.partial(_graded, path, task, known))
    ends, data = process.next_message(), process.next_message()
    process.end()
    assert ends
    assert data
    message = msgspec.msgpack.decode(data, type=Finished)
    here = time.process_time() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    there = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    start, *moments = msgspec.msgpack.decode(ends, type=list[float])
    parts = dict(
        zip(IN_A_JUDGE, (end - first for first, end in zip([start, *moments], moments, strict=False)), strict=True)
    )
    parts[FORK] = here + there - sum(parts.values())
    assert isinstance(message.outcome, Graded)
    began = time.process_time()
    summary.note(message.outcome.result)
    return {**parts, ROW: time.process_time() - began}


def _graded(path: Path, task: Task, known: Judged, answers: Connection) -> None:
    """Grade in a judge; say at which moments of its processor time its parts began and ended, and what came out."""
    moments = [time.process_time()]

    def judge(parts: Mapping[int, Submission], _: float) -> Judged:
        moments.append(time.process_time())
        with staged(parts):
            pass
        moments.append(time.process_time())
        return known

    graded = grade_with(path, path.name, task, judge)
    moments.append(time.process_time())
    answers.send_bytes(msgspec.msgpack.encode(moments))
    answers.send_bytes(msgspec.msgpack.encode(Finished(path.name, graded)))
