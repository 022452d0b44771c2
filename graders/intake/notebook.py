"""A notebook as modules: its imports, definitions and constants, without magics and without work at the top level.

Its Markdown cells are kept beside them, for the written answers.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import warnings
from collections.abc import Iterator

import msgspec

from graders.course import Course
from graders.text import encodable, quoted

MAGIC = re.compile(r"^(?P<indent>\s*)(?:[%!?]|\w[\w., ]*=\s*[%!]|[\w.]+\?{1,2}\s*$)")
BODY_MAGICS = frozenset({"%%time", "%%timeit", "%%capture", "%%prun"})
DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
PLAIN_CALLS = frozenset(
    "bool dict float frozenset int len list max min Path range set sorted str sum tuple zip pathlib.Path".split()
)
VIEWS = frozenset({"items", "keys", "values"})
SUPPRESS = "from contextlib import suppress as _suppress"
SHOWN_CHARACTERS = 60
REASON_CHARACTERS = 150
SHOWN_NAMES = 5
NOTES = 200
SOURCE_CHARACTERS = 2 << 20
MAGICS_OF_A_CELL = 50
DAMAGE = (SyntaxError, ValueError, RecursionError, MemoryError)


class NoNotebook(ValueError):
    """The file is no notebook; the message says why."""


class Notebook(msgspec.Struct, frozen=True):
    """A notebook as it was read.

    Attributes:
        files: the files of its package, by name.
        markdown: text of each Markdown cell.
        notes: what was left out, a sentence each.
    """

    files: dict[str, bytes]
    markdown: list[str]
    notes: list[str]


def read_notebook(data: bytes, course: Course) -> Notebook:
    """Turn a notebook into the package that students write.

    Every step module takes its names from one module, `notebook.py`, in which the definitions of all cells stand in
    the order of the cells.

    Args:
        data: the file's bytes.
        course: the course.

    Raises:
        NoNotebook: it is not a notebook.
    """
    with warnings.catch_warnings(action="ignore"):
        cells, markdown = _cells(data)
        notes: list[str] = []
        parts: list[str] = []
        plain_calls = PLAIN_CALLS.union(course.notebooks.plain_calls)
        known = {*dir(builtins), "__name__", "__file__"}
        for number, source in enumerate(cells, start=1):
            parts += [f"# cell {number}", *_kept(source, f"cell {number}", known, notes, plain_calls), ""]
    # A module may have these at its top only, a notebook in every cell.
    parts.sort(key=lambda part: not part.startswith("from __future__"))
    parts.insert(sum(part.startswith("from __future__") for part in parts), SUPPRESS)
    files = {"__init__.py": b"", "notebook.py": "\n".join(parts).encode()}
    if len(notes) > NOTES:
        notes[NOTES:] = [f"... and {len(notes) - NOTES} more lines or cells that were skipped"]
    stub = (
        f"from {course.package} import notebook\n\n"
        "globals().update({k: v for k, v in vars(notebook).items() if k[0] != '_'})\n"
    ).encode()
    return Notebook(files | {f"{name}.py": stub for name in course.modules}, markdown, notes)


def _cells(data: bytes) -> tuple[list[str], list[str]]:
    """Return the text of each code cell and of each Markdown cell."""
    import nbformat  # noqa: PLC0415 - it loads much, and most submissions are no notebooks

    try:
        notebook = nbformat.reads(data.decode("utf-8-sig"), as_version=4)  # type: ignore[no-untyped-call]
        sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        markdown = [cell.get("source") for cell in notebook.cells if cell.cell_type == "markdown"]
    except (UnicodeDecodeError, json.JSONDecodeError, nbformat.reader.NotJSONError) as error:
        raise NoNotebook("its JSON is damaged") from error
    except MemoryError:
        raise
    except Exception as error:  # nbformat's converters of old formats raise whatever they stumble over
        raise NoNotebook("its structure is not that of a notebook") from error
    if not all(isinstance(source, str) for source in sources):
        raise NoNotebook("a cell of it holds no text")
    if sum(map(len, sources)) > SOURCE_CHARACTERS:
        raise NoNotebook(f"its code is longer than {SOURCE_CHARACTERS >> 20} million characters")
    return [_clean(source) for source in sources], [_clean(text) for text in markdown if isinstance(text, str)]


def _clean(source: str) -> str:
    return encodable(source).replace("\r\n", "\n").replace("\r", "\n")


def _kept(source: str, cell: str, known: set[str], notes: list[str], plain_calls: frozenset[str]) -> Iterator[str]:
    first = source.lstrip().split("\n", maxsplit=1)[0].split(" ", maxsplit=1)[0]
    if first.startswith("%%") and first not in BODY_MAGICS:
        notes.append(f"{cell}: skipped whole, it is a {quoted(first, SHOWN_CHARACTERS)} cell")
        return
    code, tree = _parsed(source, cell, notes)
    lines = code.encode().split(b"\n")
    for node in tree.body if tree else []:
        text = _text_of(node, lines)
        missing = _names_missing(node, known)
        shown = quoted(text.split("\n", maxsplit=1)[0], SHOWN_CHARACTERS)
        if _is_definition(node, plain_calls) and not missing:
            known |= _names_bound(node)
            yield _tolerant(text) if isinstance(node, ast.Import | ast.ImportFrom) else text
        elif _is_definition(node, plain_calls):
            names = ", ".join(quoted(name, SHOWN_CHARACTERS) for name in missing[:SHOWN_NAMES]) + (
                "…" if len(missing) > SHOWN_NAMES else ""
            )
            notes.append(f"{cell} line {node.lineno}: skipped, no definition that is kept gives {names}: {shown}")
        elif not _is_docstring(node):
            notes.append(f"{cell} line {node.lineno}: skipped work at the top level: {shown}")


def _tolerant(statement: str) -> str:
    """Let a library that is not installed cost the functions that use it, not the whole notebook."""
    if statement.startswith("from __future__"):
        return statement
    return f"with _suppress(ImportError):\n    {statement}"


def _text_of(node: ast.stmt, lines: list[bytes]) -> str:
    decorators = getattr(node, "decorator_list", [])
    first, start = (decorators[0].lineno, 0) if decorators else (node.lineno, node.col_offset)
    last, end = node.end_lineno or first, node.end_col_offset
    if first == last:  # a line may hold any number of statements: none may cost more than its own length
        return lines[first - 1][start:end].decode()
    return b"\n".join([lines[first - 1][start:], *lines[first : last - 1], lines[last - 1][:end]]).decode()


def _parsed(source: str, cell: str, notes: list[str]) -> tuple[str, ast.Module | None]:
    """Parse a cell; a line at which that fails is taken out if it is a magic, so that text and operators stay."""
    lines = source.split("\n")
    for _ in range(MAGICS_OF_A_CELL):
        code = "\n".join(lines)
        try:
            tree = ast.parse(code)
            compile(tree, cell, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except DAMAGE as error:
            number = getattr(error, "lineno", None) or 1
            match = MAGIC.match(lines[number - 1]) if number <= len(lines) else None
            if not match:
                reason = quoted(str(getattr(error, "msg", error)) or "too large or too deep", REASON_CHARACTERS)
                notes.append(f"{cell} line {number}: skipped the cell, it is not Python: {reason}")
                return code, None
            shown = quoted(lines[number - 1].strip(), SHOWN_CHARACTERS)
            notes.append(f"{cell} line {number}: skipped a magic or shell line: {shown}")
            lines[number - 1] = f"{match['indent']}pass"
        else:
            return code, tree
    notes.append(f"{cell}: skipped the cell, more than {MAGICS_OF_A_CELL} of its lines are no Python")
    return "", None


def _is_definition(node: ast.stmt, plain_calls: frozenset[str]) -> bool:
    if isinstance(node, ast.Try):
        return all(_is_definition(child, plain_calls) or isinstance(child, ast.Pass) for child in _try_bodies(node))
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        return isinstance(node.value, ast.Lambda) or _is_constant(node.value, plain_calls)
    return isinstance(node, DEFINITIONS)


def _names_missing(node: ast.stmt, known: set[str]) -> list[str]:
    """Return the names that a statement needs at once, not when a function is called, and that nothing kept binds."""
    if "*" in known:
        return []
    names = [name for part in _run_at_once(node) for name in ast.walk(part) if isinstance(name, ast.Name)]
    own = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return sorted({name.id for name in names} - own - known)


def _run_at_once(node: ast.stmt | ast.expr) -> list[ast.expr]:  # noqa: PLR0911 - one return for each kind of node
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return [*node.decorator_list, *_defaults(node.args)]
        case ast.ClassDef():
            return [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]
        case ast.Assign(targets=targets, value=value):
            return [
                *(one for one in targets if not isinstance(one, ast.Name | ast.Tuple)),
                *_run_at_once(value),
            ]
        case ast.AnnAssign(value=ast.expr() as value):
            return [node.annotation, *_run_at_once(value)]
        case ast.Lambda():
            return _defaults(node.args)
        case ast.expr():
            return [node]
    return []


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(default for default in arguments.kw_defaults if default)]


def _names_bound(node: ast.stmt) -> set[str]:
    bound = set()
    for child in ast.walk(node):
        if isinstance(child, ast.alias):
            bound.add((child.asname or child.name).partition(".")[0])
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            bound.add(child.id)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(child.name)
    return bound


def _try_bodies(node: ast.Try) -> list[ast.stmt]:
    return [
        *node.body,
        *node.orelse,
        *node.finalbody,
        *(child for handler in node.handlers for child in handler.body),
    ]


def _is_constant(value: ast.expr, plain_calls: frozenset[str]) -> bool:
    """Tell whether an expression only puts constants and names together: no call but a few that do no work."""
    for node in ast.walk(value):
        if isinstance(node, ast.Call) and not _does_no_work(node.func, plain_calls):
            return False
        if isinstance(node, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr):
            return False
    return True


def _does_no_work(function: ast.expr, plain_calls: frozenset[str]) -> bool:
    return _dotted(function) in plain_calls or (isinstance(function, ast.Attribute) and function.attr in VIEWS)


def _dotted(function: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    return ".".join([function.id, *reversed(parts)]) if isinstance(function, ast.Name) else ""


def _is_docstring(node: ast.stmt) -> bool:
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return constant or isinstance(node, ast.Pass)
