"""The warm server: Python with a course's libraries loaded and no threads, which forks a worker on request.

It holds no secrets: it never imports the checks or the reference, and its environment is empty by the time
it forks. It talks to judges over sequenced-packet sockets, one for each judge: `fork` comes with the worker's end of
a stream socket, `end` kills a worker and tells how it had ended, `discard` kills one silently.

One worker is always forked ahead, a spare that waits for its order, because copying the page tables of a large
process takes longer than everything else that a fresh worker needs.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import importlib.util
import os
import select
import signal
import site
import socket
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import msgspec

from graders.course import PROJECT, Course, load_course
from graders.sandbox import worker
from graders.sandbox.confinement import Confinement
from graders.sandbox.layers import CLEAN_START

PACKET_BYTES = 1 << 16
REAP_SECONDS = 0.05
FLAGS, EXITING = 6, 0x4  # of /proc/PID/stat, counted from its state on; PF_EXITING


class Fork(msgspec.Struct, tag="fork", frozen=True):
    """Fork a worker, once these modules are loaded; the packet carries its socket."""

    order: worker.Order
    loads: tuple[str, ...] = ()


class End(msgspec.Struct, tag="end", frozen=True):
    """Kill a worker if it still runs, and answer with how it ended."""

    pid: int


class Discard(msgspec.Struct, tag="discard", frozen=True):
    """Kill a worker; nobody waits for an answer."""

    pid: int


class Ended(msgspec.Struct, frozen=True):
    """How a worker had ended.

    Attributes:
        code: its exit code, or the signal that killed it, negated.
        ordered: whether it still ran, so that `End` killed it.
        seconds: processor time of its whole life.
    """

    code: int
    ordered: bool = False
    seconds: float = 0.0


def main(course_folder: str, steps: list[int], control_descriptors: list[int]) -> None:
    """Serve until every control socket is closed by its judge."""
    gc.disable()  # until all is loaded: going through that again and again takes long, and it stays
    controls = [socket.socket(fileno=descriptor) for descriptor in control_descriptors]
    warnings.simplefilter("ignore")
    course = load_course(Path(course_folder))
    course.make_importable()
    libraries = _Libraries(course)
    libraries.load(course.loads_for(steps).server)
    kit = course.load(course.sandbox.kit) if course.sandbox.kit else None
    sys.dont_write_bytecode = True
    _forget_packages_of(course)
    os.environ.clear()
    _keep_pages_shared()
    server = _Server(Confinement.prepare(course.unreadable), controls, kit, libraries)
    for control in controls:
        control.send(b"ready")
    server.serve()


class _Libraries:
    """What workers share: loaded in the environment in which this process began, and adapted to a worker."""

    def __init__(self, course: Course) -> None:
        wanted = course.sandbox
        self.compiling = wanted.compiling
        self.adaptations = course.load(wanted.adaptations) if wanted.adaptations else None
        self.environment = dict(os.environ)
        self.loaded: set[str] = set()

    def load(self, names: Iterable[str]) -> bool:
        """Load what is not loaded yet; return whether that was anything."""
        new = [name for name in names if name not in self.loaded]
        if not new:
            return False
        with compiling_alone(self.compiling):
            for name in new:
                importlib.import_module(name)
        if self.adaptations:
            self.adaptations.adapt_libraries()
        self.loaded.update(new)
        return True

    def load_late(self, names: Iterable[str]) -> bool:
        """The same, between two workers, which begin in no environment at all."""
        os.environ.update(self.environment)
        try:
            return self.load(names)
        finally:
            os.environ.clear()
            _keep_pages_shared()


def _keep_pages_shared() -> None:
    """Keep the collector from touching, and so copying, pages that workers otherwise share with this process."""
    gc.collect()
    gc.freeze()
    gc.enable()


@contextmanager
def compiling_alone(packages: Iterable[str]) -> Iterator[None]:
    """Let one process at a time import packages that compile parts of themselves.

    On their first import they keep what they compile beside their sources; two processes that do so at once leave a
    mixture of both there, which crashes every later process.
    """
    specs = [importlib.util.find_spec(name) for name in sorted(packages)]
    folders = [Path(spec.origin).parent for spec in specs if spec and spec.origin]  # of others, the import says more
    locks = [os.open(folder, os.O_RDONLY) for folder in folders]
    try:
        for lock in locks:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        for lock in locks:
            os.close(lock)


def _forget_packages_of(course: Course) -> None:
    """Take away what would lead a worker to this project's packages or the course's: places, and editable installs."""
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if not getattr(finder, "__module__", "").startswith("__editable__")
    ]
    installed = {Path(folder).resolve() for folder in site.getsitepackages()}  # Landlock hides what is in there
    places = {PROJECT, course.root} - installed
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() not in places]


@dataclass(frozen=True)
class _Spare:
    """A worker that has no order yet, and the socket over which it gets one."""

    pid: int
    orders: socket.socket


class _Server:
    def __init__(
        self, confinement: Confinement, controls: list[socket.socket], kit: ModuleType | None, libraries: _Libraries
    ) -> None:
        self.confinement = confinement
        self.libraries = libraries
        self.kit = kit
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
            case Fork(order, loads):
                if loads and self.libraries.load_late(loads):
                    self.renew_spare()
                pid = self.hand_out_spare(order, descriptors[0])
                self.owners[pid] = control
                control.send(msgspec.msgpack.encode(pid))
                self.spare = self.fork_spare()
            case End(pid):
                control.send(msgspec.msgpack.encode(self.end(pid)))
            case Discard(pid):
                self.discard(pid)

    def hand_out_spare(self, order: worker.Order, descriptor: int) -> int:
        packet = msgspec.msgpack.encode(order)
        try:
            socket.send_fds(self.spare.orders, [packet], [descriptor])
        except OSError:  # somebody has killed it while it waited
            self.renew_spare()
            socket.send_fds(self.spare.orders, [packet], [descriptor])
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
                _become_worker(theirs, self.confinement, self.kit)
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        return _Spare(pid, ours)

    def renew_spare(self) -> None:
        """Fork the spare anew: it lacks what was loaded since. It has no order, and ends when its socket is closed."""
        self.spare.orders.close()
        self.dying.append(self.spare.pid)
        self.spare = self.fork_spare()

    def end(self, pid: int) -> Ended:
        if pid not in self.owners:
            return Ended(0)
        del self.owners[pid]
        ordered = not _is_ending(pid)
        os.kill(pid, signal.SIGKILL)  # what is ending already keeps the code with which it does
        _, status, usage = os.wait4(pid, 0)
        return Ended(os.waitstatus_to_exitcode(status), ordered, usage.ru_utime + usage.ru_stime)

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


def _is_ending(pid: int) -> bool:
    """Tell whether all threads of a process are on their way out, as they are before the kernel closes its socket."""
    try:
        tasks = [Path(folder, "stat").read_bytes() for folder in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return False
    return all(int(task.rpartition(b") ")[2].split()[FLAGS]) & EXITING for task in tasks)


def _become_worker(orders: socket.socket, confinement: Confinement, kit: ModuleType | None) -> None:
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
    worker.run(socket.socket(fileno=worker.DESCRIPTOR), order, confinement, kit)
