"""The `graders` command, for instructors and CI."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import click

from graders.commands import bench, doctor, release, rescore, run, schema, skeleton
from graders.commands.auditing import audit, calibrate
from graders.commands.authoring import words
from graders.commands.classroom import export, grades, mark, report, similar, stats
from graders.commands.cluster import node
from graders.commands.errors import Group, end_in_order, run_group


def main(let_interrupts_through: Callable[[], None] = lambda: None) -> NoReturn:
    """Run the command line.

    Args:
        let_interrupts_through: is called once whatever interrupts the command would be told.
    """

    def begin() -> None:
        end_in_order()
        let_interrupts_through()

    run_group(graders, "graders", begin)


@click.group(
    cls=Group,
    epilog="Exit codes: 0 done, 1 a check failed, 2 wrong usage or input, 3 harness fault, 130 interrupted.",
)
def graders() -> None:
    """Grade coursework: student code runs confined, in a process other than the one that judges it."""


for command in (
    run.run,
    node.node,
    rescore.rescore,
    grades.grades,
    export.export,
    mark.mark,
    report.report,
    stats.stats,
    similar.similar,
    doctor.doctor,
    calibrate.calibrate,
    audit.audit,
    bench.bench,
    skeleton.skeleton,
    release.release,
    schema.schema,
    words.words,
):
    graders.add_command(command)
