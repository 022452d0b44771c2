"""A run whose submissions are judged by the nodes of a cluster, and read, scored and kept here."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from graders.cluster.apart import Apart
from graders.cluster.messages import Asked, Gone, Got, Identity, Job, Nodes, Told, read_answer
from graders.grading.grade import grade_with
from graders.grading.jobs import MOST_TRIES, done_or_failed
from graders.grading.names import names_of
from graders.grading.processes import ForkedProcess, one_thread
from graders.grading.task import Event, Failed, Finished, Judged, Progress, Task
from graders.intake.submission import Submission
from graders.outcomes import HarnessFault

LEAST_READERS = 2  # also while there is no node: what stands from an earlier run needs none
# Seconds after which it is told that there is no node, or which end the run if all that there are are refused.
PATIENCE = 10.0
A_MOMENT = 1.0  # seconds between two looks at whether there is any
MOST_LOSSES = 3  # of a scheduler, without an answer in between


class Cluster:
    """The nodes behind a scheduler, as a run sees them. Use as a context manager.

    Args:
        address: the scheduler's.
        mine: what the run has, and the isolation that it requires.
        tell: told what somebody should know, a sentence each.

    Attributes:
        at_once: how many submissions are judged at a time.
    """

    def __init__(self, address: str, mine: Identity, tell: Callable[[str], None]) -> None:
        self.address = address
        self.mine = mine
        self.at_once = 1
        self._tell = tell
        self._told: set[str] = set()
        self._nodes = Nodes(0, [])
        self._found = False  # whether this courier has reached the scheduler
        self._losses = 0
        self._idle_since = time.monotonic()  # since when there is no node that may judge
        self._asked: dict[str, tuple[Connection, bytes]] = {}
        self._courier = self._start()

    def _start(self) -> Apart:
        identity = msgspec.json.encode(self.mine).decode()
        return Apart("graders.cluster.courier", [self.address, identity], 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._courier.end()

    def grade(self, paths: Sequence[Path], task: Task) -> Iterator[Event]:
        """Grade submissions and yield what happens as it happens.

        Raises:
            HarnessFault: no node is there that may judge, or the scheduler is gone and does not come back.
        """
        task.prepare()  # once, here, for all the processes that are forked from this one
        with one_thread():
            yield from self._grade(paths, task)

    def _grade(self, paths: Sequence[Path], task: Task) -> Iterator[Event]:
        waiting = list(zip(names_of(paths, task.handins), paths, strict=True))[::-1]
        running: dict[Connection, _Reader] = {}
        tries: Counter[str] = Counter()
        keys = map(str, itertools.count())
        while waiting or running:
            while waiting and len(running) < max(LEAST_READERS, self.at_once + self.at_once // 4 + 1):
                reader = _Reader(*waiting.pop(), task, self.mine.fingerprint)
                running[reader.process.pipe] = reader
            for ready in wait([*self._courier.pipes, *running], A_MOMENT):
                assert isinstance(ready, Connection)
                if ready not in running:
                    self._listen()
                    continue
                reader = running[ready]
                message = reader.next_message()
                if isinstance(message, Asked):
                    self._ask(next(keys), ready, message.job)
                    yield Progress(reader.name, 0)
                    continue
                del running[ready]
                self._forget(ready)
                reader.process.end()
                tries[reader.name] += 1
                if message is None and tries[reader.name] < MOST_TRIES:
                    waiting.append((reader.name, reader.path))
                else:
                    yield message or Finished(reader.name, Failed("the process that reads it ended without a result"))
            self._expect_nodes()

    def _ask(self, key: str, reader: Connection, job: bytes) -> None:
        self._asked[key] = reader, job
        self._send(key, job)

    def _send(self, key: str, job: bytes) -> None:
        with contextlib.suppress(OSError):  # it has ended: the next one is given what has no answer yet
            self._courier.pipes[0].send_bytes(msgspec.msgpack.encode(Asked(key, job)))

    def _forget(self, reader: Connection) -> None:
        self._asked = {key: asked for key, asked in self._asked.items() if asked[0] is not reader}

    def _listen(self) -> None:
        message: Told
        try:
            message = msgspec.msgpack.decode(self._courier.pipes[0].recv_bytes(), type=Told)
        except (EOFError, OSError):
            message = Gone(f"the process that speaks with the scheduler at {self.address} was killed")
        match message:
            case Got(key, answer):
                self._losses = 0
                if key in self._asked:
                    reader, _ = self._asked.pop(key)
                    with contextlib.suppress(OSError):  # somebody has killed it, which is seen in a moment
                        reader.send_bytes(answer)
            case Nodes():
                self._note(message)
            case Gone(reason):
                self._begin_again(reason)

    def _note(self, nodes: Nodes) -> None:
        self._found = True
        if nodes.jobs:
            self._idle_since = time.monotonic()
        self._nodes, self.at_once = nodes, max(1, nodes.jobs)
        for sentence in nodes.refused:
            self._say(sentence)

    def _begin_again(self, reason: str) -> None:
        """Look for the scheduler once more, and give it what has no answer yet."""
        self._losses += 1
        if not self._found or self._losses > MOST_LOSSES:
            raise HarnessFault(f"{reason}; the same command again grades the rest.")
        self._tell(f"{reason}; looking for it again.")
        self._courier.end()
        self._courier, self._found, self._nodes = self._start(), False, Nodes(0, [])
        for key, (_, job) in self._asked.items():
            self._send(key, job)

    def _expect_nodes(self) -> None:
        if not self._asked or self._nodes.jobs or time.monotonic() - self._idle_since < PATIENCE:
            return
        if self._nodes.refused:
            raise HarnessFault(
                f"no node at {self.address} may judge for this run; install the same course and the same graders there "
                "as here."
            )
        what = (
            f"no node has come to {self.address} yet" if self._found else f"no scheduler answers at {self.address} yet"
        )
        self._say(f"{what}; waiting for one.")

    def _say(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            self._tell(sentence)


class _Reader:
    """A process that grades a submission, but has its steps judged elsewhere."""

    def __init__(self, name: str, path: Path, task: Task, judged_by: str) -> None:
        self.name = name
        self.path = path
        self.process = ForkedProcess(partial(_grade_by_asking, path, name, task, judged_by))

    def next_message(self) -> Asked | Finished | None:
        data = self.process.next_message()
        return None if data is None else msgspec.msgpack.decode(data, type=Asked | Finished)


def _grade_by_asking(path: Path, name: str, task: Task, judged_by: str, pipe: Connection) -> None:
    def ask(parts: Mapping[int, Submission], used: float) -> Judged:
        job = msgspec.msgpack.encode(Job.of(parts, used, task, judged_by))
        pipe.send_bytes(msgspec.msgpack.encode(Asked("", job)))
        return read_answer(pipe.recv_bytes())

    outcome = done_or_failed(lambda: grade_with(path, name, task, ask))
    pipe.send_bytes(msgspec.msgpack.encode(Finished(name, outcome)))
