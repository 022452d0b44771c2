"""The warm server: Python with the course's libraries loaded and no threads, which forks a worker on request.

It holds no secrets: it never imports the checks or the reference solutions, and its environment is empty by the time
it forks. It talks to judges over sequenced-packet sockets, one for each judge: `fork` comes with the worker's end of
a stream socket, `end` kills a worker and tells how it had ended.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
import sys
import warnings
from dataclasses import dataclass, field

import msgspec

from graders.sandbox import worker
from graders.sandbox.confinement import Confinement

PRELOADED = (
    "random", "csv", "gzip", "zipfile", "inspect", "concurrent.futures", "multiprocessing",
    "numpy", "scipy.signal", "scipy.stats", "scipy.fft", "torch", "torch.utils.data", "torch.nn.utils.rnn",
    "librosa", "librosa.display", "librosa.util", "librosa.core", "librosa.feature", "librosa.beat",
    "sklearn.metrics", "sklearn.preprocessing", "sklearn.model_selection",
    "matplotlib.figure", "matplotlib.pyplot", "jaxtyping",
)  # fmt: skip
PACKET_BYTES = 1 << 16


class Fork(msgspec.Struct, tag="fork", frozen=True):
    """Fork a worker; the packet carries its socket."""

    order: worker.Order


class End(msgspec.Struct, tag="end", frozen=True):
    """Kill a worker if it still runs, and answer with how it ended."""

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
    for name in PRELOADED:
        importlib.import_module(name)
    sys.modules["torch"].set_num_threads(1)
    sys.dont_write_bytecode = True
    os.environ.clear()
    # The collector would touch, and so copy, pages that workers otherwise share with this process.
    gc.collect()
    gc.freeze()


@dataclass
class _Server:
    confinement: Confinement
    controls: list[socket.socket]
    workers: dict[int, socket.socket] = field(default_factory=dict)

    def serve(self) -> None:
        while self.controls:
            for control in select.select(self.controls, [], [])[0]:
                data, descriptors, _, _ = socket.recv_fds(control, PACKET_BYTES, 1)
                if data:
                    self.answer(control, msgspec.msgpack.decode(data, type=Fork | End), descriptors)
                else:
                    self.close(control)

    def answer(self, control: socket.socket, request: Fork | End, descriptors: list[int]) -> None:
        if isinstance(request, Fork):
            control.send(msgspec.msgpack.encode(self.fork(control, request.order, descriptors[0])))
        else:
            control.send(msgspec.msgpack.encode(Ended(self.end(request.pid))))

    def fork(self, control: socket.socket, order: worker.Order, descriptor: int) -> int:
        pid = os.fork()
        if not pid:
            status = 1
            try:
                _become_worker(descriptor, order, self.confinement)
                status = 0
            finally:
                os._exit(status)
        os.close(descriptor)
        self.workers[pid] = control
        return pid

    def end(self, pid: int) -> int:
        if pid not in self.workers:
            return 0
        del self.workers[pid]
        os.kill(pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def close(self, control: socket.socket) -> None:
        for pid in [pid for pid, owner in self.workers.items() if owner is control]:
            self.end(pid)
        self.controls.remove(control)
        control.close()


def _become_worker(descriptor: int, order: worker.Order, confinement: Confinement) -> None:
    """Keep the worker's socket as the only descriptor besides the three standard ones, which lead nowhere."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.dup2(descriptor, 3)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    worker.run(socket.socket(fileno=3), order, confinement)
