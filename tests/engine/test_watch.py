"""The watch over a worker: what it sees of files and threads, and what it passes over."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from graders.outcomes import Forbidden
from graders.sandbox import watch
from graders.sandbox.confinement import Limits
from graders.sandbox.watch import Watch

BLOCK = 4096
NOBODY = 2**22 - 1
FEW = Limits(scratch=4 * BLOCK, entries=3, threads=100)

# Maps a deleted file in two parts, and memory that belongs to none.
MAPS = """
import mmap, os, sys
path, block = sys.argv[1], int(sys.argv[2])
with open(path, "w+b") as file:
    file.truncate(2 * block)
    os.unlink(path)
    held = mmap.mmap(file.fileno(), block), mmap.mmap(file.fileno(), block, offset=block), mmap.mmap(-1, block)
print("mapped", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "SECONDS", 0.0)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "πρόχειρα"
    folder.mkdir()
    return folder


def look(scratch: Path, limits: Limits = FEW, pid: int = NOBODY) -> None:
    Watch(pid, scratch, limits).look()


def test_what_is_allowed_is_allowed(scratch: Path) -> None:
    for name in "αβγ":
        (scratch / name).write_bytes(bytes(BLOCK))
    look(scratch)


def test_too_many_entries_are_seen_wherever_they_are(scratch: Path) -> None:
    (scratch / "a" / "b" / "c").mkdir(parents=True)
    look(scratch)
    (scratch / "a" / "b" / "d").touch()
    with pytest.raises(Forbidden, match="more than 3 files and folders"):
        look(scratch)


def test_too_much_is_seen_in_files_together(scratch: Path) -> None:
    for name in "ab":
        (scratch / name).write_bytes(bytes(3 * BLOCK))
    with pytest.raises(Forbidden, match="take more than"):
        look(scratch)


def test_a_file_counts_for_what_it_takes_on_disk(scratch: Path) -> None:
    with (scratch / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    look(scratch)


def test_links_are_not_followed(scratch: Path, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(64 * BLOCK))
    (scratch / "to file").symlink_to(tmp_path / "large")
    (scratch / "to itself").symlink_to(scratch)
    look(scratch)


@pytest.fixture
def deleted(scratch: Path) -> Iterator[None]:
    with (scratch / "deleted").open("wb") as file:
        file.write(bytes(5 * BLOCK))
        file.flush()
        (scratch / "deleted").unlink()
        yield


@pytest.mark.usefixtures("deleted")
def test_deleted_files_that_are_open_count(scratch: Path) -> None:
    with pytest.raises(Forbidden, match="take more than"):
        look(scratch, pid=os.getpid())


def test_deleted_files_that_are_mapped_count_as_large_as_a_file_may_be(scratch: Path) -> None:
    command = [sys.executable, "-c", MAPS, str(scratch / "deleted"), str(BLOCK)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"mapped\n"
        look(scratch, Limits(file_size=9 * BLOCK, scratch=9 * BLOCK), process.pid)
        with pytest.raises(Forbidden, match="take more than"):
            look(scratch, Limits(file_size=9 * BLOCK, scratch=9 * BLOCK - 1), process.pid)
        process.communicate()


def test_threads_are_counted(scratch: Path) -> None:
    done = threading.Event()
    threads = [threading.Thread(target=done.wait) for _ in range(5)]
    for thread in threads:
        thread.start()
    try:
        with pytest.raises(Forbidden, match=r"runs \d+ threads; at most 4"):
            look(scratch, Limits(threads=4), os.getpid())
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_a_worker_that_has_ended_is_passed_over(scratch: Path) -> None:
    look(scratch / "gone")


def test_it_looks_no_more_often_than_it_has_to(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "SECONDS", 3600.0)
    (scratch / "a" / "b" / "c" / "d").mkdir(parents=True)
    look(scratch)
