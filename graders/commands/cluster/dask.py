"""What the commands that grade on several machines need: Dask, which one machine does without."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from graders.commands.errors import say
from graders.course import Course
from graders.outcomes import HarnessFault

if TYPE_CHECKING:
    from graders.cluster.client import Cluster

NEEDED = "distributed"


def expect_dask(what: str) -> None:
    """Raise `HarnessFault`, with what to install, where Dask is not; it is loaded in processes of its own only."""
    if find_spec(NEEDED) is None:
        raise HarnessFault(f"{what} needs {NEEDED}, which comes with this package's extra: pip install '.[cluster]'.")


def with_dask(_: click.Context, option: click.Parameter, address: str | None) -> str | None:
    """Return the address that an option was given; raises `HarnessFault` if Dask is missing then."""
    if address is not None:
        expect_dask(option.opts[0])
    return address


def cluster_at(address: str, course: Course, require: str) -> Cluster:
    """Return the nodes behind a scheduler that may judge a course, isolated as well as is required."""
    from graders.cluster.client import Cluster  # noqa: PLC0415 - one machine needs none of it
    from graders.cluster.messages import identity_of  # noqa: PLC0415
    from graders.judging.rubric import load_rubric  # noqa: PLC0415
    from graders.results.schema import Level  # noqa: PLC0415

    mine = identity_of(course, load_rubric(course), Level(require))
    return Cluster(address, mine, partial(say, "graders"))
