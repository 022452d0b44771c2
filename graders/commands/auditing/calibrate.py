"""`graders calibrate`: find the thresholds of the checks that train student code."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from graders.commands.confining import expect_linux
from graders.commands.errors import Command
from graders.commands.options import course_option
from graders.course import Course


@click.command(cls=Command)
@click.option("--seeds", type=click.IntRange(2), default=30, show_default=True, help="Runs of each submission.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Runs at a time.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path),
              help="File to write  [default: the one that checks read].")  # fmt: skip
@course_option
def calibrate(seeds: int, jobs: int, out: Path | None, course: Course) -> None:
    """Find the thresholds of the checks that train student code, from right and wrong submissions."""
    expect_linux("calibrate")
    import msgspec  # noqa: PLC0415

    from graders.audit.calibration import calibrate as measure_all  # noqa: PLC0415 - it loads what the course trains
    from graders.audit.calibration import calibration_table  # noqa: PLC0415

    if not course.audit.experiments:
        raise click.UsageError(f"{course.title} has no checks with thresholds: its course.toml names no experiments.")
    out = out or course.path(course.audit.thresholds)
    console = Console()
    with console.status("") as status:
        rows = measure_all(course, seeds, jobs, lambda ended, total: status.update(f"{ended} of {total} runs"))
    console.print(calibration_table(rows))
    out.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")
    console.print(f"Written to {out}.", soft_wrap=True, markup=False)
