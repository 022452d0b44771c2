"""A notebook as the package that students write: what its definitions need is kept, and run statement by statement.

Its Markdown cells are kept beside that, for the written answers.
"""

from __future__ import annotations

import ast
import warnings
from pathlib import PurePosixPath

import msgspec

from graders.course import Course
from graders.intake.notebooks.asides import remark_code_in_text, remark_libraries
from graders.intake.notebooks.cells import Cells, NoNotebook, TextCell, read_cells
from graders.intake.notebooks.exercises import exercises_of
from graders.intake.notebooks.harness import without_harness
from graders.intake.notebooks.needed import is_untouched, needed
from graders.intake.notebooks.package import package_of
from graders.intake.notebooks.remarks import Remarks, in_cells
from graders.intake.notebooks.repeats import remark_repeats
from graders.intake.notebooks.statements import statements_of

__all__ = ["NoNotebook", "Notebook", "read_notebook"]


class Notebook(msgspec.Struct, frozen=True):
    """A notebook as it was read.

    Attributes:
        files: the files of its package, by name.
        markdown: its Markdown cells.
        notes: what was left out, a sentence each.
    """

    files: dict[str, bytes]
    markdown: list[TextCell]
    notes: list[str]


def read_notebook(data: bytes, course: Course) -> Notebook:
    """Turn a notebook into the package that students write.

    Every step module takes its names from one namespace, in which the statements of all cells run in their order.

    Args:
        data: the file's bytes.
        course: the course.

    Raises:
        NoNotebook: it is not a notebook.
    """
    with warnings.catch_warnings(action="ignore"):
        cells = read_cells(data, course.package)
        remarks = Remarks()
        exercises = exercises_of(course)
        statements = [one for number, source in cells.code.items() for one in statements_of(number, source, remarks)]
        statements = without_harness(statements, remarks)
        parts = needed(statements, exercises, course.notebooks.long_calls, remarks)
        given = frozenset(name for part in parts for name in part.names.gives)
        written = _written(cells, given, remarks)
        own_modules = {course.package, *course.modules, *(PurePosixPath(name).stem for name in written)}
        remark_repeats(parts, exercises, own_modules, remarks)
        remark_libraries(parts, own_modules, remarks)
        if cells.tests:
            remarks.note(f"tests of nbgrader were left out: {in_cells(cells.tests)}")
        remark_code_in_text(cells, given, remarks)
        files = package_of(parts, remarks.lacking, exercises, own_modules, course)
    return Notebook(files | written, cells.markdown, remarks.notes(given))


def _written(cells: Cells, given: frozenset[str], remarks: Remarks) -> dict[str, bytes]:
    """Return the files that cells write, without untouched modules whose work stands in cells."""
    files: dict[str, bytes] = {}
    for name, text in cells.files.items():
        place = f"cell {cells.written_by[name]}"
        if _is_skeleton(text, given):
            remarks.note(f"{place}: skipped, {name} only raises NotImplementedError and other cells have the work")
        else:
            files[name] = text.encode()
    return files


def _is_skeleton(text: str, given: frozenset[str]) -> bool:
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    definitions = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return (
        bool(definitions)
        and all(map(is_untouched, definitions))
        and not given.isdisjoint(node.name for node in definitions)
    )
