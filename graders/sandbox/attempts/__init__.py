"""What a submission must not do, tried in a confined worker that holds the probe."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from graders.course import ENGINE, PROJECT
from graders.sandbox.attempts import probe
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
