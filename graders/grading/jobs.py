"""Grading a class: every submission in a judge process of its own, several at a time, over one warm server."""

from __future__ import annotations

import gc
import math
import socket
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from graders.course import Course
from graders.grading.grade import grade_one
from graders.grading.names import names_of
from graders.grading.processes import ForkedProcess, one_thread
from graders.grading.task import Answered, Event, Failed, Finished, Graded, Judged, Message, Progress, Refused, Task
from graders.intake.archives import NoSubmission
from graders.intake.submission import read_submission
from graders.judging.places import FULL, remove_abandoned
from graders.judging.rubric import counted
from graders.outcomes import HarnessFault, KilledFromOutside, Outcome
from graders.sandbox.client import WarmServer

MOST_TRIES = 3  # of a submission whose grading somebody disturbs
A_MOMENT = 0.25  # seconds between two events of a submission's progress
LAST_MOMENT = 1.0  # seconds in which a server that has closed its sockets is gone
T = TypeVar("T")


def warm_up(course: Course, steps: Collection[int] = ()) -> None:
    """Load once what every judge of some steps uses, or of all, in the process that judges are forked from."""
    for name in course.loads_for(steps).judge:
        course.load(name)
    read_submission(course.reference_folder, course)
    gc.collect()
    gc.freeze()  # keeps the collector from going through what was loaded, again and again


def grade_all(paths: Sequence[Path], task: Task, server: WarmServer) -> Iterator[Event]:
    """Grade submissions, as many at a time as the server has judges, and yield what happens as it happens.

    Where somebody kills a judge, a worker or the server, what they were grading is graded again, a few times at most.
    """
    task.prepare()  # once, here, for all the processes that are forked from this one
    remove_abandoned()
    with one_thread():  # which these inherit
        yield from _grade_all(paths, task, server)


class ThisMachine:
    """This machine, as a run sees it that grades on it: over one warm server."""

    def __init__(self, server: WarmServer) -> None:
        self.server = server

    @property
    def at_once(self) -> int:
        """How many submissions are judged at a time."""
        return len(self.server.controls)

    def grade(self, paths: Sequence[Path], task: Task) -> Iterator[Event]:
        """Grade submissions and yield what happens as it happens."""
        return grade_all(paths, task, self.server)


def _grade_all(paths: Sequence[Path], task: Task, server: WarmServer) -> Iterator[Event]:
    judges = Judges(server)
    for name, path in reversed(list(zip(names_of(paths, task.handins), paths, strict=True))):
        judges.add(name, partial(_judge, path, name, task))
    while judges.waiting or judges.running:
        try:
            started = judges.start()
        except HarnessFault as fault:
            yield from (Finished(work.name, Failed(str(fault))) for work in judges.waiting[::-1])
            return
        yield from (Progress(name, 0) for name in started)
        for ready in wait(list(judges.running)):
            assert isinstance(ready, Connection)
            message = judges.next_message(ready)
            if isinstance(message, Progress | Finished):
                yield message


class _Work(NamedTuple):
    name: str
    do: Callable[[Connection, socket.socket], None]


class Judges:
    """Judge processes over one warm server, as many at a time as it has control sockets.

    Attributes:
        waiting: what is still to be judged, the next one last.
        running: the judges at work, by their pipes.
    """

    def __init__(self, server: WarmServer) -> None:
        self.server = server
        self.waiting: list[_Work] = []
        self.running: dict[Connection, tuple[_Work, ForkedProcess, socket.socket]] = {}
        self._free = list(server.controls)
        self._tries: Counter[str] = Counter()

    def add(self, name: str, do: Callable[[Connection, socket.socket], None]) -> None:
        """Add what a judge is to do, given its end of a pipe and its control socket; it comes next."""
        self.waiting.append(_Work(name, do))

    def start(self) -> list[str]:
        """Start as many judges as there is room for, and the server first, if it has ended; return their names.

        Raises:
            HarnessFault: the server does not start again.
        """
        if not self.running and (not self._free or self.server.has_ended()):
            self.server.restart()
            self._free = list(self.server.controls)
        started = []
        while self.waiting and self._free and not self.server.has_ended():
            work, control = self.waiting.pop(), self._free.pop()
            process = ForkedProcess(partial(_with_control, work.do, control))
            self.running[process.pipe] = work, process, control
            started.append(work.name)
        return started

    def name_of(self, ready: Connection) -> str:
        """Return the name of what a judge is doing."""
        return self.running[ready][0].name

    def next_message(self, ready: Connection) -> Message | None:
        """Return what a judge says next; None if what it was doing was disturbed, and is done again."""
        work, process, control = self.running[ready]
        data = process.next_message()
        message = msgspec.msgpack.decode(data, type=Message) if data is not None else None
        if isinstance(message, Progress):
            return message
        del self.running[ready]
        process.end()
        if message:
            self._free.append(control)  # otherwise it may hold half a conversation: nobody may go on with that
        else:
            remove_abandoned()
        self._tries[work.name] += 1
        if self._tries[work.name] < MOST_TRIES and (message is None or _was_disturbed(message, self.server)):
            self.waiting.append(work)
            return None
        del self._tries[work.name]
        return message or Finished(work.name, Failed("the judge process ended without a result"))


def _was_disturbed(message: Message, server: WarmServer) -> bool:
    """Tell whether a submission would have ended otherwise if nobody had killed a process."""
    match message:
        case Finished(outcome=Graded(disturbed=True)):
            return True
        case Answered(outcome=Judged() as judged) if judged.disturbed:
            return True
        case Finished(outcome=Failed(reason)) | Answered(outcome=Failed(reason)):
            return reason.startswith(KilledFromOutside.WORDS) or server.has_ended(LAST_MOMENT)
        case Finished(outcome=Graded(result=result)) if any(
            check.outcome is Outcome.HARNESS_FAULT for check in result.checks
        ):
            return server.has_ended(LAST_MOMENT)
        case Answered(outcome=Judged() as judged) if judged.faulty:
            return server.has_ended(LAST_MOMENT)
    return False


def _with_control(do: Callable[[Connection, socket.socket], None], control: socket.socket, answers: Connection) -> None:
    do(answers, control)


def _judge(path: Path, name: str, task: Task, answers: Connection, control: socket.socket) -> None:
    told, most = -math.inf, len(counted(task.rubric))

    def say(event: Event) -> None:
        answers.send_bytes(msgspec.msgpack.encode(event))

    def progress(ended: int) -> None:
        nonlocal told
        if ended == most or time.monotonic() - told >= A_MOMENT:  # each event wakes the process that hands out the work
            told = time.monotonic()
            say(Progress(name, ended))

    say(Finished(name, done_or_failed(lambda: grade_one(path, name, task, control, progress))))


def done_or_failed(work: Callable[[], T]) -> T | Refused | Failed:
    """Return what came of some work of a judge, or why nothing came of it."""
    try:
        return work()
    except NoSubmission as error:
        return Refused(str(error))
    except HarnessFault as fault:
        return Failed(str(fault))
    except KeyboardInterrupt:
        return Failed("interrupted")
    except Exception as error:  # noqa: BLE001 - whatever breaks here is the harness's own fault, and is reported as that
        if isinstance(error, OSError) and error.errno in FULL:
            return Failed(f"{error.filename or tempfile.gettempdir()}: {error.strerror}; make room there")
        return Failed(traceback.format_exc())
