"""The names that a course asks for, as its reference gives them."""

from __future__ import annotations

import ast
import functools

from graders.course import Course


def exercises_of(course: Course) -> frozenset[str]:
    """Return the names at the top level of the course's step modules, from the reference or from the skeletons."""
    names: frozenset[str] = frozenset()
    for module in course.modules:
        places = [folder / f"{module}.py" for folder in (course.reference_folder, course.skeletons)]
        place = next((path for path in places if path.is_file()), None)
        names |= _given_in(place.read_bytes()) if place else frozenset()
    return names


@functools.cache
def _given_in(source: bytes) -> frozenset[str]:
    names = (name for node in ast.parse(source).body for name in _given(node))
    return frozenset(name for name in names if not name.startswith("_"))


def _given(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []
