"""`graders release`: what students are given."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from graders.commands.auditing.audit import FINDINGS
from graders.commands.errors import Command, ExitCode, say
from graders.commands.options import course_option
from graders.course import Course
from graders.outcomes import HarnessFault
from graders.words.choice import chosen_words
from graders.words.spoken import ENGLISH


@click.command(cls=Command)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the zip.")
@click.option("--check", is_flag=True, help="Write nothing; only see whether it could be handed out.")
@click.option("--lang", "language", metavar="LANGUAGE", default=ENGLISH, show_default=True,
              help="The language of the skeletons' first lines and of the questions, by its code.")  # fmt: skip
@click.option("--audit", type=click.Path(file_okay=False, path_type=Path),
              help="Refuse unless what graders audit wrote there says that the checks hold now.")  # fmt: skip
@course_option
def release(out: Path | None, check: bool, language: str, audit: Path | None, course: Course) -> None:
    """Make the starter kit of a course: skeletons, public checks and data, answers to fill in, the harness, a README.

    It is refused, with exit code 1, if a skeleton is stale or does not import, an exercise has no example or no check,
    lines of the reference stand anywhere in it, or the audit that is named does not hold. It speaks all languages of
    the course, and has a README in each.
    """
    if (out is None) != check:
        raise click.UsageError("give either --out DIR, or --check.")
    try:
        from graders.release.kit import kit_of  # noqa: PLC0415 - an extra
        from graders.release.problems import problems_of  # noqa: PLC0415
    except ImportError as error:
        raise HarnessFault(
            f"graders release needs {error.name}, which comes with this package's extra: pip install '.[release]'."
        ) from error
    if not course.reference_folder.is_dir():
        raise click.UsageError(
            f"There is no reference in {course.root}: {course.reference} is what the kit is compared with."
        )
    kit = kit_of(course, chosen_words(language, {}, course.words_folder))
    for name in kit.left_out:
        say("graders", f"{name} is no skeleton, and none imports it: it is not in the kit.")
    problems = problems_of(kit, course)
    if audit:
        from graders.audit.findings import objections  # noqa: PLC0415 - slow to load

        problems += objections(audit / FINDINGS, course)
    if problems:
        for problem in problems:
            say("graders", problem)
        say("graders", f"Nothing is handed out: {len(problems)} to mend.")
        sys.exit(ExitCode.CHECK_FAILED)
    if out is None:
        return
    packed = kit.pack()
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{kit.name}.zip").write_bytes(packed)
    except OSError as error:
        raise click.UsageError(f"--out {out}: cannot be written ({error.strerror}).") from error
    click.echo(f"{out / kit.name}.zip: {len(kit.files)} files, {len(packed) / 1e6:.1f} MB")
