"""`graders run`: grade submissions."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graders.commands.cluster.dask import cluster_at, with_dask
from graders.commands.confining import expect_linux
from graders.commands.errors import Command, ExitCode, say
from graders.commands.options import Number, Whole, claim, course_option, expect_steps, without_collecting
from graders.course import Course
from graders.intake.layouts import LAYOUTS, Layout

if TYPE_CHECKING:
    from graders.grading.task import Backend, Task
    from graders.sandbox.client import WarmServer

SEEDS = 2**128
LONGEST_SECONDS = 7 * 24 * 3600


class _OutFolder(click.Path):
    """A folder whose name is not empty, as that of an unset variable of a script's is: it would be this folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the folder; an empty name is wrong usage."""
        if not str(value).strip():
            self.fail("the name of the folder is empty; `--out .` is this folder.", param, ctx)
        return super().convert(value, param, ctx)


@click.command(cls=Command)
@click.argument("submissions", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out",
    type=_OutFolder(file_okay=False, path_type=Path),
    help="Folder for NAME/result.json and summary.csv.",
)
@click.option("--jobs", type=Whole(1, 64), default=1, show_default=True, help="Submissions graded at a time.")
@click.option("--step", "steps", multiple=True, type=Whole(min=1), help="Grade this step only; may be repeated.")
@click.option(
    "--seed",
    type=Whole(0, SEEDS - 1),
    help="Seed of all random inputs  [default: drawn from each submission's content].",
)
@click.option("--time-limit", type=Number(min=1, max=LONGEST_SECONDS), default=900, show_default=True,
              help="Seconds that a submission has for all checks together.")  # fmt: skip
@click.option("--require", type=click.Choice(["full", "partial", "none"]), default="full", show_default=True,
              help="Least isolation under which to grade.")  # fmt: skip
@click.option("--layout", type=click.Choice(LAYOUTS),
              help="Each SUBMISSION is a class, laid out as this platform does.")  # fmt: skip
@click.option("--roster", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="CSV of the class: id, name, email, group, section, extra_days, known_as.")  # fmt: skip
@click.option("--gradebook", metavar="URL", help="Keep results there too: a file of SQLite, or a database's URL.")
@click.option("--metadata", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Gradescope's submission_metadata.json: whose the submission is, and when it came.")  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", callback=with_dask,
              help="Judge on the nodes of this Dask scheduler, such as tcp://host:8786; see graders node.")  # fmt: skip
@click.option("--fail-under", type=Number(), metavar="POINTS", help="End with 1 if a submission has fewer points.")
@course_option
def run(
    submissions: tuple[Path, ...],
    out: Path | None,
    jobs: int,
    steps: tuple[int, ...],
    seed: int | None,
    time_limit: float,
    require: str,
    layout: Layout | None,
    roster: Path | None,
    gradebook: str | None,
    metadata: Path | None,
    scheduler: str | None,
    fail_under: float | None,
    course: Course,
) -> None:
    """Grade SUBMISSIONS: folders, zips, tarballs or notebooks; with --layout, whole classes as platforms pack them.

    A submission that is unchanged since an earlier run into the same --out folder is not graded again.
    """
    expect_linux("run")
    if scheduler and jobs > 1:
        raise click.UsageError("--jobs is of this machine; with --scheduler, each graders node has its own --jobs.")
    if metadata and (layout or len(submissions) > 1):
        raise click.UsageError("--metadata is of one SUBMISSION; a class has its own, which --layout reads.")
    expect_steps(course, *steps)
    _ = course.held_out_files  # seeds are drawn from them: what is missing is told before anything starts
    if gradebook and not out:
        raise click.UsageError("--gradebook keeps what is in the folder for results; name that one with --out.")
    if out:
        _make_folder(out)
        claim(f"--out {out}", out)
    from graders.commands.classroom.collecting import Keeper, handins_of, metadata_beside  # noqa: PLC0415 - `--help` needs none of it
    from graders.grading.names import names_of  # noqa: PLC0415
    from graders.results.roster import read_roster  # noqa: PLC0415

    metadata = metadata or (None if layout else metadata_beside(submissions))
    of_somebody = layout or roster or gradebook or metadata
    keeper = Keeper(gradebook, read_roster(roster) if roster else None, out)
    handins = handins_of(submissions, layout, keeper, out, course.package, metadata) if of_somebody else {}
    paths = list(handins) or list(submissions)
    if out:
        _check_results(out, names_of(paths, handins), set(steps or (step.number for step in course.steps)), course)
    keeper.expect(handins.values())

    def task() -> Task:
        from graders.grading.task import Task  # noqa: PLC0415
        from graders.judging.rubric import load_rubric  # noqa: PLC0415
        from graders.results.schema import Level  # noqa: PLC0415

        return Task(course, load_rubric(course, steps), seed, out, Level(require), time_limit, handins=handins)

    def grade(backend: Backend, task: Task) -> ExitCode:
        from graders.commands.grading import grade_and_show  # noqa: PLC0415

        return grade_and_show(paths, task, backend, keeper, fail_under)

    if scheduler:
        with cluster_at(scheduler, course, require) as cluster:
            sys.exit(grade(cluster, task()))
    sys.exit(_on_this_machine(course, jobs, len(paths), steps, task, grade))


