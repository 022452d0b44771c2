"""The `lab` command, for students: the public checks on their own checkout, in this process."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import click
from rich.console import Console


@click.group(epilog="Exit codes: 0 every check passed, 1 a check failed, 2 wrong usage, 3 harness fault.")
def main() -> None:
    """Work on the lab: fill in lab/stepNN_*.py, and check what you have."""


@main.command()
@click.argument("steps", nargs=-1)
@click.option("--pdb", is_flag=True, help="Open the debugger where a check fails.")
@click.option("--root", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", show_default="here",
              help="The folder that holds lab/.")  # fmt: skip
def check(steps: tuple[str, ...], pdb: bool, root: Path) -> None:
    """Run the public checks of each STEP (1, step04 or step04_dataset), or of all steps."""
    numbers = frozenset(_step(text) for text in steps)
    if not (root / "lab").is_dir():
        raise click.UsageError(
            f"There is no lab folder in {root.resolve()}; change to your checkout, or name it with --root."
        )
    # As in grading: for networks of this size more threads are slower, by far if the machine has other work to do.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("MPLBACKEND", "agg")
    from graders.feedback.terminal import answered_lines, check_lines, number, printable  # noqa: PLC0415
    from graders.intake.submission import read_answers  # noqa: PLC0415
    from graders.judging.judge import Interrupted, judge  # noqa: PLC0415
    from graders.judging.local import LocalSubject  # noqa: PLC0415 - `lab --help` need not load what checking needs
    from graders.judging.rubric import load_rubric  # noqa: PLC0415
    from graders.outcomes import Outcome  # noqa: PLC0415
    from graders.results.record import score, set_out  # noqa: PLC0415

    rubric = [row for row in load_rubric(numbers) if row.info.visibility == "public"]
    if not rubric:
        raise click.UsageError(f"No checks exist for step {', '.join(map(str, sorted(numbers)))}.")
    extra = ["--pdb", "--tb=short"] if pdb else ["-p", "no:terminal", "--capture=no"]
    with LocalSubject(root) as subject:
        try:
            verdicts = judge(rubric, subject, seed=0, extra=extra)
        except Interrupted as interrupt:
            ended = [row for row in rubric if row.id in interrupt.verdicts]
            Console().print(check_lines(score(ended, interrupt.verdicts)), soft_wrap=True)
            line = subject.line_of(interrupt.__cause__ or interrupt)
            where = f" at {line}" if line else ""
            click.echo(f"lab: interrupted{where}, after {len(ended)} of {len(rubric)} checks.", err=True)
            sys.exit(1)
        results = score(rubric, verdicts)
    console = Console()
    console.print(check_lines(results), soft_wrap=True)
    answers, notes = read_answers(root / "lab")
    if written := answered_lines(set_out(rubric, answers)):
        console.print("", *written, *map(printable, notes), sep="\n", soft_wrap=True, markup=False, highlight=False)
    total, maximum = (number(sum(getattr(one, name) for one in results)) for name in ("points", "max_points"))
    console.print(f"\n{total} of {maximum} points of the public checks.", style="bold")
    outcomes = {one.outcome for one in results}
    sys.exit(3 if Outcome.HARNESS_FAULT in outcomes else 0 if outcomes == {Outcome.PASSED} else 1)


def _step(text: str) -> int:
    match = re.fullmatch(r"(?:step)?0*(\d{1,2})(?:_\w+)?(?:\.py)?", Path(text).name)
    if not match or not 1 <= int(match[1]) <= 10:  # noqa: PLR2004 - the course has ten steps
        raise click.UsageError(f"{text!r} is no step; name one as 4, step04 or step04_dataset.")
    return int(match[1])
