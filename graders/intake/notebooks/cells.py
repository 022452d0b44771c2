"""A notebook's file as cells: their code, their text, and the files that they write.

What a cell is for, its metadata may say: those of `lab notebook`, under the engine's name, and those of nbgrader.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import msgspec

from graders.course import ENGINE, STEP_MODULE
from graders.text import encodable

TEXTS = ("markdown", "raw")
SOURCE_CHARACTERS = 2 << 20
NAME_CHARACTERS = 100
INDENT = re.compile(r"[ \t]+")
WRITES = re.compile(r"%%(?:writefile|file)\s+(?P<append>-a\s)?(?P<path>.+)")
RESERVED = frozenset({"notebook.py", "cells_of_notebook.py"})
NBGRADER = "nbgrader"
NUMBERS = re.compile(r"\D*0*([0-9]{1,2})\D+0*([0-9]{1,2})\D*")
ADDRESSES = "rfc3987_syntax"
NOTHING_ANSWERED = "YOUR ANSWER HERE"  # what nbgrader puts where an answer is to stand


class NoNotebook(ValueError):
    """The file is no notebook; the message says why."""


class TextCell(msgspec.Struct, frozen=True):
    """A Markdown cell.

    Attributes:
        text: its text.
        question: the id of the written question that it is for, as far as its metadata say so.
        begins: whether it is part of the handout, so that no answer goes on in it.
        given: whether nobody may change it, so that nothing in it is an answer.
    """

    text: str
    question: str = ""
    begins: bool = False
    given: bool = False


@dataclass
class Cells:
    """The cells of a notebook.

    Attributes:
        code: the code cells' text, by number; the first is 1.
        markdown: the Markdown cells.
        raw: the raw cells' text.
        tests: the numbers of code cells that hold tests of the course staff's; they are not among `code`.
        files: what cells write beside the notebook or into the package, by path inside the package.
        written_by: the cell that wrote each of these.
    """

    code: dict[int, str]
    markdown: list[TextCell]
    raw: list[str]
    tests: list[int] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    written_by: dict[str, int] = field(default_factory=dict)


def _nbformat() -> Any:
    """Return the library that reads notebooks, loaded when there is one, without what checks addresses of the web.

    Where that is installed, as with a Jupyter server, jsonschema loads it, which takes longer than all else here.
    """
    sys.modules.setdefault(ADDRESSES, None)  # type: ignore[arg-type]
    try:
        import nbformat  # noqa: PLC0415 - it loads much, and most submissions are no notebooks
    finally:
        if sys.modules[ADDRESSES] is None:
            del sys.modules[ADDRESSES]
    return nbformat


def read_cells(data: bytes, package: str) -> Cells:
    """Read a notebook's file.

    Args:
        data: the file's bytes.
        package: the name of the package that students write.

    Raises:
        NoNotebook: it is not a notebook.
    """
    nbformat = _nbformat()
    try:
        notebook = nbformat.reads(data.decode("utf-8-sig"), as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        sources = [cell.source for cell in code]
        tests = [number for number, cell in enumerate(code, start=1) if _is_test(_metadata(cell, NBGRADER))]
        texts = {kind: [cell for cell in notebook.cells if cell.cell_type == kind] for kind in TEXTS}
    except UnicodeDecodeError as error:
        raise NoNotebook("it is not UTF-8 text; save it as UTF-8") from error
    except (json.JSONDecodeError, nbformat.reader.NotJSONError) as error:
        raise NoNotebook("its JSON is damaged") from error
    except MemoryError:
        raise
    except Exception as error:  # nbformat's converters of old formats raise whatever they stumble over
        raise NoNotebook("its structure is not that of a notebook") from error
    if not all(isinstance(source, str) for source in sources):
        raise NoNotebook("a cell of it holds no text")
    if sum(map(len, sources)) > SOURCE_CHARACTERS:
        raise NoNotebook(f"its code is longer than {SOURCE_CHARACTERS >> 20} million characters")
    numbered = {number: source for number, source in enumerate(sources, start=1) if number not in tests}
    cells = Cells(
        {number: _dedented(_clean(source)) for number, source in numbered.items()},
        [_text_cell(cell) for cell in texts["markdown"] if isinstance(cell.get("source"), str)],
        [_clean(cell.source) for cell in texts["raw"] if isinstance(cell.get("source"), str)],
        tests,
    )
    _take_out_files(cells, package)
    return cells


def _metadata(cell: Any, name: str) -> Mapping[str, Any]:
    """Return what a cell's metadata hold under a name; nothing if that is no table."""
    found = cell.get("metadata")
    found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _is_test(nbgrader: Mapping[str, Any]) -> bool:
    """Tell whether nbgrader runs a cell as a test; one that students fill in and a person marks is none."""
    return bool(nbgrader.get("grade")) and not nbgrader.get("solution") and not nbgrader.get("task")


def _text_cell(cell: Any) -> TextCell:
    text, own, nbgrader = _clean(cell.source), _metadata(cell, ENGINE), _metadata(cell, NBGRADER)
    if nbgrader.get("solution"):
        numbers = NUMBERS.fullmatch(str(nbgrader.get("grade_id")))
        answer = "" if text.strip() == NOTHING_ANSWERED else text
        return TextCell(answer, f"{int(numbers[1])}.{int(numbers[2])}" if numbers else "")
    question = own.get("question")
    return TextCell(
        text,
        question if isinstance(question, str) else "",
        begins=bool(own.get("handout") or nbgrader.get("task")),
        given=bool(nbgrader.get("locked")) and not nbgrader.get("task"),
    )


def _clean(source: str) -> str:
    return encodable(source).replace("\r\n", "\n").replace("\r", "\n")


def _dedented(source: str) -> str:
    """Take the first line's indentation off all lines, as notebooks do."""
    indent = INDENT.match(source)
    if not indent:
        return source
    return "\n".join(line.removeprefix(indent[0]) for line in source.split("\n"))


def _take_out_files(cells: Cells, package: str) -> None:
    """Turn cells that write a file of the package, or a module beside the notebook, into these files."""
    for number, source in list(cells.code.items()):
        first, _, text = source.lstrip("\n").partition("\n")
        writes = WRITES.match(first)
        name = _name_in_package(writes["path"].strip(), package) if writes else ""
        if writes and name:
            before = cells.files.get(name, "") if writes["append"] else ""
            cells.files[name] = f"{before}{text}\n"
            cells.written_by[name] = number
            del cells.code[number]


def _name_in_package(path: str, package: str) -> str:
    """Return the path inside the package of what a cell writes, or nothing if it belongs elsewhere."""
    parts = PurePosixPath(path.strip("'\"").replace("\\", "/")).parts
    if not parts or not parts[-1].endswith(".py") or ".." in parts or len(path) > NAME_CHARACTERS:
        return ""
    if package in parts[:-1]:
        parts = parts[len(parts) - 1 - parts[-2::-1].index(package) :]
    elif STEP_MODULE.fullmatch(parts[-1].removesuffix(".py")):
        parts = parts[-1:]
    if len(parts) > 1 and package not in path:
        return ""
    name = "/".join(parts)
    words = [*parts[:-1], parts[-1].removesuffix(".py")]
    return name if all(word.isidentifier() and word.isascii() for word in words) and name not in RESERVED else ""
