"""Workers that run at the same time learn nothing from each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from graders.outcomes import Forbidden
from graders.sandbox.client import Worker

Start = Callable[..., tuple[Worker, Any]]

LOCKS = """
import fcntl, os, struct

ANYTHING = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
held = []

def lock(path):
    held.append(os.open(path, os.O_RDWR))
    fcntl.lockf(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
    return True

def read_lock(path):
    held.append(os.open(path, os.O_RDONLY))
    fcntl.lockf(held[-1], fcntl.LOCK_SH | fcntl.LOCK_NB)
    return True

def who_locks(path):
    held.append(os.open(path, os.O_RDONLY))
    return struct.unpack("hhqqi4x", fcntl.fcntl(held[-1], fcntl.F_GETLK, ANYTHING))[4]

def flock(path):
    held.append(os.open(path, os.O_RDONLY))
    fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
    return True
"""
SHARED = str(np.__file__)
"""A file that all workers can read."""


def test_a_lock_is_not_seen_by_another_worker(start_worker: Start) -> None:
    (_, one), (_, other) = start_worker(LOCKS), start_worker(LOCKS)
    assert one.lock("/dev/null")
    assert other.lock("/dev/null")
    assert one.read_lock(SHARED)
    with pytest.raises(Forbidden):
        other.who_locks(SHARED)
    with pytest.raises(Forbidden):
        other.flock(SHARED)


DATABASE = """
import sqlite3

def count(rows):
    with sqlite3.connect("αποτελέσματα.db") as database:
        database.execute("create table if not exists tracks (name text)")
        database.executemany("insert into tracks values (?)", [[str(row)] for row in range(rows)])
        return database.execute("select count(*) from tracks").fetchone()[0]
"""


def test_a_library_that_locks_its_own_file_works(start_worker: Start) -> None:
    _, module = start_worker(DATABASE)
    assert module.count(3) == 3
    assert module.count(2) == 5


WRITER = """
import itertools, threading

def write():
    for number in itertools.count():
        with open(f"αρχείο {number}", "wb") as file:
            file.write(bytes(8 << 20))

def begin():
    threading.Thread(target=write, daemon=True).start()
    return True

def anything():
    return 1
"""


def test_a_worker_is_watched_also_while_nothing_is_asked_of_it(start_worker: Start) -> None:
    worker, module = start_worker(WRITER)
    assert module.begin()
    for _ in range(3000):  # the judge computes, or another check is long
        if worker.guard and worker.guard.excess:
            break
        time.sleep(0.01)
    with pytest.raises(Forbidden, match="files take more than 128 MB"):
        module.anything()
