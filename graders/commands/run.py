"""`graders run`: grade submissions."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from graders.commands.errors import Command, ExitCode, say
from graders.commands.options import course_option
from graders.course import Course

if TYPE_CHECKING:
    from graders.grading.task import Graded, Task
    from graders.results.schema import Result
    from graders.sandbox.client import WarmServer

SEEDS = 2**128


@click.command(cls=Command)
@click.argument("submissions", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for NAME/result.json and summary.csv.",
)
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Submissions graded at a time.")
@click.option(
    "--step", "steps", multiple=True, type=click.IntRange(min=1), help="Grade this step only; may be repeated."
)
@click.option(
    "--seed",
    type=click.IntRange(0, SEEDS - 1),
    help="Seed of all random inputs  [default: drawn from each submission's content].",
)
@click.option("--time-limit", type=click.FloatRange(min=1), default=900, show_default=True,
              help="Seconds that a submission has for all checks together.")  # fmt: skip
@click.option("--require", type=click.Choice(["full", "partial", "none"]), default="full", show_default=True,
              help="Least isolation under which to grade.")  # fmt: skip
@course_option
def run(
    submissions: tuple[Path, ...],
    out: Path | None,
    jobs: int,
    steps: tuple[int, ...],
    seed: int | None,
    time_limit: float,
    require: str,
    course: Course,
) -> None:
    """Grade SUBMISSIONS: folders, zips, tarballs or notebooks.

    A submission that is unchanged since an earlier run into the same --out folder is not graded again.
    """
    from graders.grading.jobs import warm_up  # noqa: PLC0415 - `graders --help` need not load what grading needs
    from graders.grading.names import names_of  # noqa: PLC0415
    from graders.grading.task import Task  # noqa: PLC0415
    from graders.judging.rubric import load_rubric  # noqa: PLC0415
    from graders.results.schema import Level  # noqa: PLC0415
    from graders.sandbox.client import WarmServer  # noqa: PLC0415

    known = {step.number for step in course.steps}
    if unknown := sorted(set(steps) - known):
        raise click.UsageError(
            f"--step {unknown[0]}: this course has no such step; it has {', '.join(map(str, sorted(known)))}."
        )
    if out:
        _make_folder(out)
        _check_results(out, names_of(submissions), set(steps or known))
    signal.signal(signal.SIGTERM, _interrupt)  # so that folders are removed and processes ended as after Ctrl-C
    _ = course.held_out_files  # seeds are drawn from them: what is missing is told before anything starts
    with WarmServer(course, min(jobs, len(submissions))) as server:
        rubric = load_rubric(course, steps)
        warm_up(course)
        server.wait_until_warm()
        sys.exit(_grade(submissions, Task(course, rubric, seed, out, Level(require), time_limit), server))


def _grade(submissions: Sequence[Path], task: Task, server: WarmServer) -> int:
    from graders.feedback.terminal import ProgressLines  # noqa: PLC0415
    from graders.grading.jobs import grade_all  # noqa: PLC0415
    from graders.grading.names import names_of  # noqa: PLC0415
    from graders.grading.task import Failed, Finished, Graded  # noqa: PLC0415
    from graders.judging.rubric import counted  # noqa: PLC0415
    from graders.results.files import all_results, write_summary  # noqa: PLC0415

    console = Console()
    graded: dict[str, Graded] = {}
    faults: list[str] = []
    interrupted = False
    with ProgressLines(console, len(counted(task.rubric))) as lines:
        try:
            for event in grade_all(submissions, task, server):
                lines.show(event)
                match event:
                    case Finished(name, Graded() as outcome):
                        graded[name] = outcome
                    case Finished(name, Failed(reason)):
                        faults.append(f"{name}: {reason}")
        except KeyboardInterrupt:
            interrupted = True
    _show(console, [graded[name] for name in names_of(submissions) if name in graded])
    where = "Results were not kept; --out DIR keeps them."
    if task.out:
        write_summary(all_results(task.out), task.out)
        where = f"Results are in {task.out}: summary.csv, and NAME/result.json for each submission."
    console.print(where, soft_wrap=True, markup=False)
    if interrupted:
        say("graders", "interrupted; run the same command again to grade the rest.")
        return ExitCode.INTERRUPTED
    faults += [f"{name}: a check ended in harness_fault" for name, one in graded.items() if _has_fault(one.result)]
    for text in faults:
        say("graders", f"harness fault, nothing is charged to the student: {text}")
    unread = [one.problem for one in graded.values() if one.problem]
    for text in unread:
        say("graders", text)
    return ExitCode.HARNESS_FAULT if faults else ExitCode.BAD_INPUT if unread else ExitCode.DONE


def _show(console: Console, graded: Sequence[Graded]) -> None:
    from graders.feedback.terminal import check_lines, isolation_line, summary_table, written_line  # noqa: PLC0415

    results = [one.result for one in graded]
    if len(graded) == 1 and not graded[0].problem:
        console.print(check_lines(results[0].checks), soft_wrap=True)
    if results:
        console.print(summary_table(results, console.width))
        if line := written_line(results):
            console.print(line, soft_wrap=True, markup=False, highlight=False)
        console.print(isolation_line(results), soft_wrap=True, markup=False)


def _has_fault(result: Result) -> bool:
    return any(check.outcome == "harness_fault" for check in result.checks)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"--out {folder}: the folder cannot be made ({error.strerror}).") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise click.UsageError(f"--out {folder}: this user may not write there; name another folder.")


def _check_results(folder: Path, names: Sequence[str], steps: AbstractSet[int]) -> None:
    """See that results can be written, and none is lost: a run of some steps would take the place of one of all."""
    from graders.results.files import read_result  # noqa: PLC0415

    if (folder / "summary.csv").is_dir():
        raise click.UsageError(f"--out {folder}: summary.csv in it is a folder; name another folder.")
    for name in names:
        if (folder / name).exists() and not (folder / name).is_dir():
            raise click.UsageError(f"--out {folder}: {name} in it is a file, where a folder has to be; name another.")
        earlier = read_result(folder / name)
        lost = sorted({check.step for check in earlier.checks} - steps) if earlier else []
        if lost:
            raise click.UsageError(
                f"--out {folder}: {name}/result.json holds step {', '.join(map(str, lost))} too, which would be lost; "
                "name another folder."
            )


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
