"""What tests of all rooms share: the course of this repository, and how it is judged quietly."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread

from graders.course import load_course
from graders.grading.grade import PYTEST_OPTIONS
from graders.judging.canary import canary_of
from graders.judging.collection import CollectedChecks, collect
from graders.judging.rubric import load_rubric

ROOT = Path(__file__).resolve().parents[1]
COURSE = load_course()
SEED = 420
WORDS = ROOT / "tests" / "courses" / "words"  # the small course
# What the commands run; as code, they are started where nothing is installed too.
LAB, GRADERS = "from graders.student import main; main()", "from graders.cli import main; main()"
# Without the plugins that take longer than most runs here, such as those that collect garbage at the end of one.
QUIETLY = tuple(PYTEST_OPTIONS)


def run_python(code: str, *arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python of its own, which imports this checkout from wherever it is started.

    Args:
        code: the code, such as `LAB`.
        arguments: of its command line.
        cwd: the folder to start it in.
        environment: variables besides those of this process.
    """
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True, text=True, encoding="utf-8", cwd=cwd, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment},
    )  # fmt: skip


def lab(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the students' command in a folder."""
    return run_python(LAB, *arguments, cwd=cwd)


def step_number(name: str) -> int:
    """Return the step of a module or of a check's id: 4 for `step04_dataset` and `step04.labels_are_sorted`."""
    return int(name[4:6])


def copy_of_words(to: Path) -> Path:
    """Copy the small course into a folder that is not there yet, as a student has it; return the folder."""
    return Path(shutil.copytree(WORDS, to, ignore=shutil.ignore_patterns("__pycache__")))


def solve_words(home: Path) -> None:
    """Put the reference of the small course in the place of a student's skeletons."""
    for path in (WORDS / "words_reference").glob("step*.py"):
        shutil.copy(path, home / "words" / path.name)


@contextmanager
def checks_collected() -> Iterator[CollectedChecks]:
    """Have pytest collect all checks of the course, and the canary, once for whatever is judged inside.

    They are valid while the action of `collect` runs, which is in a thread of its own, and waits there.
    """
    there: SimpleQueue[CollectedChecks] = SimpleQueue()
    enough = Event()

    def keep(collected: CollectedChecks) -> None:
        there.put(collected)
        enough.wait()

    checks = [*load_rubric(COURSE), canary_of(COURSE.steps[0].number)]
    thread = Thread(target=collect, args=(COURSE, checks, QUIETLY, keep), daemon=True)
    thread.start()
    try:
        yield there.get()
    finally:
        enough.set()
        thread.join()
