"""The judge's end: starting the warm server, asking it for workers, and speaking with them."""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, Self

import msgspec
import numpy as np

from graders.course import PROJECT, Course
from graders.libraries import function_name, owner_of
from graders.outcomes import Died, Forbidden, HarnessFault, KilledFromOutside, SubmissionError, TimedOut, WrongType
from graders.sandbox import channel, failures, watch, wire
from graders.sandbox.clock import Process, WorkerClock
from graders.sandbox.confinement import Policy
from graders.sandbox.layers import LAYERS, WATCH, Layer, State
from graders.sandbox.server import PACKET_BYTES, Discard, End, Ended, Fork
from graders.sandbox.worker import Order

SERVER_START_SECONDS = 600.0  # a busy machine is no fault
PATIENCE = 20.0  # seconds after which it takes longer than ever but the first time
# What crosses as plain data: where one of these needs a stand-in, it comes from the submission, and is its doing.
PLAIN = (list, tuple, dict, bool, int, float, str, bytes, type(None), np.ndarray, np.generic, PurePath)
FORK_SECONDS = 300.0  # as long, for a server and a worker that wait for a processor: if they die, that is known at once
LEAST_WAIT = 0.001
BOOTSTRAP = """
import sys
project, course, steps, *controls = sys.argv[1:]
sys.path.insert(0, project)
import graders.sandbox.server as server
server.main(course, [int(step) for step in steps.split()], [int(control) for control in controls])
"""


