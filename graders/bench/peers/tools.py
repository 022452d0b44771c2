"""The graders that are compared: each is given the assignment in its own form, and grades by its own command."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from graders.bench.peers.assignment import IMPORT, POINTS, Assignment, call_of, name_of, write_notebook
from graders.course import PROJECT, Course
from graders.outcomes import HarnessFault
from graders.results.files import each_result

ASSIGNMENT = "lab"
OTTER_TEST = """
from otter.test_files import test_case

OK_FORMAT = False
name = {name!r}
points = {points}

@test_case()
def test_check(env):
    {import_}
    {call}
"""


class Tool(Protocol):
    """A grader, made ready for an assignment in a folder of its own."""

    name: str

    def grade(self, submissions: Sequence[Path]) -> None:
        """Grade submissions by the tool's own command, and keep the results; those of an earlier run are forgotten."""
        ...

    def points(self) -> dict[str, float]:
        """Return the points of each submission that was graded, by its name."""
        ...


class Ours:
    """`graders run`, with some jobs."""

    def __init__(self, assignment: Assignment, folder: Path, jobs: int = 1) -> None:
        self.name = "graders" if jobs == 1 else f"graders, {jobs} jobs"
        self._assignment = assignment
        self._out = folder / "grades"
        self._jobs = jobs

    def grade(self, submissions: Sequence[Path]) -> None:
        """Grade submissions, from cold."""
        shutil.rmtree(self._out, ignore_errors=True)
        course = self._assignment.course
        steps = [option for step in self._assignment.steps for option in ("--step", str(step.number))]
        where = ["--course", str(course.folder), "--out", str(self._out), "--jobs", str(self._jobs)]
        command = [sys.executable, "-m", "graders", "run", *steps, *where, *map(str, submissions)]
        _run(command, PROJECT, course)

    def points(self) -> dict[str, float]:
        """Return the points by names."""
        return {result.submission: result.score for result in each_result(self._out)}


class Nbgrader:
    """`nbgrader autograde`, which grades a class one after the other, each in a kernel of its own."""

    name = "nbgrader"

    def __init__(self, assignment: Assignment, folder: Path) -> None:
        self._course = assignment.course
        self._folder = folder / "nbgrader"
        notebook = f"{ASSIGNMENT}/{ASSIGNMENT}.ipynb"
        for place, submission in [
            (self._folder / "source" / notebook, assignment.submissions[0]),
            *((self._folder / "submitted" / path.name / notebook, path) for path in assignment.submissions),
        ]:
            write_notebook(assignment, submission, place, with_checks=True)
        (self._folder / "nbgrader_config.py").write_text("get_config().CourseDirectory.course_id = 'course'\n", "utf-8")
        self._call("generate_assignment", ASSIGNMENT)
        self._empty = (self._folder / "gradebook.db").read_bytes()

    def grade(self, submissions: Sequence[Path]) -> None:
        """Grade all submissions that it was given, or a single one."""
        shutil.rmtree(self._folder / "autograded", ignore_errors=True)
        (self._folder / "gradebook.db").write_bytes(self._empty)
        self._call("autograde", ASSIGNMENT, *([f"--student={submissions[0].name}"] if len(submissions) == 1 else []))

    def points(self) -> dict[str, float]:
        """Return the points by names."""
        self._call("export")
        with (self._folder / "grades.csv").open(encoding="utf-8", newline="") as file:
            return {row["student_id"]: float(row["score"]) / POINTS for row in csv.DictReader(file)}

    def _call(self, *arguments: str) -> None:
        _run([sys.executable, "-m", "nbgrader", *arguments], self._folder, self._course)


class Otter:
    """`otter run`, once for each submission, as Gradescope does; `otter grade` does it in containers."""

    name = "otter"

    def __init__(self, assignment: Assignment, folder: Path) -> None:
        self._course = assignment.course
        self._folder = folder / "otter"
        for row in assignment.rubric:
            test = self._folder / "tests" / f"{name_of(row)}.py"
            test.parent.mkdir(parents=True, exist_ok=True)
            call = call_of(assignment, row)
            text = OTTER_TEST.format(name=name_of(row), points=row.max_points, import_=IMPORT, call=call)
            test.write_text(text, encoding="utf-8")
        for path in assignment.submissions:
            write_notebook(assignment, path, self._folder / f"{path.name}.ipynb", with_checks=False)
        self._call("generate", "-t", "tests", "-o", "autograder.zip", "--no-requirements", "--no-environment")

    def grade(self, submissions: Sequence[Path]) -> None:
        """Grade submissions, one after the other."""
        shutil.rmtree(self._folder / "out", ignore_errors=True)
        for path in submissions:
            out = self._folder / "out" / path.name
            out.mkdir(parents=True)
            self._call("run", f"{path.name}.ipynb", "-a", "autograder.zip", "-o", str(out), "--no-logo")

    def points(self) -> dict[str, float]:
        """Return the points by names."""
        files = sorted(self._folder.glob("out/*/results.json"))
        texts = {file.parent.name: json.loads(file.read_text(encoding="utf-8"))["tests"] for file in files}
        return {name: sum(test.get("score", 0.0) for test in tests) for name, tests in texts.items()}

    def _call(self, *arguments: str) -> None:
        _run([sys.executable, "-m", "otter", *arguments], self._folder, self._course)


def _run(command: Sequence[str], folder: Path, course: Course) -> None:
    """Run a command in the environment that the course's libraries want; raises `HarnessFault` with what it said."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # nbgrader calls others by name
    environment = {**os.environ, **course.sandbox.environment, "PATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise HarnessFault(f"{' '.join(command[1:4])} ended with {done.returncode}: {done.stderr[-2000:]}")
