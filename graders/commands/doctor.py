"""The doctor: what this machine can isolate, tried out, and what is missing."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from graders.outcomes import HarnessFault, SubmissionError
from graders.results.record import Isolation
from graders.sandbox import probe
from graders.sandbox.client import WarmServer, Worker, order_for
from graders.sandbox.proxies import RemoteLab

SECONDS = 20.0
EXIT_OK = 0
EXIT_HARNESS_FAULT = 3


class Attempt(NamedTuple):
    """Something that must not succeed, in words, and how the probe tries it."""

    what: str
    run: Callable[[Any], object]


ATTEMPTS = (
    Attempt("reading /etc/passwd", lambda probe: probe.read_system_file()),
    Attempt("listing /proc", lambda probe: probe.read_folder_of("/proc")),
    Attempt(
        "reading the reference solutions",
        lambda probe: probe.read_folder_of(str(Path(__file__).parents[2] / "solutions")),
    ),
    Attempt(
        "writing into /tmp",
        lambda probe: probe.write_outside(f"{tempfile.gettempdir()}/graders-doctor-probe"),
    ),
    Attempt("opening a socket", lambda probe: probe.open_socket()),
    Attempt("starting a process", lambda probe: probe.start_process()),
    Attempt("signalling the warm server", lambda probe: probe.signal_parent()),
    Attempt("tracing the warm server", lambda probe: probe.trace_parent()),
    Attempt("taking 64 GB of memory", lambda probe: probe.take_memory(64 << 30)),
    Attempt("locking memory as root may", lambda probe: probe.lock_memory(1 << 20)),
    Attempt("keeping 10,000 files", lambda probe: probe.keep_files(10_000)),
    Attempt("running 1,000 threads", lambda probe: probe.run_threads(1_000)),
)


@contextmanager
def probe_worker(server: WarmServer, seconds: float = SECONDS) -> Iterator[tuple[Worker, Any]]:
    """Give a worker that holds the probe, and the probe's functions."""
    with tempfile.TemporaryDirectory(prefix="graders-probe-") as folder:
        package = Path(folder, "submission", "lab")
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        shutil.copy(probe.__file__, package / "step00_probe.py")
        scratch = Path(folder, "scratch")
        scratch.mkdir()
        with Worker(server.controls[0], order_for(package.parent, [], scratch, 0), seconds) as worker:
            yield worker, RemoteLab(_Held(worker)).step00_probe


class _Held(NamedTuple):
    held: Worker

    def worker(self) -> Worker:
        return self.held


def examine(console: Console) -> int:
    """Print what a worker's layers are, and try what they must stop; return 0 if isolation is full, else 3."""
    console.print(f"{platform.system()} {platform.release()}, Python {platform.python_version()}", highlight=False)
    if platform.system() != "Linux":
        console.print("Official runs need Linux; `lab check` works here.")
        return EXIT_HARNESS_FAULT
    with WarmServer() as server:
        server.wait_until_warm()
        with probe_worker(server) as (worker, functions):
            if functions.answer() != probe.answer():
                raise HarnessFault("the probe gives wrong answers: the sandbox does not work on this machine")
            level = Isolation.of(worker.layers).level
            for layer, status in worker.layers.items():
                console.print(f"  {layer:<14} {status}", highlight=False)
        got_through = [attempt.what for attempt in ATTEMPTS if not _stopped(console, attempt, server)]
    if level == "full" and not got_through:
        console.print("Isolation: full. Official runs can be held here.")
        return EXIT_OK
    console.print(f"Isolation: {level}. `graders run` refuses to start here unless --require says that less will do.")
    return EXIT_HARNESS_FAULT


def _stopped(console: Console, attempt: Attempt, server: WarmServer) -> bool:
    try:
        with probe_worker(server) as (_, functions):
            attempt.run(functions)
    except SubmissionError as error:
        console.print(f"  stopped        {attempt.what} ({error.outcome})", highlight=False)
        return True
    console.print(f"  GOT THROUGH    {attempt.what}", style="bold red", highlight=False)
    return False
