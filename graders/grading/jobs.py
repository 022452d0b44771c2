"""Grading a class: every submission in a judge process of its own, several at a time, over one warm server."""

from __future__ import annotations

import ctypes
import gc
import math
import multiprocessing
import os
import resource
import signal
import socket
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from pathlib import Path

import msgspec
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from graders.course import Course
from graders.grading.grade import grade_one
from graders.grading.names import names_of
from graders.grading.task import Event, Failed, Finished, Graded, Progress, Refused, Task
from graders.intake.archives import NoSubmission
from graders.intake.submission import read_submission
from graders.judging.places import FULL, remove_abandoned
from graders.judging.rubric import counted
from graders.limits import address_space, limit
from graders.outcomes import HarnessFault, Outcome
from graders.sandbox.client import WarmServer

MOST_TRIES = 3  # of a submission whose grading somebody disturbs
A_MOMENT = 0.1  # seconds between two events of a submission's progress
LAST_MOMENT = 1.0  # seconds in which a server that has closed its sockets is gone
ENDINGS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
PR_SET_PDEATHSIG = 1  # of prctl, in linux/prctl.h
JUDGE_MEMORY = 4 << 30  # bytes that a judge may take beyond what it maps at its start


def warm_up(course: Course, steps: Collection[int] = ()) -> None:
    """Load once what every judge of some steps uses, or of all, in the process that judges are forked from."""
    for name in course.loads_for(steps).judge:
        course.load(name)
    read_submission(course.reference_folder, course)
    gc.collect()
    gc.freeze()  # keeps the collector from going through what was loaded, again and again


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep each library in this process to one thread: more threads than cores wait for each other, spinning."""
    with threadpool_limits(1):
        yield


def grade_all(paths: Sequence[Path], task: Task, server: WarmServer) -> Iterator[Event]:
    """Grade submissions, as many at a time as the server has judges, and yield what happens as it happens.

    Where somebody kills a judge, a worker or the server, what they were grading is graded again, a few times at most.
    """
    _ = task.keys, task.called  # computed once, here, for all the processes that are forked from this one
    remove_abandoned()
    with one_thread():  # which these inherit
        yield from _grade_all(paths, task, server)


def _grade_all(paths: Sequence[Path], task: Task, server: WarmServer) -> Iterator[Event]:
    waiting = list(zip(names_of(paths, task.handins), paths, strict=True))[::-1]
    tries: Counter[str] = Counter()
    free = list(server.controls)
    running: dict[Connection, _Judge] = {}
    while waiting or running:
        if not running and (not free or server.has_ended()):
            try:
                server.restart()
            except HarnessFault as fault:
                yield from (Finished(name, Failed(str(fault))) for name, _ in waiting[::-1])
                return
            free = list(server.controls)
        while waiting and free and not server.has_ended():
            name, path = waiting.pop()
            started = _Judge(name, path, task, free.pop())
            running[started.answers] = started
            yield Progress(name, 0)
        for ready in wait(list(running)):
            assert isinstance(ready, Connection)
            event, usable = running[ready].next_event()
            if not isinstance(event, Finished):
                yield event
                continue
            ended = running.pop(ready)
            ended.process.join()
            if usable:
                free.append(ended.control)
            else:
                remove_abandoned()
            tries[event.name] += 1
            if tries[event.name] < MOST_TRIES and (not usable or _was_disturbed(event, server)):
                waiting.append((ended.name, ended.path))
            else:
                yield event


def _was_disturbed(event: Finished, server: WarmServer) -> bool:
    """Tell whether a submission would have ended otherwise if nobody had killed a process."""
    match event.outcome:
        case Graded(disturbed=True):
            return True
        case Failed():
            return server.has_ended(LAST_MOMENT)
        case Graded(result=result) if any(check.outcome is Outcome.HARNESS_FAULT for check in result.checks):
            return server.has_ended(LAST_MOMENT)
    return False


class _Judge:
    """One judge process, as seen by the process that hands out the work."""

    def __init__(self, name: str, path: Path, task: Task, control: socket.socket) -> None:
        fork = multiprocessing.get_context("fork")
        self.name = name
        self.path = path
        self.control = control
        self.answers, theirs = fork.Pipe(duplex=False)
        self.process = fork.Process(target=_judge_process, args=(theirs, path, name, task, control), daemon=True)
        # An exception that a signal raises in one of Python's own hooks of fork is lost, and the interrupt with it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def next_event(self) -> tuple[Event, bool]:
        """Return what it says next, and whether its place at the warm server can be used again."""
        try:
            data = self.answers.recv_bytes()
        except EOFError:
            # Its control socket may hold half a conversation: nobody may go on with that.
            return Finished(self.name, Failed("the judge process ended without a result")), False
        return msgspec.msgpack.decode(data, type=Event), True


def _judge_process(answers: Connection, path: Path, name: str, task: Task, control: socket.socket) -> None:
    told, most = -math.inf, len(counted(task.rubric))

    def say(event: Event) -> None:
        answers.send_bytes(msgspec.msgpack.encode(event))

    def progress(ended: int) -> None:
        nonlocal told
        if ended == most or time.monotonic() - told >= A_MOMENT:  # each event wakes the process that hands out the work
            told = time.monotonic()
            say(Progress(name, ended))

    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
    _end_with_parent()
    # What a submission sends, and what checks make of it, costs this process no more than it costs the check.
    limit({resource.RLIMIT_AS: address_space() + JUDGE_MEMORY})
    say(Finished(name, _graded_or_failed(path, name, task, control, progress)))


def _end_with_parent() -> None:
    """Let the kernel kill this judge when the driver dies: the next run grades what it was grading."""
    driver = multiprocessing.parent_process()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if driver and os.getppid() != driver.pid:
        os._exit(1)


def _graded_or_failed(
    path: Path, name: str, task: Task, control: socket.socket, progress: Callable[[int], None]
) -> Graded | Refused | Failed:
    try:
        return grade_one(path, name, task, control, progress)
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