def _on_this_machine(
    course: Course,
    jobs: int,
    submissions: int,
    steps: Sequence[int],
    task: Callable[[], Task],
    grade: Callable[[Backend, Task], ExitCode],
) -> ExitCode:
    from graders.sandbox.client import WarmServer  # noqa: PLC0415

    with WarmServer(course, min(jobs, submissions), steps) as server:
        # While the server loads what workers share, this process loads what judges share.
        with without_collecting():
            import graders.commands.grading  # noqa: PLC0415, F401
            from graders.grading.grade import with_collected  # noqa: PLC0415
            from graders.grading.jobs import ThisMachine  # noqa: PLC0415

            one = task()
            if sys.stderr.isatty():
                say("graders", f"loading libraries, once; submissions to grade: {submissions}.")
        return with_collected(one, partial(_once_warm, server, partial(grade, ThisMachine(server))))


def _once_warm(server: WarmServer, grade: Callable[[Task], ExitCode], task: Task) -> ExitCode:
    """Load what judges share, wait until the server has loaded what workers share, and grade."""
    from graders.grading.jobs import warm_up  # noqa: PLC0415

    warm_up(task.course, {row.step for row in task.rubric})
    task.prepare()  # while the server loads, and not afterwards
    server.wait_until_warm(_say_what_takes_long)
    return grade(task)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"--out {folder}: the folder cannot be made ({error.strerror}).") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise click.UsageError(f"--out {folder}: this user may not write there; name another folder.")


def _check_results(folder: Path, names: Sequence[str], steps: AbstractSet[int], course: Course) -> None:
    """See that results can be written, and none is lost: a run of some steps would take the place of one of all."""
    from graders.results.files import read_result  # noqa: PLC0415

    if (folder / "summary.csv").is_dir():
        raise click.UsageError(f"--out {folder}: summary.csv in it is a folder; name another folder.")
    for name in names:
        if (folder / name).exists() and not (folder / name).is_dir():
            raise click.UsageError(f"--out {folder}: {name} in it is a file, where a folder has to be; name another.")
        if (folder / name / "result.json").is_dir():
            raise click.UsageError(f"--out {folder}: {name}/result.json in it is a folder; name another folder.")
        earlier = read_result(folder / name)
        if earlier and earlier.course != course.title:
            raise click.UsageError(
                f"--out {folder}: {name}/result.json is of another course, {earlier.course!r}; name another folder."
            )
        lost = sorted({check.step for check in earlier.checks} - steps) if earlier else []
        if lost:
            raise click.UsageError(
                f"--out {folder}: {name}/result.json holds step {', '.join(map(str, lost))} too, which would be lost; "
                "name another folder."
            )


def _say_what_takes_long() -> None:
    say("graders", "still loading; the first time some libraries compile parts of themselves, for up to a minute.")
