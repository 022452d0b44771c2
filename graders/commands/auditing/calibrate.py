"""`graders calibrate`: find the thresholds of the checks that train student code."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from graders.commands.confining import expect_linux
from graders.commands.errors import Command
from graders.commands.options import Whole, course_option
from graders.course import Course


@click.command(cls=Command)
@click.option("--seeds", type=Whole(2), default=30, show_default=True, help="Runs of each submission.")
@click.option("--jobs", type=Whole(1, 64), default=1, show_default=True, help="Runs at a time.")
@click.option("--check", "checks", multiple=True, metavar="ID",
              help="Measure this check only; what the others demand stays as it is. May be repeated.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path),
              help="File to write  [default: the one that checks read].")  # fmt: skip
@course_option
def calibrate(seeds: int, jobs: int, checks: tuple[str, ...], out: Path | None, course: Course) -> None:
    """Find the thresholds of the checks that train student code, from right and wrong submissions."""
    expect_linux("calibrate")
    import msgspec  # noqa: PLC0415

    from graders.audit.calibration import calibrate as measured  # noqa: PLC0415 - it loads what the course trains
    from graders.audit.calibration import calibration_table, experiments_of  # noqa: PLC0415
    from graders.authoring.thresholds import Thresholds  # noqa: PLC0415

    if not course.audit.experiments:
        raise click.UsageError(f"{course.title} has no checks with thresholds: its course.toml names no experiments.")
    experiments = experiments_of(course)
    chosen = [one for one in experiments if not checks or one.check in checks]
    if unknown := sorted(set(checks) - {one.check for one in chosen}):
        known = ", ".join(one.check for one in experiments)
        raise click.UsageError(f"--check {unknown[0]}: no experiment is about this check; those are about {known}.")
    stored = course.path(course.audit.thresholds)
    rows = dict(Thresholds(stored).rows) if checks and stored.exists() else {}
    console = Console()
    with console.status("") as status:
        new = measured(course, chosen, seeds, jobs, lambda ended, total: status.update(f"{ended} of {total} runs"))
    console.print(calibration_table(new))
    rows |= {row.check: row for row in new}
    out = out or stored
    out.write_bytes(
        msgspec.json.format(
            msgspec.json.encode([rows[one.check] for one in experiments if one.check in rows]), indent=1
        )
        + b"\n"
    )
    console.print(f"Written to {out}.", soft_wrap=True, markup=False)
