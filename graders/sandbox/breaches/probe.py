"""Attempts that confinement has to stop, each a function that returns only if it got through.

Staged as a submission of its own, so that what stops a breach is what would stop a student's code.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import sys
import threading
import time
from pathlib import Path


def answer() -> int:
    """Return 42: the worker works at all."""
    return 42


def read_system_file() -> str:
    """Read a file that every user may read."""
    return Path("/etc/passwd").read_text(encoding="utf-8")


def read_folder_of(path: str) -> list[str]:
    """List a folder."""
    return os.listdir(path)


def write_outside(path: str) -> int:
    """Write a file where the worker has no business."""
    return Path(path).write_text("x", encoding="utf-8")


def open_socket() -> int:
    """Open a network socket."""
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM).fileno()


def start_process() -> int:
    """Fork."""
    child = os.fork()
    if not child:
        os._exit(0)
    return os.waitpid(child, 0)[0]


def signal_parent() -> int:
    """Ask whether the parent process could be signalled."""
    os.kill(os.getppid(), 0)
    return os.getppid()


def trace_parent() -> int:
    """Attach to the parent process as a debugger would."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, os.getppid(), None, None):
        raise OSError(ctypes.get_errno(), "ptrace")
    return os.getppid()


def take_memory(size: int) -> int:
    """Take `size` bytes of memory, all at once."""
    with mmap.mmap(-1, size) as memory:
        return len(memory)


def keep_files(count: int) -> int:
    """Keep so many files in the scratch folder, for a moment."""
    for number in range(count):
        Path(f"{number}.txt").touch()
    time.sleep(0.5)
    return count


def run_threads(count: int) -> int:
    """Run so many threads, for a moment."""
    threading.stack_size(64 << 10)
    for _ in range(count):
        threading.Thread(target=time.sleep, args=(0.5,), daemon=True).start()
    time.sleep(0.5)
    return count


def lock_memory(size: int) -> int:
    """Keep `size` bytes of memory from being swapped out, which root may do."""
    libc = ctypes.CDLL(None, use_errno=True)
    memory = ctypes.create_string_buffer(size)
    if libc.mlock(memory, size):
        raise OSError(ctypes.get_errno(), "mlock")
    return size


def environment() -> dict[str, str]:
    """Return the environment."""
    return dict(os.environ)


def descriptors() -> list[int]:
    """Return the open descriptors besides the three standard ones."""
    found = []
    for number in range(3, 256):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found


def modules() -> list[str]:
    """Return the names of all loaded modules."""
    return sorted(sys.modules)
