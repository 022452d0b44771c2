"""A worker: one confined process that holds a submission and answers the judge's requests until it is killed."""

from __future__ import annotations

import importlib
import os
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from graders.libraries import find_function, libraries
from graders.members import owner_outside
from graders.outcomes import kind_name, source_of
from graders.sandbox import channel, wire
from graders.sandbox.confinement import Confinement, Policy
from graders.seeding import seed_libraries
from graders.text import text_of

DESCRIPTOR = 3  # of its socket, the one that it has open besides the standard ones
TRACE_LINES = 4
MESSAGE_CHARACTERS = 2000
FROM = " from "  # in the kind of a handle: before the module of a library's function or class


class Order(msgspec.Struct, frozen=True):
    """What the judge asks of a new worker.

    Attributes:
        package_parent: folder that holds the submission's package.
        package: import name of that.
        policy: what the worker may reach.
        seed: seed of the libraries, in hexadecimal.
    """

    package_parent: str
    package: str
    policy: Policy
    seed: str


def run(sock: socket.socket, order: Order, confinement: Confinement, kit: ModuleType | None) -> None:
    """Confine this process, say what was achieved, then answer requests until the judge closes the socket."""
    package_parent = os.path.realpath(order.package_parent)
    layers = confinement.apply(order.policy)
    os.chdir(order.policy.scratch)
    os.environ.update(HOME=order.policy.scratch, TMPDIR=order.policy.scratch)
    tempfile.tempdir = order.policy.scratch  # the server may have settled on another
    sys.path.insert(0, package_parent)
    worker = _Worker(sock, package_parent, order.package, kit)
    if kit is not None and hasattr(kit, "connect"):
        kit.connect(worker.ask)
    seed_libraries(int(order.seed, 16))
    worker.send([0, "ready", {name: [layer.state, layer.detail] for name, layer in layers.items()}])
    worker.serve()


class _Worker:
    def __init__(self, sock: socket.socket, package_parent: str, package: str, kit: ModuleType | None) -> None:
        self.sock = sock
        self.package_parent = package_parent
        self.package = package
        self.objects: dict[int, object] = {}
        self.count = 0
        self.number = 0  # of the request that is being answered
        self.codec = wire.Codec(self.find, lambda name: find_function(name, sys.modules))
        self.operations: dict[str, Callable[..., object]] = {
            "import": lambda name: importlib.import_module(f"{package}.{name}"),
            "kit": lambda: kit,
            "get": getattr,
            "call": lambda target, args, kwargs: target(*args, **kwargs),
            "item": lambda target, key: target[key],
            "length": len,
            "iterate": iter,
            "next": next,
        }

    def find(self, number: int, kind: str) -> object:
        if number not in self.objects:
            raise wire.WireError(f"no object {number} of type {kind}")
        return self.objects[number]

    def stand_in(self, value: object) -> list[object]:
        self.count += 1
        self.objects[self.count] = value
        owner = owner_outside(value, self.package)
        return ["handle", self.count, f"{_kind(value)}{FROM}{owner}" if owner else _kind(value)]

    def send(self, reply: list[object]) -> None:
        tree, buffers = wire.encode(reply, self.stand_in)
        channel.send(self.sock, tree, buffers)

    def serve(self) -> None:
        while True:
            try:
                tree, payload = channel.receive(self.sock)
            except channel.Closed:
                return
            request = wire.decode(tree, payload, self.codec)
            if not isinstance(request, list):
                return
            number, released, seed, operation, *arguments = request
            for handle in released:
                self.objects.pop(handle, None)
            self.answer(number, seed, operation, arguments)

    def ask(self, *question: object) -> Any:
        """Ask the judge something while a request is being answered, and return what it says.

        Raises:
            ValueError: the judge cannot answer that; the text says why.
        """
        self.send([self.number, "ask", list(question)])
        tree, payload = channel.receive(self.sock)
        match wire.decode(tree, payload, self.codec):
            case ["told", answer]:
                return answer
            case ["refused", str() as why]:
                raise ValueError(why)
        raise wire.WireError("the judge's answer is none")

    def answer(self, number: int, seed: int | None, operation: str, arguments: list[Any]) -> None:
        self.number = number
        try:
            if seed is not None:
                seed_libraries(seed)
            self.send([number, "value", self.operations[operation](*arguments)])
        except StopIteration as error:
            self.send([number, "stop"] if operation == "next" else [number, "error", self.describe(error)])
        except BaseException as error:  # noqa: BLE001 - whatever student code raises goes to the judge
            self.send([number, "error", self.describe(error)])

    def describe(self, error: BaseException) -> dict[str, object]:
        """Describe an exception: its class and bases, its text, the lines it passed, the line that is no Python."""
        frames = [
            [os.path.relpath(frame.filename, self.package_parent), frame.lineno or 0, frame.name]
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename.startswith(self.package_parent + os.sep)
        ]
        if isinstance(error, SyntaxError) and error.filename:
            frames.append([Path(error.filename).name, error.lineno or 0, "<module>"])
        return {
            "bases": [base.__name__ for base in type(error).__mro__ if base.__module__ == "builtins"],
            "type": kind_name(type(error), self.package),
            "text": text_of(error)[:MESSAGE_CHARACTERS],
            "frames": frames[-TRACE_LINES:],
            "source": source_of(error)[:MESSAGE_CHARACTERS],
        }


def _kind(value: object) -> str:
    name = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    if name == "numpy.ndarray" or any(name == library.kind for library in libraries()):
        return f"{name} of dtype {value.dtype}"  # type: ignore[attr-defined]
    return name
