"""The warm server: Python with the course's libraries loaded and no threads, which forks a worker on request.

It holds no secrets: it never imports the checks or the reference solutions, and its environment is empty by the time
it forks. It talks to judges over sequenced-packet sockets, one for each judge: `fork` comes with the worker's end of
a stream socket, `end` kills a worker and tells how it had ended, `discard` kills one without a word.

One worker is always forked ahead, a spare that waits for its order, because copying the page tables of a process with
PyTorch in it takes longer than everything else that a fresh worker needs.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import importlib.util
import os
import select
import signal
import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from graders.checks import kit
from graders.sandbox import worker
from graders.sandbox.confinement import CLEAN_START, Confinement

# torch._dynamo: the first optimiser that is made imports it, which takes longer than training on the fixtures.
PRELOADED = (
    "random", "csv", "gzip", "zipfile", "inspect", "concurrent.futures", "multiprocessing",
    "numpy", "scipy.signal", "scipy.stats", "scipy.fft",
    "torch", "torch._dynamo", "torch.utils.data", "torch.nn.utils.rnn", "tqdm",
    "librosa", "librosa.display", "librosa.util", "librosa.core", "librosa.feature", "librosa.beat",
    "sklearn.metrics", "sklearn.preprocessing", "sklearn.model_selection",
    "matplotlib.figure", "matplotlib.pyplot", "jaxtyping",
)  # fmt: skip
PACKET_BYTES = 1 << 16
REAP_SECONDS = 0.05


class Fork(msgspec.Struct, tag="fork", frozen=True):
    """Fork a worker; the packet carries its socket."""

    order: worker.Order


class End(msgspec.Struct, tag="end", frozen=True):
    """Kill a worker if it still runs, and answer with how it ended."""

    pid: int


class Discard(msgspec.Struct, tag="discard", frozen=True):
    """Kill a worker; nobody waits for an answer."""

    pid: int


class Ended(msgspec.Struct, frozen=True):
    """How a worker had ended: its exit code, or the signal that killed it, negated (`-9` when `End` did)."""

    code: int


def main(control_descriptors: list[int]) -> None:
    """Serve until every control socket is closed by its judge."""
    controls = [socket.socket(fileno=descriptor) for descriptor in control_descriptors]
    _preload()
    server = _Server(Confinement.prepare(), controls)
    for control in controls:
        control.send(b"ready")
    server.serve()


def _preload() -> None:
    warnings.simplefilter("ignore")
    with _compiling_alone():
        for name in PRELOADED:
            importlib.import_module(name)
    importlib.import_module("graders.checks.kit.adaptations").adapt_libraries()
    importlib.import_module(kit.TRAINING)
    torch = sys.modules["torch"]
    torch.set_num_threads(1)
    torch.ones(1).half()  # reads what the processor can do, once and for all: a worker may not
    sys.dont_write_bytecode = True
    _forget_this_project()
    os.environ.clear()
    # The collector would touch, and so copy, pages that workers otherwise share with this process.
    gc.collect()
    gc.freeze()


@contextmanager
def _compiling_alone() -> Iterator[None]:
    """Let one process at a time import librosa.

    The first import has numba compile parts of it, and keep them beside its sources; two processes that do so at once
    leave a mixture of both there, which crashes every later process.
    """
    librosa = importlib.util.find_spec("librosa")
    if librosa is None or librosa.origin is None:
        yield  # the import says what is wrong
        return
    folder = os.open(Path(librosa.origin).parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _forget_this_project() -> None:
    """Take away the finders through which an editable install would lead a worker to this project's packages."""
    root = Path(__file__).resolve().parents[2]
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if not getattr(finder, "__module__", "").startswith("__editable__")
    ]
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != root]


@dataclass(frozen=True)
class _Spare:
    """A worker that has no order yet, and the socket over which it gets one."""

    pid: int
    orders: socket.socket


class _Server:
    def __init__(self, confinement: Confinement, controls: list[socket.socket]) -> None:
        self.confinement = confinement
        self.controls = controls
        self.owners: dict[int, socket.socket] = {}
        self.dying: list[int] = []
        self.spare = self.fork_spare()

    def serve(self) -> None:
        while self.controls:
            for control in select.select(self.controls, [], [], REAP_SECONDS if self.dying else None)[0]:
                data, descriptors, _, _ = socket.recv_fds(control, PACKET_BYTES, 1)
                if data:
                    self.answer(control, msgspec.msgpack.decode(data, type=Fork | End | Discard), descriptors)
                else:
                    self.close(control)
            self.reap()

    def answer(self, control: socket.socket, request: Fork | End | Discard, descriptors: list[int]) -> None:
        match request:
            case Fork(order):
                pid = self.hand_out_spare(order, descriptors[0])
                self.owners[pid] = control
                control.send(msgspec.msgpack.encode(pid))
                self.spare = self.fork_spare()
            case End(pid):
                control.send(msgspec.msgpack.encode(Ended(self.end(pid))))
            case Discard(pid):
                self.discard(pid)

    def hand_out_spare(self, order: worker.Order, descriptor: int) -> int:
        socket.send_fds(self.spare.orders, [msgspec.msgpack.encode(order)], [descriptor])
        self.spare.orders.close()
        os.close(descriptor)
        return self.spare.pid

    def fork_spare(self) -> _Spare:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if not pid:
            status = 1
            try:
                ours.close()
                _become_worker(theirs, self.confinement)
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        return _Spare(pid, ours)

    def end(self, pid: int) -> int:
        if pid not in self.owners:
            return 0
        del self.owners[pid]
        os.kill(pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def discard(self, pid: int) -> None:
        """Kill a worker; it is reaped later, since giving back the memory of a large process takes a while."""
        if self.owners.pop(pid, None):
            os.kill(pid, signal.SIGKILL)
            self.dying.append(pid)

    def reap(self) -> None:
        self.dying = [pid for pid in self.dying if not os.waitpid(pid, os.WNOHANG)[0]]

    def close(self, control: socket.socket) -> None:
        for pid in [pid for pid, owner in self.owners.items() if owner is control]:
            self.discard(pid)
        self.controls.remove(control)
        control.close()


def _become_worker(orders: socket.socket, confinement: Confinement) -> None:
    """Wait for an order; then keep its socket as the only descriptor besides the standard ones, which lead nowhere."""
    os.setsid()
    data, descriptors, _, _ = socket.recv_fds(orders, PACKET_BYTES, 1)
    if not data:
        return
    order = msgspec.msgpack.decode(data, type=worker.Order)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.dup2(descriptors[0], worker.DESCRIPTOR)
    if CLEAN_START not in order.policy.without:
        os.closerange(worker.DESCRIPTOR + 1, os.sysconf("SC_OPEN_MAX"))
    worker.run(socket.socket(fileno=worker.DESCRIPTOR), order, confinement)
