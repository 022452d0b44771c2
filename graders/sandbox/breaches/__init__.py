"""What a submission must not do, tried in a confined worker that holds the probe."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from graders.course import ENGINE, PROJECT
from graders.sandbox.breaches import probe
from graders.sandbox.client import WarmServer, Worker, order_for
from graders.sandbox.proxies import OneWorker, RemotePackage

SECONDS = 20.0
PACKAGE = "probed"


class Breach(NamedTuple):
    """Something that must not succeed: what people call it, and how the probe tries it."""

    what: str
    run: Callable[[Any], object]


BREACHES = (
    Breach("reading /etc/passwd", lambda probe: probe.read_system_file()),
    Breach("listing /proc", lambda probe: probe.read_folder_of("/proc")),
    Breach("reading this package", lambda probe: probe.read_folder_of(str(PROJECT / ENGINE))),
    Breach(
        "writing into /tmp",
        lambda probe: probe.write_outside(f"{tempfile.gettempdir()}/graders-doctor-probe"),
    ),
    Breach("opening a socket", lambda probe: probe.open_socket()),
    Breach("starting a process", lambda probe: probe.start_process()),
    Breach("signalling the warm server", lambda probe: probe.signal_parent()),
    Breach("tracing the warm server", lambda probe: probe.trace_parent()),
    Breach("taking 64 GB of memory", lambda probe: probe.take_memory(64 << 30)),
    Breach("locking memory as root may", lambda probe: probe.lock_memory(1 << 20)),
    Breach("keeping 10,000 files", lambda probe: probe.keep_files(10_000)),
    Breach("running 1,000 threads", lambda probe: probe.run_threads(1_000)),
)


@contextmanager
def probe_worker(server: WarmServer) -> Iterator[tuple[Worker, Any]]:
    """Give a worker that holds the probe, and the probe's functions."""
    with tempfile.TemporaryDirectory(prefix="graders-probe-") as folder:
        package = Path(folder, "submission", PACKAGE)
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        shutil.copy(probe.__file__, package / "step00_probe.py")
        scratch = Path(folder, "scratch")
        scratch.mkdir()
        with Worker(server.controls[0], order_for(package.parent, PACKAGE, [], scratch, 0), SECONDS) as worker:
            yield worker, RemotePackage(OneWorker(worker), PACKAGE).step00_probe
