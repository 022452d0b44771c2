"""A notebook as modules: its imports, definitions and constants, without magics and without work at the top level."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

import nbformat

from graders.rubric import step_modules

MAGIC = re.compile(r"^(?P<indent>\s*)(?:[%!?]|\w[\w., ]*=\s*[%!]|[\w.]+\?{1,2}\s*$)")
BODY_MAGICS = frozenset({"%%time", "%%timeit", "%%capture", "%%prun"})
DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
PLAIN_CALLS = frozenset(
    "bool dict float frozenset int len list max min Path range set sorted str sum tuple zip "
    "pathlib.Path torch.device torch.cuda.is_available np.array np.arange np.linspace".split()
)
VIEWS = frozenset({"items", "keys", "values"})
SHOWN_CHARACTERS = 60


def modules_from_notebook(data: bytes) -> tuple[dict[str, bytes], list[str]]:
    """Turn a notebook into a `lab` package.

    Every step module takes its names from one module, `notebook.py`, in which the definitions of all cells stand in
    the order of the cells.

    Args:
        data: the file's bytes.

    Returns:
        The package's files by name, and what was left out, in words.

    Raises:
        ValueError: it is not a notebook.
    """
    try:
        notebook = nbformat.reads(data.decode("utf-8"), as_version=4)
        cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    except (UnicodeDecodeError, json.JSONDecodeError, nbformat.reader.NotJSONError) as error:
        raise ValueError("its JSON is damaged") from error
    except (nbformat.ValidationError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("its structure is not that of a notebook") from error
    notes: list[str] = []
    parts: list[str] = []
    for number, source in enumerate(cells, start=1):
        parts += [f"# cell {number}", *_kept(source, f"cell {number}", notes), ""]
    files = {"__init__.py": b"", "notebook.py": "\n".join(parts).encode()}
    stub = b"from lab import notebook\n\nglobals().update({name: value for name, value in vars(notebook).items() if name[0] != '_'})\n"
    return files | {f"{name}.py": stub for name in step_modules()}, notes


def _kept(source: str, cell: str, notes: list[str]) -> Iterator[str]:
    first = source.lstrip().split("\n", maxsplit=1)[0].split(" ", maxsplit=1)[0]
    if first.startswith("%%") and first not in BODY_MAGICS:
        notes.append(f"{cell}: skipped whole, it is a {first} cell")
        return
    code, tree = _parsed(source, cell, notes)
    for node in tree.body if tree else []:
        text = ast.get_source_segment(code, node) or ""
        if _is_definition(node):
            decorators = [f"@{ast.get_source_segment(code, one)}" for one in getattr(node, "decorator_list", [])]
            yield from (*decorators, text)
        elif not _is_docstring(node):
            shown = text.split("\n", maxsplit=1)[0]
            notes.append(f"{cell} line {node.lineno}: skipped work at the top level: {_short(shown)}")


def _parsed(source: str, cell: str, notes: list[str]) -> tuple[str, ast.Module | None]:
    """Parse a cell; only one that is no Python as it stands has its magics taken out."""
    try:
        return source, ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    lines = source.split("\n")
    for index, line in enumerate(lines):
        match = MAGIC.match(line)
        if match:
            notes.append(f"{cell} line {index + 1}: skipped a magic or shell line: {_short(line.strip())}")
            lines[index] = f"{match['indent']}pass"
    code = "\n".join(lines)
    try:
        return code, ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        notes.append(f"{cell} line {line}: skipped the cell, it is not Python: {getattr(error, 'msg', error)}")
        return code, None


def _is_definition(node: ast.stmt) -> bool:
    if isinstance(node, ast.Try):
        return all(_is_definition(child) or isinstance(child, ast.Pass) for child in _try_bodies(node))
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        return _is_constant(node.value)
    return isinstance(node, DEFINITIONS)


def _try_bodies(node: ast.Try) -> list[ast.stmt]:
    return [*node.body, *node.orelse, *node.finalbody, *(child for handler in node.handlers for child in handler.body)]


def _is_constant(value: ast.expr) -> bool:
    """Tell whether an expression only puts constants and names together: no call but a few that do no work."""
    for node in ast.walk(value):
        if isinstance(node, ast.Call) and not _does_no_work(node.func):
            return False
        if isinstance(node, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr):
            return False
    return True


def _does_no_work(function: ast.expr) -> bool:
    return ast.unparse(function) in PLAIN_CALLS or (isinstance(function, ast.Attribute) and function.attr in VIEWS)


def _is_docstring(node: ast.stmt) -> bool:
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return constant or isinstance(node, ast.Pass)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
