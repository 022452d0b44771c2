"""Processes of the harness that are started afresh, so that they hold nothing of the process that starts them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection

from graders.course import PROJECT

BOOTSTRAP = """
import sys
project, module, *arguments = sys.argv[1:]
sys.path.insert(0, project)
import importlib
importlib.import_module(module).main(*arguments)
"""


class Apart:
    """A process that runs `main` of a module, and ends with the one that has started it.

    `main` is given this process's id, the arguments, and then a descriptor for each pipe, for a `Connection`.

    Args:
        module: name of the module.
        arguments: what its `main` is told.
        pipes: how many pipes lead there.

    Attributes:
        pipes: the near ends of these.
    """

    def __init__(self, module: str, arguments: Sequence[str], pipes: int) -> None:
        pairs = [socket.socketpair() for _ in range(pipes)]
        self.pipes = [Connection(near.detach()) for near, _ in pairs]
        theirs = [far.fileno() for _, far in pairs]
        command = [sys.executable, "-I", "-X", "utf8", "-c", BOOTSTRAP, str(PROJECT), module, str(os.getpid())]
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and source
            [*command, *arguments, *map(str, theirs)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=theirs,
        )
        for _, far in pairs:
            far.close()

    def end(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        for pipe in self.pipes:
            pipe.close()
