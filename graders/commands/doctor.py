"""`graders doctor`: what this machine can isolate, tried out, and what is missing."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console

from graders.commands.errors import Command, ExitCode
from graders.commands.options import course_option
from graders.course import ENGINE, PROJECT, Course
from graders.outcomes import HarnessFault, SubmissionError
from graders.results.schema import Isolation, Level
from graders.sandbox import probe
from graders.sandbox.client import WarmServer, Worker, order_for
from graders.sandbox.proxies import OneWorker, RemotePackage

SECONDS = 20.0
PACKAGE = "probed"


class Attempt(NamedTuple):
    """Something that must not succeed: what people call it, and how the probe tries it."""

    what: str
    run: Callable[[Any], object]


ATTEMPTS = (
    Attempt("reading /etc/passwd", lambda probe: probe.read_system_file()),
    Attempt("listing /proc", lambda probe: probe.read_folder_of("/proc")),
    Attempt("reading this package", lambda probe: probe.read_folder_of(str(PROJECT / ENGINE))),
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
        package = Path(folder, "submission", PACKAGE)
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        shutil.copy(probe.__file__, package / "step00_probe.py")
        scratch = Path(folder, "scratch")
        scratch.mkdir()
        with Worker(server.controls[0], order_for(package.parent, PACKAGE, [], scratch, 0), seconds) as worker:
            yield worker, RemotePackage(OneWorker(worker), PACKAGE).step00_probe


@click.command(cls=Command)
@course_option
def doctor(course: Course) -> None:
    """Say what this machine can isolate, and what is missing for full isolation."""
    sys.exit(examine(course, Console()))


def examine(course: Course, console: Console) -> ExitCode:
    """Print what a worker's layers are, and try what they must stop; return `DONE` if isolation is full."""
    console.print(f"{platform.system()} {platform.release()}, Python {platform.python_version()}", highlight=False)
    if platform.system() != "Linux":
        console.print("Official runs need Linux; `lab check` works here.")
        return ExitCode.HARNESS_FAULT
    with WarmServer(course) as server:
        server.wait_until_warm()
        with probe_worker(server) as (worker, functions):
            if functions.answer() != probe.answer():
                raise HarnessFault("the probe gives wrong answers: the sandbox does not work on this machine")
            level = Isolation.of(worker.layers).level
            for layer, status in worker.layers.items():
                console.print(f"  {layer:<14} {status!s}", highlight=False)
        got_through = [attempt.what for attempt in ATTEMPTS if not _stopped(console, attempt, server)]
    if level is Level.FULL and not got_through:
        console.print("Isolation: full. Official runs can be held here.")
        return ExitCode.DONE
    console.print(f"Isolation: {level}. `graders run` refuses to start here unless --require says that less will do.")
    return ExitCode.HARNESS_FAULT


def _stopped(console: Console, attempt: Attempt, server: WarmServer) -> bool:
    try:
        with probe_worker(server) as (_, functions):
            attempt.run(functions)
    except SubmissionError as error:
        console.print(f"  stopped        {attempt.what} ({error.outcome})", highlight=False)
        return True
    console.print(f"  GOT THROUGH    {attempt.what}", style="bold red", highlight=False)
    return False
