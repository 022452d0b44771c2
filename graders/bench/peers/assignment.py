"""The assignment that all graders are given: its submissions, and a notebook of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graders.audit.corpus import Mistake, all_mistakes, stage_reference, stage_variant, variants
from graders.course import Course, Step
from graders.judging.rubric import Check

POINTS = 4  # in a notebook, points are whole
SCHEMA = 3  # of nbgrader's metadata
IMPORT = "from graders.bench.peers.cell import try_check"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


@dataclass(frozen=True)
class Assignment:
    """What is graded.

    Attributes:
        course: the course.
        steps: those of its steps that are graded.
        rubric: their checks.
        submissions: a folder for each, which holds the package.
    """

    course: Course
    steps: Sequence[Step]
    rubric: Sequence[Check]
    submissions: Sequence[Path]


def make_submissions(course: Course, steps: Sequence[Step], count: int, folder: Path) -> list[Path]:
    """Write submissions into a folder: the reference, each variant of the steps, and mistakes of all kinds.

    Args:
        course: whose.
        steps: what is graded.
        count: how many.
        folder: a folder for each is made there, which holds the package.
    """
    numbers = {step.number for step in steps}
    right = list(dict.fromkeys(name for step in steps for name in variants(course, step.number)))
    known = [one for one in all_mistakes(course) if course.step_of_check(one.check).number in numbers]
    wrong = _spread(known, count - 1 - len(right))
    made = [folder / f"s{number:03d}" for number in range(1 + len(right) + len(wrong))]
    stage_reference(course, made[0])
    for path, name in zip(made[1:], right, strict=False):
        stage_variant(course, name, path)
    for path, mistake in zip(made[1 + len(right) :], wrong, strict=True):
        stage_reference(course, path)
        mistake.make_in(path, course)
    return made


def _spread(mistakes: Sequence[Mistake], count: int) -> list[Mistake]:
    """Return so many of the mistakes, from all parts of the list."""
    return [mistakes[number * len(mistakes) // count] for number in range(count)]


def write_notebook(assignment: Assignment, submission: Path, path: Path, with_checks: bool) -> None:
    """Write a submission as a notebook, with nbgrader's metadata: a cell for each module and, if asked, for each check.

    The cell of a module writes its file, so that all graders judge the same modules.
    """
    package = assignment.course.package
    cells = [_cell("set_up", f"import os\nos.makedirs({package!r}, exist_ok=True)", locked=True)]
    for step in assignment.steps:
        file = f"{package}/{step.module}.py"
        source = (submission / file).read_text(encoding="utf-8")
        cells.append(_cell(step.module, f"%%writefile {file}\n{source}", solution=True))
    if with_checks:
        cells.append(_cell("checks", IMPORT, locked=True))
        cells += [
            _cell(name_of(row), call_of(assignment, row), grade=True, locked=True, points=int(POINTS * row.max_points))
            for row in assignment.rubric
        ]
    path.parent.mkdir(parents=True, exist_ok=True)
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    notebook = {"cells": cells, "metadata": {"kernelspec": KERNEL}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook), encoding="utf-8")


def name_of(check: Check) -> str:
    """Return a check's name as a word that all graders take."""
    return check.id.replace(".", "_")


def call_of(assignment: Assignment, check: Check) -> str:
    """Return the line that tries a check, after `IMPORT`."""
    return f"try_check({str(assignment.course.folder)!r}, {check.id!r})"


def _cell(
    name: str, source: str, *, grade: bool = False, solution: bool = False, locked: bool = False, points: int = 0
) -> dict[str, Any]:
    about = {
        "grade": grade,
        "grade_id": name,
        "locked": locked,
        "schema_version": SCHEMA,
        "solution": solution,
        "task": False,
        "cell_type": "code",
        **({"points": points} if grade else {}),
    }
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"nbgrader": about},
        "outputs": [],
        "source": source,
    }
