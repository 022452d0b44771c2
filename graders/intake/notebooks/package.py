"""The package that a notebook becomes: its statements in one file, what runs them, and a module for each step."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from graders.course import Course
from graders.intake.notebooks import runtime
from graders.intake.notebooks.needed import Part

STATEMENTS = "notebook.py"
RUNNER = "cells_of_notebook"
HEADER = '"""What is kept of a notebook. Each statement stands below the cell and line that it comes from."""'


def package_of(
    parts: Sequence[Part],
    lacking: Mapping[str, str],
    exercises: Collection[str],
    own_modules: Collection[str],
    course: Course,
) -> dict[str, bytes]:
    """Return the files of the package.

    Args:
        parts: what is kept.
        lacking: the names that are missing because of what is not, and why.
        exercises: the names that the course asks for.
        own_modules: modules that come with the submission, from which an exercise may be imported.
        course: the course.
    """
    text = [HEADER, ""]
    places = []
    for part in parts:
        one = part.statement
        text += [f"# {one.place}", one.text, ""]
        places.append((one.cell, one.line, one.lines_before, tuple(sorted(part.names.gives))))
    imported = last_imported(parts, exercises, own_modules)
    run = (
        f"CELLS = Cells(\n    {course.package!r},\n    {places!r},\n    {dict(lacking)!r},\n    {imported!r},\n)\n"
        "member = CELLS.member\nCELLS.run()\n"
    )
    stub = f"from {course.package}.{RUNNER} import member as __getattr__\n".encode()
    return {
        "__init__.py": b"",
        STATEMENTS: "\n".join(text).encode(),
        f"{RUNNER}.py": Path(runtime.__file__).read_bytes() + b"\n\n" + run.encode(),
        **{f"{name}.py": stub for name in course.modules},
    }


def last_imported(
    parts: Sequence[Part], exercises: Collection[str], own_modules: Collection[str]
) -> dict[str, tuple[str, int]]:
    """Return the exercises that a library gave last: where, and the index of the part that defines them, or -1.

    An import is no answer; what was defined before it is.
    """
    found: dict[str, tuple[str, int]] = {}
    defined: dict[str, int] = {}
    for index, part in enumerate(parts):
        for name in part.names.gives.intersection(exercises):
            if name not in part.imports:
                defined[name] = index
                found.pop(name, None)
            elif not _is_own(part.statement.node, own_modules):
                found[name] = (part.statement.place, defined.get(name, -1))
    return found


def _is_own(node: ast.stmt, own_modules: Collection[str]) -> bool:
    """Tell whether a statement imports from the submission itself."""
    if not isinstance(node, ast.ImportFrom):
        return False
    return bool(node.level) or (node.module or "").partition(".")[0] in own_modules
