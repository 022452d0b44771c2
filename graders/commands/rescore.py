"""`graders rescore`: give stored results the points that the course gives now."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from graders.commands.errors import Command, ExitCode, say
from graders.commands.options import claim, course_option
from graders.course import Course


@click.command(cls=Command)
@click.argument("out", type=click.Path(exists=True, file_okay=False, path_type=Path))
@course_option
def rescore(out: Path, course: Course) -> None:
    """Score the results in OUT again, with the points and dropped checks of today; no student code runs.

    Exits with 2 if a result cannot be scored so, because it lacks a check: that submission has to be graded again.
    """
    from graders.judging.rubric import load_rubric  # noqa: PLC0415
    from graders.results.files import (  # noqa: PLC0415
        each_result,
        read_result,
        unfit_results,
        write_result,
        write_summary,
    )
    from graders.results.scoring import rescore as scored_again  # noqa: PLC0415
    from graders.results.scoring import waiting_for_dropped  # noqa: PLC0415

    claim(str(out), out)
    rubric = load_rubric(course)
    unfit = unfit_results(out)
    left_out = {file.parent for file, _ in unfit}
    kept = [path for path in sorted(out.iterdir()) if path.is_dir() and path not in left_out]
    results = [(path, result) for path in kept if (result := read_result(path))]
    if not results and not unfit:
        raise click.UsageError(f"{out}: there is no result in it; name the folder that `graders run --out` wrote.")
    for file, why in unfit:
        say("graders", f"{file}: {why}; left so, and not in the summary. Grade that submission again.")
    left = len(unfit)
    for folder, result in results:
        if result.submission != folder.name or result.course != course.title:
            left += 1
            say("graders", f"{folder / 'result.json'}: not as it was written for this course; left so. Grade it again.")
            continue
        try:
            again = scored_again(result, rubric)
        except LookupError as error:
            left += 1
            say("graders", f"{result.submission}: left as it was, it lacks {error.args[0]}; grade it again.")
            continue
        write_result(again, folder)
        change = "as before" if again.score == result.score else f"{result.score:g} before"
        click.echo(f"{result.submission}  {again.score:g} of {again.max_score:g}  ({change})")
        if waiting := waiting_for_dropped(again, rubric):
            say("graders", f"{result.submission}: {', '.join(waiting)} waited for a dropped check; grade it again.")
    write_summary(each_result(out), out)
    if left:
        sys.exit(ExitCode.BAD_INPUT)
