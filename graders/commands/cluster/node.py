"""`graders node`: judge what a scheduler hands out, on this machine."""

from __future__ import annotations

import asyncio
import logging

import click

from graders.commands.cluster.dask import expect_dask
from graders.commands.confining import expect_linux
from graders.commands.errors import Command, say
from graders.commands.options import Whole, course_option
from graders.course import Course

MOST_JOBS = 256


@click.command(cls=Command)
@click.argument("address")
@click.option("--jobs", type=Whole(1, MOST_JOBS), default=1, show_default=True,
              help="Submissions judged at a time.")  # fmt: skip
@click.option("--require", type=click.Choice(["full", "partial", "none"]), default="full", show_default=True,
              help="Least isolation that this machine has to reach.")  # fmt: skip
@click.option("--name", help="What Dask calls this node  [default: its address].")
@course_option
def node(address: str, jobs: int, require: str, name: str | None, course: Course) -> None:
    """Judge what graders run --scheduler ADDRESS hands out, until this is ended.

    ADDRESS is that of a Dask scheduler, such as tcp://host:8786, or tls://host:8786 with Dask's settings for TLS.
    """
    expect_linux("node")
    expect_dask("graders node")
    from graders.cluster.worker import Driver, serve  # noqa: PLC0415 - Dask, an extra, and slow to load

    logging.disable(logging.CRITICAL)  # what goes wrong is told in sentences
    driver = Driver(course.folder, jobs, require)
    try:
        say("graders", f"this node judges {course.title}, {jobs} at a time, isolation {driver.identity.level}.")
        asyncio.run(serve(address, driver, jobs, name))
    finally:
        driver.end()
