"""A judge that hears what a hostile worker writes, over a socket as in earnest."""

from __future__ import annotations

import contextlib
import math
import pathlib
import random
import socket
import time
from collections.abc import Callable

import numpy as np
import torch

from graders.outcomes import SubmissionError
from graders.sandbox import channel, client, wire
from graders.sandbox.clock import Process, WorkerClock
from graders.sandbox.proxies import Remote, no_library, request_of
from graders.sandbox.server import Ended

from .choices import Choices
from .frames import message

NOBODY = 2**22 - 1
PATIENCE = 60.0
NO_PATIENCE = 1e-4
CALL = "step01_spectrograms.f()"
PLAIN = (type(None), bool, int, float, str, bytes, np.ndarray, np.generic, torch.Tensor, pathlib.PurePath, Remote)
ANSWERS: tuple[object, ...] = (
    [1, "value", [1, "α", None, 2**70, "\ud800", b"a", 1.5, {"k": (1, 2)}, pathlib.PurePosixPath("a")]],
    [1, "value", [np.arange(6.0).reshape(2, 3), np.arange(12)[::2], np.asfortranarray(np.ones((2, 2)))]],
    [1, "value", {"a": np.array(["α", "βγ"]), "b": np.float32(1), "c": torch.ones(2, 2), "d": np.array([True])}],
    [1, "stop"],
    [1, "error", {"bases": ["ValueError"], "type": "Odd", "text": "odd", "frames": [["lab/a.py", 1, "f"]]}],
    [7, "value", None],
)


class _Unforked(client.Worker):
    """The judge's end of a worker that is not there: what it would have written is in the socket already."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self.control = sock
        self.sock = sock
        self.seconds_per_call = seconds
        self.end_of_check = math.inf
        self.released: list[int] = []
        self.ended = None
        self.sequence = 0
        self.pid = 0
        self.look = None
        self.guard = None
        self.clock = WorkerClock(Process(NOBODY))

    def _how_it_ended(self) -> Ended:
        return Ended(-9, ordered=True)


def hear(data: bytes) -> None:
    """Have a judge hear what the bytes make.

    Raises:
        AssertionError: it came to something besides plain data and proxies.
        Exception: whatever would reach a check, besides what says what became of the call.
    """
    choices = Choices(data)
    in_a_call, silent = choices.rarely(3), choices.rarely(64)
    listen(message(choices), in_a_call=in_a_call, silent=silent)


def listen(written: bytes, *, in_a_call: bool, silent: bool = False) -> None:
    """Have a judge hear what a worker wrote, as the answer to a call or by itself, before it went or fell silent."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with mine, theirs:
        theirs.sendall(written)
        if not silent:
            theirs.shutdown(socket.SHUT_WR)
        worker = _Unforked(mine, NO_PATIENCE if silent else PATIENCE)
        with contextlib.suppress(SubmissionError, StopIteration, wire.WireError, channel.Closed, TimeoutError):
            _check(request_of(worker, CALL, "kit") if in_a_call else _received(worker), len(written))


def _received(worker: client.Worker) -> object:
    codec = wire.Codec(lambda number, kind: Remote(worker, number, kind, CALL), no_library)
    tree, payload = channel.receive(worker.sock, channel.until(time.monotonic() + worker.seconds_per_call))
    return wire.decode(tree, payload, codec)


def _check(value: object, written: int) -> None:
    """Check that a value is plain, and that its arrays are no larger than what was written for them."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            waiting += one
        else:
            assert isinstance(one, PLAIN), type(one)
            assert not isinstance(one, np.ndarray | torch.Tensor) or one.nbytes <= written


def seeds() -> list[bytes]:
    """Return inputs to begin with: answers that a worker gives, and others at random."""
    chance = random.Random(420)
    as_they_are = b"\x00\x00\x07"  # what `hear` and `message` decide on first
    answers = [as_they_are + frame(answer) for answer in ANSWERS]
    return answers + [chance.randbytes(chance.randrange(4, 600)) for _ in range(200)]


def frame(answer: object) -> bytes:
    """Return the frame that a worker would send."""
    tree, buffers = wire.encode(answer, lambda _: ["handle", 1, "object"])
    payload = b"".join(bytes(one) + bytes(-one.nbytes % wire.ALIGNMENT) for one in buffers)
    return wire.HEAD.pack(len(tree), len(payload)) + tree + payload


def target(_folder: pathlib.Path) -> Callable[[bytes], None]:
    """Return what to try inputs on."""
    return hear
