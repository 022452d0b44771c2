"""`graders bench`: measure this machine's figures beside their bounds."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from graders.commands.confining import expect_linux
from graders.commands.errors import Command, ExitCode
from graders.commands.options import Whole, course_option, expect_steps
from graders.course import Course

WIDTH = 120  # of the tables, also where they are kept in a file


@click.command(cls=Command)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Also write the figures to this JSON file."
)
@click.option(
    "--peers",
    type=Whole(min=1),
    metavar="COUNT",
    help="Instead, grade COUNT submissions with nbgrader and otter-grader too, which must be installed.",
)
@click.option(
    "--class",
    "class_size",
    type=Whole(min=6),
    metavar="COUNT",
    help="Instead, grade a class of COUNT submissions, made of the course's corpus; exits with 1 if memory grows.",
)
@click.option("--step", "steps", multiple=True, type=Whole(min=1),
              help="Of --class: grade this step; may be repeated.  [default: the first four]")  # fmt: skip
@click.option("--rounds", type=Whole(min=1), default=3, show_default=True, help="Of --peers.")
@course_option
def bench(
    out: Path | None,
    peers: int | None,
    class_size: int | None,
    steps: tuple[int, ...],
    rounds: int,
    course: Course,
) -> None:
    """Measure this machine's figures beside their bounds; exits with 1 if one does not hold."""
    expect_linux("bench")
    if peers:
        from graders.bench.peers.comparison import compare  # noqa: PLC0415

        compare(course, peers, rounds, Console(width=WIDTH))
        return
    expect_steps(course, *steps)
    if class_size:
        from graders.bench.long_run import measure_class  # noqa: PLC0415

        is_flat = measure_class(course, class_size, Console(width=WIDTH), steps)
        sys.exit(ExitCode.DONE if is_flat else ExitCode.CHECK_FAILED)
    from graders.bench.engine import measure  # noqa: PLC0415

    sys.exit(ExitCode.DONE if measure(course, Console(), out) else ExitCode.CHECK_FAILED)
