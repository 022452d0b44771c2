"""Reading a notebook in a process of its own, within limits.

Some sources of a few hundred kilobytes keep Python's parser busy for minutes, or take gigabytes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from graders.course import PROJECT, Course, load_course
from graders.intake.archives import open_file
from graders.intake.notebooks.notebook import NoNotebook, Notebook, read_notebook
from graders.outcomes import HarnessFault

SECONDS = 10  # of processor time; a notebook of a thousand cells takes less than one
MEMORY = 2 << 30
BOOTSTRAP = """
import sys
sys.path.insert(0, sys.argv[1])
from graders.intake.limited import main
main(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
"""


class TooCostly(Exception):
    """Python's parser takes too much over a notebook; the message says how much that is."""


def read_apart(path: Path, course: Course) -> Notebook:
    """Do what `read_notebook` does, in another process.

    Raises:
        NoNotebook: it is not a notebook.
        Damaged: the file cannot be read.
        TooCostly: it takes too much time or memory, or crashes Python.
        HarnessFault: that process failed.
    """
    options = (str(PROJECT), str(course.folder), str(SECONDS), str(MEMORY))
    command = [sys.executable, "-I", "-X", "utf8", "-c", BOOTSTRAP, *options]
    limit = f"Python needs more than {SECONDS} s or {MEMORY >> 20} MB to read it, or crashes over it"
    with open_file(path) as file:
        try:
            # Time on the clock counts only where there is no processor to spare: the other process limits its own.
            done = subprocess.run(command, stdin=file, capture_output=True, timeout=10 * SECONDS, check=False)  # noqa: S603 - our own source
        except subprocess.TimeoutExpired as error:
            raise TooCostly(limit) from error
    if done.returncode < 0:
        raise TooCostly(limit)
    if done.returncode:
        raise HarnessFault(f"the process that reads notebooks failed: {done.stderr[-500:].decode(errors='replace')}")
    match msgspec.msgpack.decode(done.stdout, type=Notebook | str):
        case Notebook() as notebook:
            return notebook
        case refusal:
            raise NoNotebook(refusal)


def main(course_folder: str, seconds: int, memory: int) -> None:
    """Read a notebook from standard input, and write what it is, or why it is none, to standard output."""
    course = load_course(Path(course_folder))
    if os.name == "posix":
        import resource  # noqa: PLC0415 - Windows has none, where students read their own notebooks

        from graders.limits import limit  # noqa: PLC0415

        limit({resource.RLIMIT_CPU: seconds, resource.RLIMIT_AS: memory, resource.RLIMIT_CORE: 0})
    answer: Notebook | str
    try:
        answer = read_notebook(sys.stdin.buffer.read(), course)
    except NoNotebook as error:
        answer = str(error)
    except MemoryError:
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when the time is up
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))
