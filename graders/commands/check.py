"""`lab check`: the public checks on a student's own checkout, in a process of their own."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from functools import partial
from pathlib import Path

import click

from graders.commands.errors import Command, Settings, exit_code_of, say, words_for
from graders.commands.home.place import home_course_option, root_of, root_option
from graders.commands.home.steps import steps_named
from graders.commands.home.supervised import Done, Notes, Supervision, notes_of_this_process
from graders.commands.home.watching import starter, watch
from graders.commands.options import lang_option, without_collecting
from graders.course import Course

NOTEBOOK = ".ipynb"


@click.command(cls=Command)
@click.argument("what", metavar="[STEP | NOTEBOOK]...", nargs=-1)
@click.option("--first", is_flag=True, help="Stop at the first check that does not pass.")
@click.option("--watch", "again", is_flag=True, help="Check again after each save, until Ctrl-C.")
@click.option("--hints", count=True, help="Say where to look where a check fails; given twice, say what to do.")
@click.option("--pdb", is_flag=True, help="Open the debugger in your code where a check fails.")
@click.option("--replay", is_flag=True, help="Print lines that make the call again where a check fails.")
@click.option("--results", hidden=True, type=click.Path(dir_okay=False, path_type=Path))  # for check() in a notebook
@root_option
@home_course_option
@lang_option
def check(
    what: tuple[str, ...],
    first: bool,
    again: bool,
    hints: int,
    pdb: bool,
    replay: bool,
    results: Path | None,
    root: Path | None,
    course: Course,
    language: str,
) -> None:
    """Run the public checks of each STEP, such as 4 or 1-3 or its module, or of all steps.

    With a NOTEBOOK, its code is checked instead of the modules that you fill in.
    """
    words = words_for(language, course)
    notebooks = [Path(text) for text in what if text.lower().endswith(NOTEBOOK)]
    numbers = {number for text in what if not text.lower().endswith(NOTEBOOK) for number in steps_named(text, course)}
    if len(notebooks) > 1:
        raise click.UsageError(f"{len(notebooks)} notebooks are named; check one at a time.")
    if notebooks and not notebooks[0].is_file():
        raise click.UsageError(f"There is no {notebooks[0]} here.")
    home = notebooks[0] if notebooks else root_of(course, root)
    # As in grading: for networks of a course's size more threads are slower, by far if the machine has other work.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name, value in course.sandbox.environment.items():
        os.environ.setdefault(name, value)

    def check_once(notes: Notes | None) -> int:
        with without_collecting():
            from graders.commands.home.checking import Checking, Wanted  # noqa: PLC0415 - `--help` need not load all that
            from graders.commands.home.work import work_of  # noqa: PLC0415

        with work_of(home, course) as work:
            with without_collecting():
                checking = Checking(course, numbers, work, notes, Wanted(pdb, first, hints, results, replay), words)
            return checking.run()

    def check_apart(notes: Notes) -> int:
        code = exit_code_of(lambda: check_once(notes), "lab", settings)
        notes.write(Done(code))
        return code

    def tell(text: str) -> None:
        say("lab", words.text(text))

    notes = notes_of_this_process()
    settings = click.get_current_context().find_object(Settings) or Settings()
    if notes is not None or not settings.restartable:
        sys.exit(check_once(notes))
    if again:
        place = home if notebooks else home / course.package
        sys.exit(watch(place, partial(_prepare, course, numbers), check_apart, tell))
    sys.exit(Supervision(tell, start=starter(check_apart)).run())


def _prepare(course: Course, numbers: Collection[int]) -> None:
    """Load and do once what checks of some steps need, and nothing that the student wrote."""
    import graders.commands.home.work  # noqa: F401, PLC0415
    from graders.commands.home.checking import PYTEST_OPTIONS  # noqa: PLC0415
    from graders.judging.collection import CollectedChecks, collect  # noqa: PLC0415
    from graders.judging.rubric import load_rubric  # noqa: PLC0415

    with without_collecting():
        rubric = load_rubric(course, numbers)
        for name in course.loads_for(numbers).server:
            course.load(name)
        collect(course, rubric, PYTEST_OPTIONS, CollectedChecks.draw_once)
        if course.sandbox.adaptations:
            getattr(course.load(course.sandbox.adaptations), "make_ready_at_home", lambda: None)()
