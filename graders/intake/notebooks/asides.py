"""What stands in a notebook's cells of text although it is code, and what its imports cannot find."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections.abc import Collection, Sequence

from graders.intake.notebooks.cells import Cells
from graders.intake.notebooks.needed import Part
from graders.intake.notebooks.remarks import Remarks
from graders.intake.notebooks.runtime import FRONT_END
from graders.text import quoted

DEFINES = re.compile(r"^(?:async )?(?:def|class) +(?P<name>\w{1,60})[ \t]*[(:]", re.MULTILINE)
NAME_CHARACTERS = 60
NAMES_SHOWN = 5
LIBRARIES = 200


def remark_code_in_text(cells: Cells, given: Collection[str], remarks: Remarks) -> None:
    """Remark functions and classes that stand in a Markdown or raw cell, and in no code cell."""
    for kind, texts in (("Markdown", [cell.text for cell in cells.markdown]), ("raw", cells.raw)):
        for number, text in enumerate(texts, start=1):
            names = [name for name in dict.fromkeys(DEFINES.findall(text)) if name not in given]
            if names:
                told = f"Markdown cell {number}" if kind == "Markdown" else f"raw cell {number}"
                shown = ", ".join(f"`{quoted(name, NAME_CHARACTERS)}`" for name in names[:NAMES_SHOWN])
                remarks.note(f"{told} holds code ({shown}), which nobody runs: make it a code cell")
                why = f"it stands in {told}, which nobody runs; make that a code cell"
                for name in names:
                    remarks.lacking.setdefault(name, why)


def remark_libraries(parts: Sequence[Part], own: Collection[str], remarks: Remarks) -> None:
    """Remark which libraries are not installed where the notebook is graded, and what needs them.

    Args:
        parts: what is kept of the notebook.
        own: names of modules that come with the submission.
        remarks: what is found is added.
    """
    found: dict[str, bool] = {}
    for part in parts:
        for module, names in _libraries(part.statement.node):
            library = module.partition(".")[0]
            if library in own or library == FRONT_END or len(found) > LIBRARIES:
                continue
            if not found.setdefault(library, _is_installed(library)):
                users = [name for other in parts if names & other.names.uses for name in sorted(other.defines)]
                needs = f"; it is used in {', '.join(f'`{name}`' for name in users[:NAMES_SHOWN])}" if users else ""
                text = quoted(module, NAME_CHARACTERS)
                remarks.note(f"{part.statement.place}: {text} is not installed where this is graded{needs}")


def _libraries(node: ast.stmt) -> list[tuple[str, set[str]]]:
    """Return the libraries that a statement imports, without a handler for their lack, and the names they give."""
    match node:
        case ast.Import(names=aliases):
            return [(one.name, {one.asname or one.name.partition(".")[0]}) for one in aliases]
        case ast.ImportFrom(module=str() as module, level=0, names=aliases):
            return [(module, {one.asname or one.name for one in aliases})]
    return []


def _is_installed(library: str) -> bool:
    if library in sys.builtin_module_names:
        return True
    try:
        return importlib.util.find_spec(library) is not None
    except (ImportError, ValueError, OSError):  # of a name that no module can have
        return False
