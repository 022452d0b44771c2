"""The Dask worker of a node: it takes jobs from the scheduler to the node's driver, and answers back.

`graders node` runs one. A worker that something else starts becomes one with `--preload graders.cluster.worker`.
Neither this process nor Dask's scheduler reads a job or an answer: to them, both are bytes.
"""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import click
import msgspec
from distributed import Worker, WorkerPlugin, get_worker

from graders.cluster.apart import Apart
from graders.cluster.messages import Identity
from graders.course import OWN_COURSE
from graders.grading.task import Failed
from graders.outcomes import HarnessFault

NAME = "graders"
SCHEDULER_SECONDS = 600.0  # for which a node waits for a scheduler, also for one that it has lost


class Driver:
    """A node's driver, as its Dask worker sees it.

    Attributes:
        identity: what it judges with.
    """

    def __init__(self, course: Path, jobs: int, required: str) -> None:
        """Start one that judges so many jobs at a time; raises `HarnessFault` if it cannot judge here."""
        self._process = Apart("graders.cluster.driver", [str(course), required], 1 + jobs)
        self._told, *slots = self._process.pipes
        self._free: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        for slot in slots:
            self._free.put(slot)
        try:
            said = msgspec.msgpack.decode(self._told.recv_bytes(), type=Identity | Failed)
        except EOFError as error:
            raise HarnessFault("the node's driver ended while it was starting; see its message above") from error
        if isinstance(said, Failed):
            raise HarnessFault(said.reason)
        self.identity = said
        self.ending = False
        threading.Thread(target=self._watch, daemon=True).start()

    def answer(self, job: bytes) -> bytes:
        """Return the answer to a job, both in MessagePack."""
        slot = self._free.get()
        try:
            slot.send_bytes(job)
            return slot.recv_bytes()
        finally:
            self._free.put(slot)

    def end(self) -> None:
        """End it, and all that it does."""
        self.ending = True
        self._process.end()

    def _watch(self) -> None:
        """End the node when its driver ends, so that others do what it was doing."""
        try:
            reason = msgspec.msgpack.decode(self._told.recv_bytes(), type=Failed).reason
        except (EOFError, OSError):
            reason = "its driver was killed."
        if not self.ending:
            print(f"graders: this node ends: {reason}", file=sys.stderr, flush=True)  # noqa: T201 - nobody else is left
            os._exit(3)


class Grading(WorkerPlugin):
    """What makes a Dask worker a node."""

    name = NAME

    def __init__(self, driver: Driver) -> None:
        self.driver = driver


def grade(job: bytes) -> bytes:
    """Answer a job on the node where this runs: the one function that is sent through Dask."""
    plugin = get_worker().plugins[NAME]
    assert isinstance(plugin, Grading)
    return plugin.driver.answer(job)


def _offered(driver: Driver, jobs: int) -> dict[str, float]:
    return dict.fromkeys(driver.identity.resources(), jobs)


def _about(driver: Driver) -> str:
    return msgspec.json.encode(driver.identity).decode()


async def serve(address: str, driver: Driver, jobs: int, name: str | None) -> None:
    """Be a node of a scheduler until it is told to end; another scheduler at the same address is served too.

    Raises:
        HarnessFault: there has been no scheduler for a while.
    """
    stop = asyncio.Event()
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ending) is not signal.SIG_IGN:  # as SIGHUP is under nohup
            asyncio.get_running_loop().add_signal_handler(ending, stop.set)
    stopped = asyncio.create_task(stop.wait())
    while not stop.is_set():
        worker = Worker(
            address,
            nthreads=jobs,
            name=name,
            memory_limit=0,
            dashboard=False,
            death_timeout=SCHEDULER_SECONDS,
            resources=_offered(driver, jobs),
            startup_information={NAME: lambda _: _about(driver)},
            plugins=(Grading(driver),),
        )
        starting = asyncio.ensure_future(worker)
        await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            break
        try:
            await starting
        except (OSError, RuntimeError, TimeoutError, ValueError) as error:
            raise HarnessFault(f"no scheduler answers at {address} ({error.__cause__ or error})") from error
        finished = asyncio.create_task(worker.finished())  # type: ignore[no-untyped-call]
        await asyncio.wait({finished, stopped}, return_when=asyncio.FIRST_COMPLETED)
        await worker.close(timeout=1, executor_wait=False)
    stopped.cancel()


@click.command()
@click.option("--course", type=click.Path(path_type=Path), default=OWN_COURSE)
@click.option("--require", type=click.Choice(["full", "partial", "none"]), default="full")
async def dask_setup(worker: Worker, course: Path, require: str) -> None:
    """Make a Dask worker that is about to start a node, with as many jobs at a time as it has threads."""
    jobs = worker.state.nthreads
    driver = await asyncio.to_thread(Driver, course, jobs, require)
    worker.startup_information[NAME] = lambda _: _about(driver)
    worker.state.total_resources.update(_offered(driver, jobs))
    worker.state.available_resources.update(_offered(driver, jobs))
    await worker.plugin_add(plugin=Grading(driver), name=NAME)
