"""The rubric: every check with its points, read from the check modules before anything runs."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Sequence
from types import ModuleType

import msgspec

from graders.authoring.check import ATTRIBUTE, CheckInfo
from graders.course import BadCourse, Course, Dropped, Step, step_label
from graders.text import text_of


class Check(msgspec.Struct, frozen=True):
    """One row of the rubric.

    Attributes:
        id: `stepNN.name`; unique, stable, what `needs` and results refer to.
        step: the number of its step.
        title: the first line of the check's docstring.
        node: pytest's name of the test, `path::function`.
        info: what the check declares.
        dropped: why the course no longer counts it, if so; it does not run.
    """

    id: str
    step: int
    title: str
    node: str
    info: CheckInfo
    dropped: Dropped | None = None

    @property
    def needs(self) -> list[str]:
        """Return the ids of the checks that must pass before this one has a meaning."""
        return [_check_id(self.step, name) for name in self.info.needs]

    @property
    def max_points(self) -> float:
        """What the course counts it for."""
        return 0.0 if self.dropped and self.dropped.points == "to none" else self.info.points


def load_rubric(course: Course, steps: Collection[int] = ()) -> list[Check]:
    """Read the checks, in the order of steps and, inside one, of their definition.

    Args:
        course: whose checks.
        steps: the numbers of the steps wanted; none means all.

    Raises:
        BadCourse: two checks share an id, a check needs one that does not come before it, `course.toml` drops one that
            does not exist, or the points do not add up to what it says.
    """
    rows: list[Check] = []
    for step in course.steps:
        if not steps or step.number in steps:
            rows += _checks_of(_loaded(course, step), step.number, course)
    seen: set[str] = set()
    for row in rows:
        missing = set(row.needs) - seen
        if row.id in seen or missing:
            raise BadCourse(f"{row.id} is there twice, or needs what does not come before it: {sorted(missing)}.")
        seen.add(row.id)
    labels = tuple(f"{step_label(number)}." for number in steps)
    unknown = sorted(course.dropped.keys() - seen)
    if unknown and (not steps or unknown[0].startswith(labels)):
        raise BadCourse(f"course.toml drops {unknown[0]}, and there is no such check; result.json has their ids.")
    if not steps:
        _add_up(rows, course)
    return rows


def _loaded(course: Course, step: Step) -> ModuleType:
    try:
        return course.load(f"{course.checks}.{step.module}")
    except Exception as error:
        place = course.folder_of(course.checks) / f"{step.module}.py"
        raise BadCourse(f"{place}: the checks cannot be loaded, {type(error).__name__}: {text_of(error)}.") from error


def with_needs(wanted: Collection[str], rubric: Sequence[Check]) -> list[Check]:
    """Return the checks of those ids and all that they need, directly or not, in the order of the rubric."""
    ids = set(wanted)
    for row in reversed(rubric):
        ids.update(row.needs if row.id in ids else ())
    return [row for row in rubric if row.id in ids]


def counted(rubric: Iterable[Check]) -> list[Check]:
    """Return the checks that were not dropped: those that run."""
    return [row for row in rubric if not row.dropped]


def _add_up(rows: Sequence[Check], course: Course) -> None:
    total = sum(row.max_points for row in rows)
    if total != course.points:
        raise BadCourse(
            f"the checks are worth {total:g} points together, and course.toml says {course.points:g}; "
            "change `points` there, or the points of a check."
        )


def _checks_of(module: ModuleType, step: int, course: Course) -> list[Check]:
    functions = [value for value in vars(module).values() if hasattr(value, ATTRIBUTE)]
    return [
        Check(
            id=(check_id := _check_id(step, function.__name__)),
            step=step,
            title=str(inspect.getdoc(function)).splitlines()[0],
            node=f"{module.__file__}::{function.__name__}",
            info=getattr(function, ATTRIBUTE),
            dropped=course.dropped.get(check_id),
        )
        for function in functions
    ]


def _check_id(step: int, function_name: str) -> str:
    return f"{step_label(step)}.{function_name.removeprefix('test_')}"
