"""The driver of a node: it hands jobs to judge processes over one warm server, and speaks with nobody but its node.

It runs in a process of its own, without Dask: judges are forked from it, which hold the checks and the held-out data.
"""

from __future__ import annotations

import itertools
import signal
import socket
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path

import msgspec

from graders.cluster.messages import Identity, Job, identity_of
from graders.course import Course, load_course
from graders.grading.grade import expect_isolation, judge_steps, staged_reference, with_collected
from graders.grading.jobs import Judges, done_or_failed, warm_up
from graders.grading.processes import end_with, one_thread
from graders.grading.task import Answered, Failed, Finished, Judged, Refused, Task
from graders.judging.confined import ConfinedSubject
from graders.judging.places import remove_abandoned
from graders.judging.rubric import load_rubric
from graders.outcomes import BadInput, HarnessFault
from graders.results.schema import Isolation, Level
from graders.sandbox.client import WarmServer


def main(parent: str, course: str, required: str, *descriptors: str) -> None:
    """Say what this node judges with, or why it does not, and then answer jobs until the node ends.

    Args:
        parent: id of the node's process.
        course: the course's folder.
        required: the least isolation that this machine has to reach.
        descriptors: of a pipe on which this is said, and of one for each job at a time, on which jobs are answered.
    """
    end_with(int(parent))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the node says when this ends
    told, *slots = (Connection(int(descriptor)) for descriptor in descriptors)
    try:
        _drive(load_course(Path(course)), Level(required), told, slots)
    except (BadInput, HarnessFault) as error:
        told.send_bytes(msgspec.msgpack.encode(Failed(str(error))))


def _drive(course: Course, required: Level, told: Connection, slots: Sequence[Connection]) -> None:
    _ = course.held_out_files  # what is missing is told before anything starts
    remove_abandoned()
    with WarmServer(course, len(slots)) as server:
        task = Task(course, load_rubric(course), seed=None, out=None, required=required)

        def serve(task: Task) -> None:
            warm_up(course)
            server.wait_until_warm()
            isolation = _isolation(course, server)
            expect_isolation(isolation, required)
            mine = identity_of(course, task.rubric, isolation.level)
            told.send_bytes(msgspec.msgpack.encode(mine))
            with one_thread():
                _serve(slots, task, server, mine)

        with_collected(task, serve)


def _isolation(course: Course, server: WarmServer) -> Isolation:
    with staged_reference(course) as folder, ConfinedSubject(course, server.controls[0], folder, 0) as subject:
        return Isolation.of(subject.layers_in(course.steps[0].number))


def _serve(slots: Sequence[Connection], task: Task, server: WarmServer, mine: Identity) -> None:
    judges = Judges(server)
    names = map(str, itertools.count())
    asking: dict[str, Connection] = {}
    while True:
        judges.start()
        idle = [slot for slot in slots if slot not in asking.values()]
        for ready in wait([*idle, *judges.running]):
            assert isinstance(ready, Connection)
            if ready not in judges.running:
                try:
                    job = ready.recv_bytes()
                except (EOFError, OSError):
                    return
                name = next(names)
                asking[name] = ready
                judges.add(name, partial(_judge, job, task, mine))
                continue
            name = judges.name_of(ready)
            message = judges.next_message(ready)
            if isinstance(message, Answered | Finished):
                asking.pop(name).send_bytes(msgspec.msgpack.encode(message.outcome))


def _judge(data: bytes, task: Task, mine: Identity, answers: Connection, control: socket.socket) -> None:
    def judged() -> Judged:
        job = msgspec.msgpack.decode(data, type=Job)
        if job.judged_by != mine.fingerprint:
            raise HarnessFault("a node was asked to judge by another version of course or engine than it has")
        seed = None if job.seed is None else int(job.seed)
        mine_alone = replace(task, seed=seed, required=job.required, seconds=job.seconds)
        return judge_steps(mine_alone, control, lambda _: None, job.parts(), job.used)

    outcome = done_or_failed(judged)
    assert not isinstance(outcome, Refused)
    answers.send_bytes(msgspec.msgpack.encode(Answered(outcome)))
