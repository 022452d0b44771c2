"""The rubric: every check with its points, read from the check modules before anything runs."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from types import ModuleType

import msgspec

from graders import checks
from graders.authoring.check import ATTRIBUTE, CheckInfo

STEP_MODULE = re.compile(r"step(\d\d)_\w+")


class Check(msgspec.Struct, frozen=True):
    """One row of the rubric.

    Attributes:
        id: `step04.labels_are_sorted`; unique, stable, what `needs` and results refer to.
        step: 1-10.
        title: the first line of the check's docstring.
        node: pytest's name of the test, `path::function`.
        info: what the check declares.
    """

    id: str
    step: int
    title: str
    node: str
    info: CheckInfo

    @property
    def needs(self) -> list[str]:
        """Return the ids of the checks that must pass before this one has a meaning."""
        return [_check_id(self.step, name) for name in self.info.needs]


def load_rubric(steps: frozenset[int] = frozenset()) -> list[Check]:
    """Read the checks, in the order of steps and, inside one, of their definition.

    Args:
        steps: the steps wanted; none means all.

    Raises:
        ValueError: two checks share an id, or a check needs one that does not come before it.
    """
    rows: list[Check] = []
    for module in _modules(steps):
        rows += _checks_of(module)
    seen: set[str] = set()
    for row in rows:
        missing = set(row.needs) - seen
        if row.id in seen or missing:
            raise ValueError(f"{row.id} is there twice, or needs what does not come before it: {sorted(missing)}")
        seen.add(row.id)
    return rows


def step_modules() -> list[str]:
    """Return the names of the step modules that have checks, in the order of steps."""
    names = (module.name for module in pkgutil.iter_modules(checks.__path__))
    return sorted(name for name in names if STEP_MODULE.fullmatch(name))


def step_number(module_name: str) -> int:
    """Return the step of a module name: 4 for `step04_dataset`."""
    return int(module_name[4:6])


def _modules(steps: frozenset[int]) -> list[ModuleType]:
    wanted = [name for name in step_modules() if not steps or step_number(name) in steps]
    return [importlib.import_module(f"{checks.__name__}.{name}") for name in wanted]


def _checks_of(module: ModuleType) -> list[Check]:
    step = step_number(module.__name__.rpartition(".")[2])
    functions = [value for value in vars(module).values() if hasattr(value, ATTRIBUTE)]
    return [
        Check(
            id=_check_id(step, function.__name__),
            step=step,
            title=str(inspect.getdoc(function)).splitlines()[0],
            node=f"{module.__file__}::{function.__name__}",
            info=getattr(function, ATTRIBUTE),
        )
        for function in functions
    ]


def _check_id(step: int, function_name: str) -> str:
    return f"step{step:02d}.{function_name.removeprefix('test_')}"
