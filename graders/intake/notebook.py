"""A notebook as modules: its imports, definitions and constants, without magics and without work at the top level.

Its Markdown cells are kept beside them, for the written answers.

Some sources of a few hundred kilobytes keep Python's parser busy for minutes, or take gigabytes. So a judge has a
notebook read in a process of its own, within limits.
"""

from __future__ import annotations

import ast
import builtins
import json
import os
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import msgspec
import nbformat

from graders.judging.rubric import step_modules
from graders.outcomes import HarnessFault

MAGIC = re.compile(r"^(?P<indent>\s*)(?:[%!?]|\w[\w., ]*=\s*[%!]|[\w.]+\?{1,2}\s*$)")
BODY_MAGICS = frozenset({"%%time", "%%timeit", "%%capture", "%%prun"})
DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
PLAIN_CALLS = frozenset(
    "bool dict float frozenset int len list max min Path range set sorted str sum tuple zip "
    "pathlib.Path torch.device torch.cuda.is_available np.array np.arange np.linspace".split()
)
VIEWS = frozenset({"items", "keys", "values"})
SUPPRESS = "from contextlib import suppress as _suppress"
SHOWN_CHARACTERS = 60
REASON_CHARACTERS = 150
SHOWN_NAMES = 5
NOTES = 200
SECONDS = 10  # of processor time; a notebook of a thousand cells takes less than one
MEMORY = 2 << 30
ROOT = Path(__file__).resolve().parents[2]
BOOTSTRAP = """
import sys
sys.path.insert(0, sys.argv[1])
from graders.intake.notebook import main
main(int(sys.argv[2]), int(sys.argv[3]))
"""
SOURCE_CHARACTERS = 2 << 20
MAGICS_OF_A_CELL = 50
DAMAGE = (SyntaxError, ValueError, RecursionError, MemoryError)


class TooCostly(Exception):
    """Python's parser takes too much over a notebook; the message says how much that is."""


class Notebook(msgspec.Struct, frozen=True):
    """A notebook as it was read.

    Attributes:
        files: the files of its `lab` package, by name.
        markdown: text of each Markdown cell.
        notes: what was left out, in words.
    """

    files: dict[str, bytes]
    markdown: list[str]
    notes: list[str]


def read_notebook(data: bytes) -> Notebook:
    """Turn a notebook into a `lab` package.

    Every step module takes its names from one module, `notebook.py`, in which the definitions of all cells stand in
    the order of the cells.

    Args:
        data: the file's bytes.

    Raises:
        ValueError: it is not a notebook.
    """
    with warnings.catch_warnings(action="ignore"):
        cells, markdown = _cells(data)
        notes: list[str] = []
        parts: list[str] = []
        known = {*dir(builtins), "__name__", "__file__"}
        for number, source in enumerate(cells, start=1):
            parts += [f"# cell {number}", *_kept(source, f"cell {number}", known, notes), ""]
    # A module may have these at its top only, a notebook in every cell.
    parts.sort(key=lambda part: not part.startswith("from __future__"))
    parts.insert(sum(part.startswith("from __future__") for part in parts), SUPPRESS)
    files = {"__init__.py": b"", "notebook.py": "\n".join(parts).encode()}
    if len(notes) > NOTES:
        notes[NOTES:] = [f"... and {len(notes) - NOTES} more lines or cells that were skipped"]
    stub = b"from lab import notebook\n\nglobals().update({k: v for k, v in vars(notebook).items() if k[0] != '_'})\n"
    return Notebook(files | {f"{name}.py": stub for name in step_modules()}, markdown, notes)


def read_apart(path: Path) -> Notebook:
    """Do what `read_notebook` does, in another process.

    Raises:
        ValueError: it is not a notebook.
        TooCostly: it takes too much time or memory, or crashes Python.
        HarnessFault: that process failed.
    """
    command = [sys.executable, "-I", "-X", "utf8", "-c", BOOTSTRAP, str(ROOT), str(SECONDS), str(MEMORY)]
    limit = f"Python needs more than {SECONDS} s or {MEMORY >> 20} MB to read it, or crashes over it"
    with path.open("rb") as file:
        try:
            # Time on the clock counts only where there is no processor to spare: the other process limits its own.
            done = subprocess.run(command, stdin=file, capture_output=True, timeout=10 * SECONDS, check=False)  # noqa: S603 - our own source
        except subprocess.TimeoutExpired as error:
            raise TooCostly(limit) from error
    if done.returncode < 0:
        raise TooCostly(limit)
    if done.returncode:
        raise HarnessFault(f"the process that reads notebooks failed: {done.stderr[-500:].decode(errors='replace')}")
    match msgspec.msgpack.decode(done.stdout, type=Notebook | str):
        case Notebook() as notebook:
            return notebook
        case refusal:
            raise ValueError(refusal)


def main(seconds: int, memory: int) -> None:
    """Read a notebook from standard input, and write what it is, or why it is none, to standard output."""
    import resource  # noqa: PLC0415 - this module is imported on Windows too, where there is none

    for what, most in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    answer: Notebook | str
    try:
        answer = read_notebook(sys.stdin.buffer.read())
    except ValueError as error:
        answer = str(error)
    except MemoryError:
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when the time is up
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))


def _cells(data: bytes) -> tuple[list[str], list[str]]:
    """Return the text of each code cell and of each Markdown cell."""
    try:
        notebook = nbformat.reads(data.decode("utf-8-sig"), as_version=4)  # type: ignore[no-untyped-call]
        sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        markdown = [cell.get("source") for cell in notebook.cells if cell.cell_type == "markdown"]
    except (UnicodeDecodeError, json.JSONDecodeError, nbformat.reader.NotJSONError) as error:
        raise ValueError("its JSON is damaged") from error
    except MemoryError:
        raise
    except Exception as error:  # nbformat's converters of old formats raise whatever they stumble over
        raise ValueError("its structure is not that of a notebook") from error
    if not all(isinstance(source, str) for source in sources):
        raise ValueError("a cell of it holds no text")
    if sum(map(len, sources)) > SOURCE_CHARACTERS:
        raise ValueError(f"its code is longer than {SOURCE_CHARACTERS >> 20} million characters")
    return [_clean(source) for source in sources], [_clean(text) for text in markdown if isinstance(text, str)]


def _clean(source: str) -> str:
    return source.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")


def _kept(source: str, cell: str, known: set[str], notes: list[str]) -> Iterator[str]:
    first = source.lstrip().split("\n", maxsplit=1)[0].split(" ", maxsplit=1)[0]
    if first.startswith("%%") and first not in BODY_MAGICS:
        notes.append(f"{cell}: skipped whole, it is a {_short(first)} cell")
        return
    code, tree = _parsed(source, cell, notes)
    lines = code.encode().split(b"\n")
    for node in tree.body if tree else []:
        text = _text_of(node, lines)
        missing = _names_missing(node, known)
        shown = _short(text.split("\n", maxsplit=1)[0])
        if _is_definition(node) and not missing:
            known |= _names_bound(node)
            yield _tolerant(text) if isinstance(node, ast.Import | ast.ImportFrom) else text
        elif _is_definition(node):
            names = ", ".join(map(_short, missing[:SHOWN_NAMES])) + ("…" if len(missing) > SHOWN_NAMES else "")
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
                reason = _short(str(getattr(error, "msg", error)) or "too large or too deep", REASON_CHARACTERS)
                notes.append(f"{cell} line {number}: skipped the cell, it is not Python: {reason}")
                return code, None
            notes.append(f"{cell} line {number}: skipped a magic or shell line: {_short(lines[number - 1].strip())}")
            lines[number - 1] = f"{match['indent']}pass"
        else:
            return code, tree
    notes.append(f"{cell}: skipped the cell, more than {MAGICS_OF_A_CELL} of its lines are no Python")
    return "", None


def _is_definition(node: ast.stmt) -> bool:
    if isinstance(node, ast.Try):
        return all(_is_definition(child) or isinstance(child, ast.Pass) for child in _try_bodies(node))
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        return isinstance(node.value, ast.Lambda) or _is_constant(node.value)
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


def _is_constant(value: ast.expr) -> bool:
    """Tell whether an expression only puts constants and names together: no call but a few that do no work."""
    for node in ast.walk(value):
        if isinstance(node, ast.Call) and not _does_no_work(node.func):
            return False
        if isinstance(node, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr):
            return False
    return True


def _does_no_work(function: ast.expr) -> bool:
    return _dotted(function) in PLAIN_CALLS or (isinstance(function, ast.Attribute) and function.attr in VIEWS)


def _dotted(function: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    return ".".join([function.id, *reversed(parts)]) if isinstance(function, ast.Name) else ""


def _is_docstring(node: ast.stmt) -> bool:
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return constant or isinstance(node, ast.Pass)


def _short(text: str, most: int = SHOWN_CHARACTERS) -> str:
    """Return the beginning of a text, without what a terminal would take for orders."""
    beginning = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in beginning)
