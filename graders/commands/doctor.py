"""`graders doctor`: what this machine can isolate, tried out, and what is missing."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console

from graders.commands.confining import expect_linux
from graders.commands.errors import Command, ExitCode
from graders.commands.options import course_option
from graders.course import Course
from graders.outcomes import HarnessFault, SubmissionError

if TYPE_CHECKING:
    from graders.sandbox.breaches import Breach
    from graders.sandbox.client import WarmServer


@click.command(cls=Command)
@course_option
def doctor(course: Course) -> None:
    """Say what this machine can isolate, and what is missing for full isolation."""
    sys.exit(examine(course, Console()))


def examine(course: Course, console: Console) -> ExitCode:
    """Print what a worker's layers are, and try what they must stop; return `DONE` if isolation is full."""
    console.print(f"{platform.system()} {platform.release()}, Python {platform.python_version()}", highlight=False)
    expect_linux("doctor")
    from graders.results.schema import Isolation, Level  # noqa: PLC0415 - what follows exists on Linux alone
    from graders.sandbox import breaches  # noqa: PLC0415
    from graders.sandbox.breaches import probe  # noqa: PLC0415
    from graders.sandbox.client import WarmServer  # noqa: PLC0415

    with WarmServer(course, steps=[course.steps[0].number]) as server:
        server.wait_until_warm()
        with breaches.probe_worker(server) as (worker, functions):
            if functions.answer() != probe.answer():
                raise HarnessFault("the probe gives wrong answers: the sandbox does not work on this machine")
            level = Isolation.of(worker.layers).level
            for layer, status in worker.layers.items():
                console.print(f"  {layer:<14} {status!s}", highlight=False)
        got_through = [breach.what for breach in breaches.BREACHES if not _stopped(console, breach, server)]
    if level is Level.FULL and not got_through:
        console.print("Isolation: full. Official runs can be held here.")
        return ExitCode.DONE
    console.print(f"Isolation: {level}. `graders run` refuses to start here unless --require says that less will do.")
    return ExitCode.HARNESS_FAULT


def _stopped(console: Console, breach: Breach, server: WarmServer) -> bool:
    from graders.sandbox.breaches import probe_worker  # noqa: PLC0415

    try:
        with probe_worker(server) as (_, functions):
            breach.run(functions)
    except SubmissionError as error:
        console.print(f"  stopped        {breach.what} ({error.outcome})", highlight=False)
        return True
    console.print(f"  GOT THROUGH    {breach.what}", style="bold red", highlight=False)
    return False
