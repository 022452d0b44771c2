"""Make the students' skeleton of a step from its solution.

A student sees what a solution promises: signatures and docstrings. Bodies become NotImplementedError; private
names, module constants and the imports that nothing needs any more disappear. A comment `# given` keeps a
part as it is: on any line of a function's signature, on the line of a class, or on any line of another
statement.

What is kept is cut from the source text, never written anew, so that formatting and comments survive. A
comment stays with the statement right below it.

The files that students answer the written questions in are copied as they are.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from graders.outcomes import to_do

_GIVEN = re.compile(r"#\s*given\b")
_LINE_LENGTH = 110
ANSWERS = "answers/step*.md"

# Decorators that change how a function is called; any other is part of how it works, and goes with the body.
_INTERFACE = {"property", "setter", "staticmethod", "classmethod", "abstractmethod", "overload"}

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = _Function | ast.ClassDef
_Import = ast.Import | ast.ImportFrom


@dataclass(frozen=True)
class _Piece:
    """Text of the skeleton, and the lines of the source that it stands for."""

    text: str
    first: int
    last: int
    is_definition: bool = False


def skeleton_of(source: str, step: str) -> str:
    """Return the skeleton of a step's source.

    Args:
        source: text of the solution, as `ruff format` leaves it.
        step: name of its module, `stepNN_name`; its number appears in the skeleton.

    Raises:
        ValueError: what is kept uses a name that is not; the message says which to mark `# given`.
    """
    cutter = _Cutter(source.splitlines(), int(step.removeprefix("step")[:2]))
    tree = ast.parse(source)
    kept = [cutter.keep(node) for node in tree.body]
    used = used_names(ast.parse("\n".join(piece.text for piece in kept if piece)))
    kept += [cutter.keep_import(node, used) for node in tree.body if isinstance(node, _Import)]
    text = cutter.join([piece for piece in kept if piece], spacing=2) + "\n"

    dropped = used & (_bound_names(tree) - _bound_names(ast.parse(text)))
    if dropped:
        names = ", ".join(sorted(dropped))
        raise ValueError(f"The skeleton of {step} uses {names} but drops the definition; mark it # given.")
    return text


def write_skeletons(reference: Path, package: Path) -> None:
    """Write the skeleton of every step of the folder `reference` to the folder `package`, replacing files."""
    for name, text in _skeletons(reference):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text, encoding="utf-8")


def stale_skeletons(reference: Path, package: Path) -> list[str]:
    """Return the files of `package` that are missing, differ from the skeletons, or have no solution any more."""
    expected = dict(_skeletons(reference))
    found = {
        path.relative_to(package).as_posix(): path.read_text(encoding="utf-8")
        for pattern in ("step*.py", ANSWERS)
        for path in package.glob(pattern)
    }
    return sorted(name for name in expected | found if expected.get(name) != found.get(name))


def _skeletons(reference: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(reference.glob("step*.py")):
        yield path.name, skeleton_of(path.read_text(encoding="utf-8"), path.stem)
    for path in sorted(reference.glob(ANSWERS)):
        yield path.relative_to(reference).as_posix(), path.read_text(encoding="utf-8")


@dataclass(frozen=True)
class _Cutter:
    """Cuts pieces out of a source; lines count from 1, as in the syntax tree."""

    lines: Sequence[str]
    step: int

    def keep(self, node: ast.stmt, owner: str = "") -> _Piece | None:
        """Return what the skeleton has for a statement other than an import, or None."""
        if self._is_given(node) or _is_docstring(node):
            return self._piece(node, self._text(self._start(node), _last(node)))
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if _is_public(node.name):
                return self._piece(node, self._exercise(node, owner))
            case ast.ClassDef() if _is_public(node.name):
                return self._piece(node, self._class(node, owner))
            case ast.AnnAssign(target=ast.Name(id=name)) if owner and _is_public(name):
                return self._piece(node, self._text(self._start(node), _last(node)))
        return None

    def keep_import(self, node: _Import, used: set[str]) -> _Piece | None:
        """Return an import without the names that nothing uses, or None when none is left."""
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            return self._piece(node, self._text(self._start(node), _last(node)))
        names = [alias for alias in node.names if bound_name(alias) in used]
        if not names:
            return None
        if names == node.names:
            return self._piece(node, self._text(self._start(node), _last(node)))
        return self._piece(node, _import_text(node, names))

    def join(self, pieces: Iterable[_Piece], spacing: int) -> str:
        """Join pieces in the order of the source, with `spacing` blank lines around definitions."""
        ordered = sorted(pieces, key=lambda piece: piece.first)
        text = ordered[0].text
        for before, piece in pairwise(ordered):
            apart = "" in self.lines[before.last : piece.first - 1]
            blank_lines = spacing if before.is_definition or piece.is_definition else int(apart)
            text += "\n" * (blank_lines + 1) + piece.text
        return text

    def _exercise(self, node: _Function, owner: str) -> str:
        left_out = {
            line
            for decorator in node.decorator_list
            if _called_name(decorator) not in _INTERFACE
            for line in range(decorator.lineno, _last(decorator) + 1)
        }
        first = node.body[0]
        promise = _last(first) if _is_docstring(first) else self._signature_end(node)
        kept = [self.lines[i - 1] for i in range(self._start(node), promise + 1) if i not in left_out]
        if not _is_abstract(node):
            message = to_do(f"{owner}{node.name}", self.step)
            kept.append(" " * (node.col_offset + 4) + f'raise NotImplementedError("{message}")')
        return "\n".join(kept)

    def _class(self, node: ast.ClassDef, owner: str) -> str:
        members = [self.keep(member, f"{owner}{node.name}.") for member in node.body]
        body = self.join([piece for piece in members if piece], spacing=1)
        return self._text(self._start(node), self._signature_end(node)) + "\n" + body

    def _is_given(self, node: ast.stmt) -> bool:
        last = self._signature_end(node) if isinstance(node, _Definition) else _last(node)
        return any(_GIVEN.search(line) for line in self.lines[_first(node) - 1 : last])

    def _signature_end(self, node: _Definition) -> int:
        """Return the last line before the body, without the comments that the body opens with."""
        line = _first(node.body[0]) - 1
        while line > node.lineno and self.lines[line - 1].strip()[:1] in ("", "#"):
            line -= 1
        return max(line, node.lineno)

    def _start(self, node: ast.stmt) -> int:
        """Return the first line of a statement, with its decorators and the comments right above them."""
        line = _first(node)
        while line > 1 and self.lines[line - 2].lstrip().startswith("#"):
            line -= 1
        return line

    def _text(self, first: int, last: int) -> str:
        return "\n".join(self.lines[first - 1 : last])

    def _piece(self, node: ast.stmt, text: str) -> _Piece:
        return _Piece(text, self._start(node), _last(node), isinstance(node, _Definition))


def _first(node: ast.stmt) -> int:
    decorators = node.decorator_list if isinstance(node, _Definition) else []
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _last(node: ast.stmt | ast.expr) -> int:
    return node.end_lineno or node.lineno


def _is_public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_abstract(node: _Function) -> bool:
    """Tell whether a body is only `...`: there is nothing to write in it."""
    last = node.body[-1]
    return isinstance(last, ast.Expr) and isinstance(last.value, ast.Constant) and last.value.value is ...


def _called_name(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.attr if isinstance(called, ast.Attribute) else ast.unparse(called)


def _import_text(node: _Import, names: list[ast.alias]) -> str:
    if isinstance(node, ast.Import):
        return ast.unparse(ast.Import(names))
    line = ast.unparse(ast.ImportFrom(node.module, names, node.level))
    if len(line) <= _LINE_LENGTH:
        return line
    opening = line.partition(" import ")[0] + " import ("
    return "\n".join([opening, *(f"    {ast.unparse(alias)}," for alias in names), ")"])


def bound_name(alias: ast.alias) -> str:
    """Return the name that an import gives."""
    return alias.asname or alias.name.partition(".")[0]


def _bound_names(tree: ast.Module) -> set[str]:
    """Return the names that a module defines or imports at its top level."""
    names = set()
    for node in tree.body:
        match node:
            case ast.Import(aliases) | ast.ImportFrom(names=aliases):
                names |= {bound_name(alias) for alias in aliases}
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case _:
                stored = (part for part in ast.walk(node) if isinstance(part, ast.Name))
                names |= {part.id for part in stored if isinstance(part.ctx, ast.Store)}
    return names


def used_names(tree: ast.AST) -> set[str]:
    """Return the names that code reads, also those in annotations that are written as strings."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                names.add(name)
            case (
                ast.arg(annotation=ast.Constant(str(annotation)))
                | ast.FunctionDef(returns=ast.Constant(str(annotation)))
            ):
                names |= used_names(ast.parse(annotation))
    return names
