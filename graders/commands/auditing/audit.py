"""`graders audit`: judge the checks, with submissions whose verdicts are known."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from graders.commands.confining import expect_linux
from graders.commands.errors import Command, ExitCode, say
from graders.commands.options import Whole, claim, course_option, expect_steps
from graders.course import Course
from graders.outcomes import HarnessFault

if TYPE_CHECKING:
    from graders.audit.findings import Findings
    from graders.audit.specimens import Kind

PAGE, FINDINGS = "audit.html", "audit.json"


@click.command(cls=Command)
@click.option("--quick", is_flag=True, help="Take a hundred of the mutants, drawn by what the course holds.")
@click.option("--step", "steps", multiple=True, type=Whole(min=1),
              help="Audit the checks of this step only; may be repeated.")  # fmt: skip
@click.option("--only", "kinds", multiple=True, type=click.Choice(["right", "mistake", "mutant"]),
              help="Judge submissions of this kind only; may be repeated.")  # fmt: skip
@click.option("--jobs", type=Whole(1, 64), default=1, show_default=True, help="Submissions graded at a time.")
@click.option("--seeds", type=Whole(0), default=0, show_default=True,
              help="Judge right submissions with so many seeds more.")  # fmt: skip
@click.option("--regrades", type=Whole(0), default=0, show_default=True,
              help="Judge so many submissions twice.")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("audit"), show_default=True,
              help=f"Folder for {PAGE}, {FINDINGS} and the results of what was judged.")  # fmt: skip
@course_option
def audit(
    quick: bool,
    steps: tuple[int, ...],
    kinds: tuple[Kind, ...],
    jobs: int,
    seeds: int,
    regrades: int,
    out: Path,
    course: Course,
) -> None:
    """Judge the checks: right submissions must keep their points, and mistakes and mutants must fail.

    What was judged before with the same checks stands. Exits with 1 if the checks do not hold.
    """
    expect_linux("audit")
    expect_steps(course, *steps)
    try:
        import graders.audit.mutants  # noqa: F401, PLC0415 - an extra, and slow to load
    except ImportError as error:
        raise HarnessFault(
            f"graders audit needs {error.name}, which comes with this package's extra: pip install '.[audit]'."
        ) from error
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"--out {out}: the folder cannot be made ({error.strerror}).") from error
    claim(f"--out {out}", out)

    from graders.audit.findings import write_findings  # noqa: PLC0415
    from graders.audit.page import write_page  # noqa: PLC0415
    from graders.audit.whole import Audit  # noqa: PLC0415

    console = Console()
    plan = Audit(
        course,
        out,
        steps or tuple(step.number for step in course.steps),
        kinds,
        quick=quick,
        seeds=seeds,
        regrades=regrades,
    )
    with Live(console=console, auto_refresh=False, transient=True) as live:  # a thread would be forked with judges
        found = plan.run(jobs, lambda text: live.update(Text(text, style="dim"), refresh=console.is_terminal))
    write_findings(found, out / FINDINGS)
    write_page(found, out / PAGE)
    sys.exit(_tell(found, console, out))


def _tell(found: Findings, console: Console, out: Path) -> ExitCode:
    total = found.total
    lines = [
        f"Right submissions: {len(found.of('right'))} runs, {len(found.losing)} lose points.",
        f"Mistakes: {len(found.of('mistake'))}, {len(found.missed)} are missed.",
        f"Mutants: {total.made}{', drawn' if found.drawn else ''}, {total.equivalent} equivalent, {total.free} right.",
        f"Of {total.wrong} wrong mutants, {total.killed} die: {total.rate:.1%}.",
        f"{sum(one.stands for one in found.verdicts)} of {len(found.verdicts)} stand from an earlier audit.",
        f"All of it is in {out / PAGE}.",
    ]
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    for text in found.failures:
        say("graders", text)
    return ExitCode.CHECK_FAILED if found.failures else ExitCode.DONE
