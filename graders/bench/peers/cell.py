"""What a notebook's cell calls to try a check, in its kernel: the check's own function, without pytest and judge."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np

from graders.course import load_course
from graders.judging.local import LocalSubject
from graders.judging.rubric import Check, load_rubric

SEED = 420


def try_check(course_folder: str, check_id: str) -> None:
    """Run a check on the package in the current folder, once for each set of its parameters.

    Raises:
        Exception: what the check raises, if it does not pass.
    """
    subject = _subject(course_folder)
    check, function = _checks(course_folder, subject.course.step_of_check(check_id).number)[check_id]
    for values in _sets_of_parameters(function):
        subject.begin(check)
        fixtures: dict[str, Callable[[], Any]] = {
            subject.course.package: lambda: subject.package,
            "kit": lambda: subject.kit,
            "double": lambda: lambda double: subject.kit.double(subject.doubles.add(double)),
            "inputs": subject.inputs,
            "rng": lambda: np.random.default_rng([SEED, *check_id.encode()]),
        }
        wanted = inspect.signature(function).parameters.keys() - values.keys()
        function(**{name: fixtures[name]() for name in wanted}, **values)


@functools.cache
def _subject(course_folder: str) -> LocalSubject:
    return LocalSubject(load_course(Path(course_folder)), Path.cwd())


@functools.cache
def _checks(course_folder: str, step: int) -> dict[str, tuple[Check, Callable[..., None]]]:
    """Return the checks of a step with their functions, by ids."""
    course = _subject(course_folder).course
    module = course.load(f"{course.checks}.{course.step(step).module}")
    rows = {row.id: (row, getattr(module, row.node.rpartition("::")[2])) for row in load_rubric(course, [step])}
    for _, function in rows.values():
        if hasattr(function, "hypothesis"):
            hypothesis.seed(SEED)(function)
    return rows


def _sets_of_parameters(function: Callable[..., None]) -> list[dict[str, Any]]:
    """Return the values of each run that `pytest.mark.parametrize` asks for; of one without any, if it does not."""
    choices = []
    for names, rows in (mark.args for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"):
        several = not isinstance(names, str)
        choices.append([dict(zip(names, row, strict=True)) if several else {names: row} for row in rows])
    return [{name: value for one in chosen for name, value in one.items()} for chosen in itertools.product(*choices)]