class WarmServer:
    """The warm server process, started once for a run of some steps, or all, and shared by `judges` judges.

    Use as a context manager; leaving it ends the server and every worker that it still has. It loads its libraries
    while the caller does something else; `wait_until_warm` waits for it.

    Attributes:
        controls: the judges' ends of its control sockets, one for each judge.
    """

    def __init__(self, course: Course, judges: int = 1, steps: Collection[int] = ()) -> None:
        self._course = course
        self._steps = steps
        self.controls: list[socket.socket] = []
        self.process = self._start(judges)

    def _start(self, judges: int) -> subprocess.Popen[bytes]:
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(judges)]
        theirs = [str(pair[1].fileno()) for pair in pairs]
        self.controls = [pair[0] for pair in pairs]
        options = [str(PROJECT), str(self._course.folder), " ".join(map(str, self._steps)), *theirs]
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and source
            [sys.executable, "-I", "-X", "utf8", "-c", BOOTSTRAP, *options],
            env=_environment(self._course),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
            pass_fds=[pair[1].fileno() for pair in pairs],
            start_new_session=True,
        )
        for pair in pairs:
            pair[1].close()
        return process

    def has_ended(self, seconds: float = 0.0) -> bool:
        """Tell whether the process is gone; one that is just ending is given so many seconds for that."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def restart(self) -> None:
        """Start it afresh, with as many control sockets, and return once it is warm; no judge may be using it.

        Raises:
            HarnessFault: it does not start.
        """
        judges = len(self.controls)
        self._stop()
        self.process = self._start(judges)
        self.wait_until_warm()

    def wait_until_warm(self, still_waiting: Callable[[], None] = lambda: None) -> None:
        """Return once the libraries are loaded.

        Args:
            still_waiting: called once, if that takes longer than a moment.

        Raises:
            HarnessFault: the server ends first, or is not ready in time.
        """
        if not select.select(self.controls, [], [], PATIENCE)[0]:
            still_waiting()
        for control in self.controls:
            control.settimeout(SERVER_START_SECONDS)
            try:
                if control.recv(PACKET_BYTES) != b"ready":
                    raise HarnessFault("the warm server ended while it was starting; see its message above")
            except TimeoutError as error:
                raise HarnessFault(f"the warm server was not ready after {SERVER_START_SECONDS:.0f} s") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()

    def _stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        for control in self.controls:
            control.close()


def _environment(course: Course) -> dict[str, str]:
    """Return the server's whole environment: nothing of the user's but what the course says, and where caches are."""
    wanted = course.sandbox
    kept = ("HOME", "XDG_CACHE_HOME", *wanted.kept_variables)
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        # Large pages: a worker is forked in two thirds of the time, since that copies the table of pages.
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        **wanted.environment,
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
    }


class Worker:
    """One confined worker, from the judge's side. Use as a context manager; leaving it kills the worker.

    Attributes:
        layers: what confinement it reached, layer by layer.
        clock: what it has used of its deadlines.
        seconds_per_call: deadline of each call, on its clock.
        end_of_check: value of its clock after which no call of the check in progress goes on.
        next_seed: seed of the libraries that goes with the next request.
        on_question: answers what the worker asks while it answers a request; raises `ValueError` for what it cannot.
    """

    on_question: Callable[[list[object]], object] | None = None
    next_seed: int | None = None

    def __init__(
        self, control: socket.socket, order: Order, seconds_per_call: float, loads: tuple[str, ...] = ()
    ) -> None:
        self.control = control
        self.seconds_per_call = seconds_per_call
        self.end_of_check = math.inf
        self.released: list[int] = []
        self.ended: SubmissionError | KilledFromOutside | None = None
        self.sequence = 0
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.pid = self._fork(order, loads, theirs)
        except HarnessFault:
            self.sock.close()
            raise
        finally:
            theirs.close()
        self.clock = WorkerClock(Process(self.pid))
        self.policy = policy = order.policy
        self.look: Callable[[], None] | None = None
        self.guard: watch.Guard | None = None
        if WATCH not in policy.without:
            watched = watch.Watch(self.pid, Path(policy.scratch), policy.limits)
            self.look, self.guard = watched.look, watch.Guard(watched, self.pid)
        self.layers = self.read_layers()

    def _fork(self, order: Order, loads: tuple[str, ...], theirs: socket.socket) -> int:
        self.control.settimeout(SERVER_START_SECONDS if loads else FORK_SECONDS)
        try:
            socket.send_fds(self.control, [msgspec.msgpack.encode(Fork(order, loads))], [theirs.fileno()])
            return msgspec.msgpack.decode(self.control.recv(PACKET_BYTES), type=int)
        except (OSError, msgspec.DecodeError) as error:
            raise HarnessFault(f"the warm server cannot fork a worker: {error}") from error

    def read_layers(self) -> dict[str, Layer]:
        """Return what the new worker says that it reached, layer by layer; raises `HarnessFault` if it says nothing."""
        try:
            reply = self._receive(channel.until(time.monotonic() + FORK_SECONDS), _refuse)
        except (channel.Closed, TimeoutError, wire.WireError) as error:
            ended = self._how_it_ended()
            if ended.code == -signal.SIGKILL and not ended.ordered:
                raise KilledFromOutside("a new worker") from error
            raise HarnessFault(f"a worker could not confine itself (exit code {ended.code}): {error!r}") from error
        match reply:
            case [0, "ready", dict() as layers] if set(layers) == set(LAYERS):
                return {str(name): Layer(State(state), str(detail)) for name, (state, detail) in layers.items()}
        raise HarnessFault(f"a worker's first words were {reply!r:.100}")

    def seed(self, seed: int) -> None:
        """Have the worker seed its libraries before it answers the next request, with which the seed is sent."""
        self.next_seed = seed

    def is_quiet(self) -> bool:
        """Tell whether the worker, which has not been asked anything, has neither ended nor sent anything."""
        return self.ended is None and not select.select([self.sock], [], [], 0)[0]

    def request(self, call: str, operation: str, *arguments: object, proxy: wire.Codec | None = None) -> Any:
        """Send one request and return its answer.

        Args:
            call: what is asked, for messages.
            operation: one of the worker's operations.
            arguments: its arguments, plain data or proxies.
            proxy: how handles in the answer become proxies; None refuses them.

        Raises:
            StopIteration: the operation was `next` and the iterator is exhausted.
            SubmissionError: the subclass says what became of the call. After a death, the same for every later call.
            KilledFromOutside: neither the submission nor the judge ended the worker.
        """
        if self.ended is not None:
            raise self.ended
        tree, buffers = self._frame(call, operation, arguments)
        self.clock.resume()
        patience = partial(self._patience, min(self.clock.read() + self.seconds_per_call, self.end_of_check))
        try:
            channel.send(self.sock, tree, buffers, patience)
            reply = self._receive(patience, proxy or _refuse)
            while (question := self._question(reply)) is not None:
                self._tell(question, patience)
                reply = self._receive(patience, proxy or _refuse)
        except Forbidden as excess:
            self._end(Forbidden(f"{call}: {excess}"))
        except TimeoutError:
            self._end(TimedOut(self._overrun(call)))
        except channel.Closed:
            self._end(self._death(call))
        except wire.WireError as error:
            self._end(Died(f"{call} sent an answer that breaks the protocol: {error}."))
        return self._value(call, operation, reply)

    def _frame(self, call: str, operation: str, arguments: tuple[object, ...]) -> tuple[bytes, list[memoryview]]:
        """Return a request as it crosses; what goes with the next one stays for that if this one cannot cross."""
        released = list(self.released)
        try:
            frame = wire.encode([self.sequence + 1, released, self.next_seed, operation, *arguments], _stand_in)
        except wire.WireError as error:
            raise WrongType(f"{call} was not made: what it takes does not cross to the sandbox, {error}.") from error
        self.sequence += 1
        self.next_seed = None
        del self.released[: len(released)]
        return frame

    def _question(self, reply: object) -> list[object] | None:
        match reply:
            # Words are compared once they are known to be words: with an array, a comparison has no truth value.
            case [int() as number, str() as word, list() as question] if number == self.sequence and self.on_question:
                return question if word == "ask" else None
        return None

    def _patience(self, end: float) -> float:
        """Return for how long to wait now for a worker whose clock may go on until `end`; raises `TimeoutError`."""
        if self.look:
            self.look()
        left = end - self.clock.read()
        if left <= 0:
            raise TimeoutError
        return max(LEAST_WAIT, min(left, channel.SLICE))

    def _tell(self, question: list[object], patience: channel.Patience) -> None:
        assert self.on_question
        try:
            answer = ["told", self.on_question(question)]
        except ValueError as error:
            answer = ["refused", str(error)]
        tree, buffers = wire.encode(answer, _stand_in)
        self.clock.resume()
        channel.send(self.sock, tree, buffers, patience)

    def _overrun(self, call: str) -> str:
        if self.clock.read() >= self.end_of_check:
            return f"The calls of this check took too long together; the last was {call}."
        return f"{call} gave no answer within {self.seconds_per_call:g} s; the worker was stopped."

    def _receive(self, patience: channel.Patience, codec: wire.Codec) -> object:
        tree, payload = channel.receive(self.sock, patience)
        return wire.decode(tree, payload, codec)

    def _value(self, call: str, operation: str, reply: object) -> object:
        match reply:
            case [int() as number, str() as word, value] if number == self.sequence and word == "value":
                return value
            case [int() as number, str() as word] if (number, word, operation) == (self.sequence, "stop", "next"):
                raise StopIteration
            case [int() as number, str() as word, dict() as error] if number == self.sequence and word == "error":
                raise failures.from_report(call, error)
        self._end(Died(f"{call} sent an answer to another question."))
        return None

    def _death(self, call: str) -> SubmissionError | KilledFromOutside:
        ended = self._how_it_ended()
        if self.guard and self.guard.excess:
            return Forbidden(f"{call}: {self.guard.excess}")
        if ended.code != -signal.SIGKILL or ended.ordered:
            return failures.death(call, ended.code)
        if ended.seconds >= self.policy.limits.cpu_seconds - 1:
            return failures.death(call, -signal.SIGXCPU)  # at a limit that is soft and hard, the kernel kills at once
        return KilledFromOutside(call)

    def _end(self, error: SubmissionError | KilledFromOutside) -> None:
        self.close()
        self.ended = error
        raise error

    def close(self) -> None:
        """Kill the worker."""
        self._leave()
        if self.pid:
            pid, self.pid = self.pid, 0
            with contextlib.suppress(OSError):  # a server that is gone has taken its workers with it
                os.kill(pid, signal.SIGKILL)  # at once, so that it writes no more; the server, its parent, reaps it
                self.control.send(msgspec.msgpack.encode(Discard(pid)))

    def _leave(self) -> None:
        self.sock.close()
        if self.guard:
            self.guard.end()

    def _how_it_ended(self) -> Ended:
        """Kill the worker if it still runs; return how it ended."""
        self._leave()
        pid, self.pid = self.pid, 0
        self.control.settimeout(FORK_SECONDS)
        try:
            self.control.send(msgspec.msgpack.encode(End(pid)))
            return msgspec.msgpack.decode(self.control.recv(PACKET_BYTES), type=Ended)
        except (OSError, msgspec.DecodeError) as error:
            raise HarnessFault(f"the warm server does not answer: {error!r}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def order_for(
    package_parent: Path,
    package: str,
    readable: list[Path],
    scratch: Path,
    seed: int,
    without: frozenset[str] = frozenset(),
) -> Order:
    """Write down what a new worker is to hold and may reach; `without` names layers to leave out."""
    policy = Policy([str(package_parent), *map(str, readable)], str(scratch), without=without)
    return Order(str(package_parent), package, policy, f"{seed:x}")


def _refused(*_: object) -> object:
    raise wire.WireError("a handle or a library name where plain data belongs")


_refuse = wire.Codec(_refused, _refused)


def _stand_in(value: object) -> list[object]:
    node = getattr(value, "_wire_node", None)
    if isinstance(node, list):
        return node
    # No array of other kinds has ever crossed: it is a check's own.
    own = isinstance(value, np.ndarray) and value.dtype.kind not in wire.ARRAY_KINDS
    if not own and (isinstance(value, PLAIN) or owner_of(value)):
        raise WrongType("What the submission returned is nested too deep, or too large, to be handed back to it.")
    name = function_name(value)
    if name is None:
        raise HarnessFault(f"a check passed a {type(value).__name__}, which does not cross to the sandbox")
    return ["library", name]
