"""Grading a class: every submission in a judge process of its own, several at a time, over one warm server."""

from __future__ import annotations

import gc
import multiprocessing
import resource
import socket
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from pathlib import Path

import msgspec
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from graders.authoring.examples import draw_once
from graders.course import Course
from graders.grading.grade import grade_one
from graders.grading.names import names_of
from graders.grading.task import Event, Failed, Finished, Graded, Progress, Refused, Task
from graders.intake.archives import NoSubmission
from graders.limits import address_space, limit
from graders.outcomes import HarnessFault
from graders.sandbox.client import WarmServer

JUDGE_MEMORY = 4 << 30  # bytes that a judge may take beyond what it maps at its start


def warm_up(course: Course, steps: Collection[int] = ()) -> None:
    """Load once what every judge of some steps uses, or of all, in the process that judges are forked from."""
    for name in course.loads_for(steps).judge:
        course.load(name)
    draw_once()
    gc.collect()
    gc.freeze()  # keeps the collector from going through what was loaded, again and again


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep each library in this process to one thread: more threads than cores wait for each other, spinning."""
    with threadpool_limits(1):
        yield


def grade_all(paths: Sequence[Path], task: Task, server: WarmServer) -> Iterator[Event]:
    """Grade submissions, as many at a time as the server has judges, and yield what happens as it happens."""
    _ = task.keys, task.called  # computed once, here, for all the processes that are forked from this one
    waiting = list(zip(names_of(paths, task.handins), paths, strict=True))[::-1]
    free = list(server.controls)
    running: dict[Connection, _Judge] = {}
    while waiting or running:
        while waiting and free:
            name, path = waiting.pop()
            started = _Judge(name, path, task, free.pop())
            running[started.answers] = started
            yield Progress(name, 0)
        if not running:
            yield from (Finished(name, Failed("no judge is left to grade it")) for name, _ in waiting)
            return
        for ready in wait(list(running)):
            assert isinstance(ready, Connection)
            event, usable = running[ready].next_event()
            yield event
            if isinstance(event, Finished):
                ended = running.pop(ready)
                ended.process.join()
                if usable:
                    free.append(ended.control)


class _Judge:
    """One judge process, as seen by the process that hands out the work."""

    def __init__(self, name: str, path: Path, task: Task, control: socket.socket) -> None:
        fork = multiprocessing.get_context("fork")
        self.name = name
        self.control = control
        self.answers, theirs = fork.Pipe(duplex=False)
        self.process = fork.Process(target=_judge_process, args=(theirs, path, name, task, control), daemon=True)
        self.process.start()
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
    def say(event: Event) -> None:
        answers.send_bytes(msgspec.msgpack.encode(event))

    # What a submission sends, and what checks make of it, costs this process no more than it costs the check.
    limit({resource.RLIMIT_AS: address_space() + JUDGE_MEMORY})
    with one_thread():
        say(Finished(name, _graded_or_failed(path, name, task, control, lambda ended: say(Progress(name, ended)))))


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
    except Exception:  # noqa: BLE001 - whatever breaks here is the harness's own fault, and is reported as that
        return Failed(traceback.format_exc())
