"""The courier of a client: it takes jobs to Dask's scheduler, and answers back; to it, both are bytes.

It runs in a process of its own, so that what Dask unpickles never comes near results and gradebook.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import uuid
import warnings
from multiprocessing.connection import Connection
from typing import Any

import msgspec
from distributed import Client, KilledWorker
from distributed.client import FutureCancelledError

from graders.cluster.messages import Asked, Gone, Got, Identity, Nodes, Told, difference
from graders.cluster.worker import NAME, grade
from graders.grading.processes import end_with
from graders.grading.task import Failed
from graders.text import printable

SCHEDULER_SECONDS = 60.0  # in which a scheduler has to answer
A_MOMENT = 0.5  # seconds between two looks at which nodes there are
RESOURCES = "resources"


def main(parent: str, address: str, identity: str, descriptor: str) -> None:
    """Carry jobs and answers until the client ends.

    Args:
        parent: id of the client's process.
        address: the scheduler's.
        identity: what the client has, in JSON.
        descriptor: of a pipe to the client.
    """
    end_with(int(parent))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable(logging.CRITICAL)  # what goes wrong is told in sentences
    warnings.simplefilter("ignore")
    courier = _Courier(address, msgspec.json.decode(identity, type=Identity), Connection(int(descriptor)))
    asyncio.run(courier.run())


class _Courier:
    def __init__(self, address: str, mine: Identity, pipe: Connection) -> None:
        self.address = address
        self.mine = mine
        self.pipe = pipe
        self.run_id = uuid.uuid4().hex  # several clients may use one scheduler

    def say(self, message: Told) -> None:
        self.pipe.send_bytes(msgspec.msgpack.encode(message))

    async def run(self) -> None:
        try:
            client = await Client(  # type: ignore[no-untyped-call]
                self.address,
                asynchronous=True,
                timeout=SCHEDULER_SECONDS,
                set_as_default=False,
                direct_to_workers=False,
            )
        except (OSError, TimeoutError, ValueError, RuntimeError) as error:
            self.say(Gone(f"no scheduler answers at {self.address} ({error})"))
            os._exit(0)
        asyncio.get_running_loop().create_task(self._take(client), name="take")
        try:
            while True:
                seen = await asyncio.wait_for(client.scheduler.identity(n_workers=-1), SCHEDULER_SECONDS)
                self.say(_nodes(seen["workers"], self.mine))
                await asyncio.sleep(A_MOMENT)
        except (OSError, TimeoutError):
            self.say(Gone(f"the scheduler at {self.address} is gone"))
        finally:
            os._exit(0)  # nothing is left to be done here, and closing would wait for those who are gone

    async def _take(self, client: Client) -> None:
        carrying = set()
        while True:
            try:
                data = await asyncio.to_thread(self.pipe.recv_bytes)
            except (EOFError, OSError):
                os._exit(0)
            one = asyncio.create_task(self._carry(client, msgspec.msgpack.decode(data, type=Asked)))
            carrying.add(one)
            one.add_done_callback(carrying.discard)

    async def _carry(self, client: Client, asked: Asked) -> None:
        future = client.submit(
            grade, asked.job, key=f"{NAME}-{self.run_id}-{asked.key}", resources={self.mine.resource: 1}, pure=False
        )
        try:
            answer = bytes(await future)
        except KilledWorker as error:
            times = error.allowed_failures + 1
            answer = _failed(f"the node that judged it ended, or no longer answered: {times} times, so it is left out")
        except FutureCancelledError:
            self.say(Gone(f"the scheduler at {self.address} has lost what it was given"))
            os._exit(0)
        except Exception as error:  # noqa: BLE001 - whatever a node raises is a fault of the harness
            answer = _failed(f"a node could not answer ({type(error).__name__}: {error})")
        self.say(Got(asked.key, answer))


def _failed(reason: str) -> bytes:
    return msgspec.msgpack.encode(Failed(reason))


def _nodes(workers: dict[str, dict[str, Any]], mine: Identity) -> Nodes:
    jobs, refused = 0, []
    for address, worker in workers.items():
        if not worker.get(NAME):
            continue  # a worker of somebody else's
        try:
            theirs = msgspec.json.decode(str(worker[NAME]), type=Identity)
        except msgspec.DecodeError:
            why = "its graders is of another version"
        else:
            why = difference(mine, theirs)
        if why:
            refused.append(f"the node {printable(str(worker.get('name', address)))} is not used: {why}.")
        else:
            jobs += int(worker[RESOURCES].get(mine.resource, 0))
    return Nodes(jobs, refused)
