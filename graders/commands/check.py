"""`lab check`: the public checks on a student's own checkout, in this process."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from graders.commands.errors import Command, ExitCode, say
from graders.commands.options import course_option
from graders.course import Course

if TYPE_CHECKING:
    from graders.judging.local import LocalSubject
    from graders.judging.rubric import Check
    from graders.outcomes import Verdict
    from graders.results.schema import CheckResult


@click.command(cls=Command)
@click.argument("steps", nargs=-1)
@click.option("--pdb", is_flag=True, help="Open the debugger where a check fails.")
@click.option("--root", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", show_default="here",
              help="The folder that holds what you write.")  # fmt: skip
@course_option
def check(steps: tuple[str, ...], pdb: bool, root: Path, course: Course) -> None:
    """Run the public checks of each STEP, by its number or its module's name, or of all steps."""
    numbers = {_step(text, course) for text in steps}
    if not (root / course.package).is_dir():
        raise click.UsageError(
            f"There is no {course.package} folder in {root.resolve()}; change to your checkout, or name it with --root."
        )
    # As in grading: for networks of a course's size more threads are slower, by far if the machine has other work.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name, value in course.sandbox.environment.items():
        os.environ.setdefault(name, value)
    from graders.judging.local import LocalSubject  # noqa: PLC0415 - `lab --help` need not load what checking needs
    from graders.judging.rubric import load_rubric  # noqa: PLC0415
    from graders.results.scoring import score  # noqa: PLC0415

    rubric = [row for row in load_rubric(course, numbers) if row.info.visibility == "public"]
    with LocalSubject(course, root) as subject:
        results = score(rubric, _verdicts(course, rubric, subject, pdb=pdb))
    _show(course, rubric, results, root)
    outcomes = {one.outcome for one in results if not one.dropped}
    if "harness_fault" in outcomes:
        sys.exit(ExitCode.HARNESS_FAULT)
    sys.exit(ExitCode.DONE if outcomes <= {"passed"} else ExitCode.CHECK_FAILED)


def _verdicts(course: Course, rubric: Sequence[Check], subject: LocalSubject, *, pdb: bool) -> Mapping[str, Verdict]:
    """Run the checks; an interrupt ends the command, with what was found so far."""
    from graders.feedback.terminal import check_lines  # noqa: PLC0415
    from graders.judging.judge import Interrupted, judge  # noqa: PLC0415
    from graders.results.scoring import score  # noqa: PLC0415

    extra = ["--pdb", "--tb=short"] if pdb else ["-p", "no:terminal", "--capture=no"]
    try:
        return judge(course, rubric, subject, seed=0, extra=extra)
    except Interrupted as interrupt:
        ended = [row for row in rubric if row.id in interrupt.verdicts]
        Console().print(check_lines(score(ended, interrupt.verdicts)), soft_wrap=True)
        line = subject.line_of(interrupt.__cause__ or interrupt)
        where = f" at {line}" if line else ""
        say("lab", f"interrupted{where}, after {len(ended)} of {len(rubric)} checks.")
        sys.exit(ExitCode.INTERRUPTED)


def _show(course: Course, rubric: Sequence[Check], results: Sequence[CheckResult], root: Path) -> None:
    from graders.feedback.terminal import answered_lines, check_lines, number  # noqa: PLC0415
    from graders.intake.submission import read_answers  # noqa: PLC0415
    from graders.results.scoring import max_points, points, written_answers  # noqa: PLC0415
    from graders.text import printable  # noqa: PLC0415

    console = Console()
    console.print(check_lines(results), soft_wrap=True)
    answers, notes = read_answers(root / course.package, course)
    lines: Iterable[str] = answered_lines(written_answers(course, rubric, answers), course.package)
    if lines:
        console.print("", *lines, *map(printable, notes), sep="\n", soft_wrap=True, markup=False, highlight=False)
    reached, most = number(points(results)), number(max_points(results))
    console.print(f"\n{reached} of {most} points of the public checks.", style="bold")


def _step(text: str, course: Course) -> int:
    """Return the number of a step that has checks, from a number, a label, or the name of its module or file."""
    match = re.fullmatch(r"(?:step)?0*(\d{1,2})(_\w+)?(?:\.py)?", Path(text).name)
    example = course.steps[-1]
    if not match:
        raise click.UsageError(
            f"{text!r} is no step; name one as {example.number}, {example.label} or {example.module}."
        )
    step = next((step for step in course.steps if step.number == int(match[1])), None)
    if step is None:
        numbers = ", ".join(str(step.number) for step in course.steps)
        raise click.UsageError(f"{text!r} is no step of this course; it has steps {numbers}.")
    if match[2] and step.module != f"{step.label}{match[2]}":
        raise click.UsageError(f"{text!r} is no module of this course; step {step.number} is {step.module}.")
    return step.number
