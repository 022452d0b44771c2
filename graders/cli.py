"""The `graders` command, for instructors and CI."""

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

from graders.outcomes import HarnessFault

if TYPE_CHECKING:
    from graders.grading.run import Graded, Task
    from graders.results.record import Result
    from graders.sandbox.client import WarmServer

EXIT_BAD_INPUT = 2
EXIT_HARNESS_FAULT = 3
EXIT_INTERRUPTED = 130
LAST_STEP = 10


def main() -> None:
    """Run the command line; faults end it with one sentence on stderr, or with their traceback under `--debug`."""
    debug = "--debug" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    try:
        sys.exit(graders(prog_name="graders", standalone_mode=False))
    except click.ClickException as misuse:
        misuse.show()
        sys.exit(misuse.exit_code)
    except click.Abort:
        click.echo("graders: interrupted.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except HarnessFault as fault:
        if debug:
            raise
        click.echo(f"graders: {fault}", err=True)
        sys.exit(EXIT_HARNESS_FAULT)
    except Exception as error:
        if debug:
            raise
        click.echo(f"graders: internal error, {type(error).__name__}: {error}; --debug shows where.", err=True)
        sys.exit(EXIT_HARNESS_FAULT)


@click.group(
    epilog="Exit codes: 0 done, 2 wrong usage or input, 3 harness fault, 130 interrupted. --debug shows tracebacks."
)
def graders() -> None:
    """Grade coursework: student code runs confined, in a process other than the one that judges it."""


@graders.command()
@click.argument("submissions", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for NAME/result.json and summary.csv.",
)
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Submissions graded at a time.")
@click.option(
    "--step",
    "steps",
    multiple=True,
    type=click.IntRange(1, LAST_STEP),
    help="Grade this step only; may be repeated.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    help="Seed of all random inputs  [default: drawn from each submission's content].",
)
@click.option("--time-limit", type=click.FloatRange(min=1), default=900, show_default=True,
              help="Seconds that a submission has for all checks together.")  # fmt: skip
@click.option("--require", type=click.Choice(["full", "partial", "none"]), default="full", show_default=True,
              help="Least isolation under which to grade.")  # fmt: skip
def run(
    submissions: tuple[Path, ...],
    out: Path | None,
    jobs: int,
    steps: tuple[int, ...],
    seed: int | None,
    time_limit: float,
    require: str,
) -> None:
    """Grade SUBMISSIONS: folders, zips, tarballs or notebooks.

    A submission that is unchanged since an earlier run into the same --out folder is not graded again.
    """
    from graders.grading.run import Task, names_of, warm_up  # noqa: PLC0415 - `graders --help` need not load what grading needs
    from graders.judging.rubric import load_rubric  # noqa: PLC0415
    from graders.sandbox.client import WarmServer  # noqa: PLC0415

    if out:
        _make_folder(out)
        _check_results(out, names_of(submissions), set(steps or range(1, LAST_STEP + 1)))
    signal.signal(signal.SIGTERM, _interrupt)  # so that folders are removed and processes ended as after Ctrl-C
    with WarmServer(min(jobs, len(submissions))) as server:
        rubric = load_rubric(frozenset(steps))
        if not rubric:
            raise click.UsageError(f"No checks exist for step {', '.join(map(str, steps))}.")
        warm_up()
        server.wait_until_warm()
        sys.exit(_grade(submissions, Task(rubric, seed, out, require, time_limit), server))


def _grade(submissions: Sequence[Path], task: Task, server: WarmServer) -> int:
    from graders.feedback.terminal import ProgressLines, printable  # noqa: PLC0415
    from graders.grading.run import Finished, Graded, grade_all, names_of  # noqa: PLC0415
    from graders.results.record import all_results, write_summary  # noqa: PLC0415

    console = Console()
    graded: dict[str, Graded] = {}
    faults: list[str] = []
    interrupted = False
    with ProgressLines(console, len(task.rubric)) as lines:
        try:
            for event in grade_all(submissions, task, server):
                lines.show(event)
                if isinstance(event, Finished) and isinstance(event.outcome, Graded):
                    graded[event.name] = event.outcome
                elif isinstance(event, Finished):
                    faults.append(f"{event.name}: {event.outcome}")
        except KeyboardInterrupt:
            interrupted = True
    _show(console, [graded[name] for name in names_of(submissions) if name in graded])
    where = "Results were not kept; --out DIR keeps them."
    if task.out:
        write_summary(all_results(task.out), task.out / "summary.csv")
        where = f"Results are in {task.out}: summary.csv, and NAME/result.json for each submission."
    console.print(where, soft_wrap=True, markup=False)
    if interrupted:
        click.echo("graders: interrupted; run the same command again to grade the rest.", err=True)
        return EXIT_INTERRUPTED
    faults += [f"{name}: a check ended in harness_fault" for name, one in graded.items() if _has_fault(one.result)]
    for text in faults:
        click.echo(f"graders: harness fault, nothing is charged to the student: {printable(text)}", err=True)
    unread = [one.problem for one in graded.values() if one.problem]
    for text in unread:
        click.echo(f"graders: {printable(text)}", err=True)
    return EXIT_HARNESS_FAULT if faults else EXIT_BAD_INPUT if unread else 0


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
    from graders.results.record import read_result  # noqa: PLC0415

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


@graders.command()
def doctor() -> None:
    """Say what this machine can isolate, and what is missing for full isolation."""
    from graders.commands.doctor import examine  # noqa: PLC0415

    sys.exit(examine(Console()))


@graders.command()
@click.option("--seeds", type=click.IntRange(2), default=30, show_default=True, help="Runs of each submission.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Runs at a time.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path),
              help="File to write  [default: the one that checks read].")  # fmt: skip
def calibrate(seeds: int, jobs: int, out: Path | None) -> None:
    """Find the thresholds of the checks that train student code, from right and wrong submissions."""
    import msgspec  # noqa: PLC0415

    from graders.audit.calibration import calibrate as measure_all  # noqa: PLC0415 - it loads PyTorch
    from graders.audit.calibration import calibration_table  # noqa: PLC0415
    from graders.checks.thresholds import THRESHOLDS  # noqa: PLC0415

    console = Console()
    with console.status("") as status:
        rows = measure_all(seeds, jobs, lambda ended, total: status.update(f"{ended} of {total} runs"))
    console.print(calibration_table(rows))
    (out or THRESHOLDS.file).write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")
    console.print(f"Written to {out or THRESHOLDS.file}.", soft_wrap=True, markup=False)


@graders.command()
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Also write the figures to this JSON file."
)
def bench(out: Path | None) -> None:
    """Measure this machine's figures beside their bounds; exits 1 if one does not hold."""
    from graders.bench.engine import measure  # noqa: PLC0415

    sys.exit(measure(Console(), out))
