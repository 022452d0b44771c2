"""Which statements of a notebook are kept: definitions and imports, and all on which they depend.

A statement is needed if it gives a name that kept functions and classes use, or changes the object of one, and so is
what it needs itself. What trains, waits or asks is left out all the same: it would run at every import.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from graders.intake.notebooks.names import SCOPES, Names, last_part, names_of
from graders.intake.notebooks.remarks import Kind, Remarks
from graders.intake.notebooks.statements import Statement

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)
LITERALS = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop)
BLOCKS = (ast.If, ast.With, ast.Try, ast.TryStar, ast.For, ast.While, ast.Match)
WAITING = frozenset({"input", "getpass", "sleep", "breakpoint", "set_trace"})


@dataclass(frozen=True)
class Part:
    """A statement with its names.

    Attributes:
        statement: it.
        names: what it gives, uses and changes.
        defines: the functions and classes among what it gives.
        imports: the libraries' names among what it gives.
    """

    statement: Statement
    names: Names
    defines: frozenset[str]
    imports: frozenset[str]

    @property
    def is_root(self) -> bool:
        """Whether it is kept whoever needs it."""
        return bool(self.defines or self.imports) or isinstance(self.statement.node, IMPORTS)


def needed(
    statements: Sequence[Statement], wanted: Collection[str], long_calls: Collection[str], remarks: Remarks
) -> list[Part]:
    """Return the statements that are kept, in their order, and remark which are left out.

    Args:
        statements: those of all cells, in order.
        wanted: names that are needed whether a definition uses them or not.
        long_calls: last parts of the names of calls that train, besides those that wait.
        remarks: what was left out is added.
    """
    parts = _without_untouched_copies(list(_parts(statements, remarks)), remarks)
    chosen = _Choice(parts, WAITING.union(long_calls))
    chosen.need(name for part in parts if part.is_root for name in part.names.uses | part.defines)
    chosen.need(wanted)
    given = {name for index in chosen.kept for name in parts[index].names.gives}
    for index, part in enumerate(parts):
        if index not in chosen.kept:
            kind = chosen.refused.get(index, Kind.WORK)
            lost = part.names.gives - given if kind is not Kind.WORK else ()
            remarks.add(kind, part.statement.cell, part.statement.line, part.statement.shown, gives=sorted(lost))
    return [part for index, part in enumerate(parts) if index in chosen.kept]


def _parts(statements: Sequence[Statement], remarks: Remarks) -> Iterator[Part]:
    for statement in statements:
        node = statement.node
        if isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            continue
        if isinstance(node, ast.AnnAssign) and node.value is None:
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            continue  # it holds for a whole file, and annotations are text in any case
        names = names_of(node)
        if names is None:
            gives = [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
            remarks.add(Kind.AWAIT, statement.cell, statement.line, statement.shown, gives=gives)
            continue
        defines, imports = _defined_and_imported(node)
        yield Part(statement, names, frozenset(defines), frozenset(imports))


def _defined_and_imported(node: ast.stmt) -> tuple[set[str], set[str]]:
    defines: set[str] = set()
    imports: set[str] = set()
    waiting: list[ast.AST] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, DEFINITIONS):
            defines.add(one.name)
        elif isinstance(one, IMPORTS):
            imports.update((alias.asname or alias.name.partition(".")[0]) for alias in one.names)
        elif isinstance(one, BLOCKS):
            waiting += [child for child in ast.iter_child_nodes(one) if isinstance(child, ast.stmt)]
            waiting += [child for part in ast.iter_child_nodes(one) for child in getattr(part, "body", [])]
    return defines, imports


class _Choice:
    """Which parts are kept.

    Attributes:
        kept: their indices.
        refused: those that would be needed, and why they are left out.
    """

    def __init__(self, parts: list[Part], long_calls: Collection[str]) -> None:
        self.parts = parts
        self.long_calls = long_calls
        self.long_functions = _with_callers(parts, long_calls)
        classes = {name for part in parts if isinstance(part.statement.node, ast.ClassDef) for name in part.defines}
        self.instances = classes.union(*(part.names.gives for part in parts if part.names.uses & classes))
        self.refused: dict[int, Kind] = {}
        self.last_definition = {name: index for index, part in enumerate(parts) for name in part.defines}
        self.imported = {name for part in parts for name in part.imports}.difference(
            name for part in parts for name in part.names.gives - part.imports
        )
        self.given = {name for part in parts for name in part.names.gives}
        later: dict[str, frozenset[str]] = {
            name: part.names.gives_later for part in parts for name in part.defines if part.names.gives_later
        }
        self.users: dict[str, list[int]] = {}
        for index, part in enumerate(parts):
            gives = part.names.gives.union(*(later[name] for name in part.names.calls & later.keys()))
            for name in gives | part.names.changes | part.names.sets | part.names.methods:
                if self.concerns(part, name, gives):
                    self.users.setdefault(name, []).append(index)
        self.kept: set[int] = set()
        for index, part in enumerate(parts):
            free = _is_literal(part.statement.node) and part.names.gives.isdisjoint(self.last_definition)
            if free or (part.is_root and not self.is_long(index)):
                self.kept.add(index)
        self.known: set[str] = set()

    def concerns(self, part: Part, name: str, gives: frozenset[str]) -> bool:
        """Tell whether who needs a name needs a part: it gives the name, or changes what the name stands for."""
        if name in part.names.changes:
            return True
        if name in self.imported or (name in self.last_definition and name not in gives):
            return name in part.names.sets
        if name in gives and name in self.last_definition:
            return _wraps(part.statement.node, name)
        return name in gives or (name in part.names.methods and name in self.given)

    def need(self, names: Collection[str] | Iterator[str]) -> None:
        """Keep what these names need, and what that needs, and so on."""
        waiting = [*names]
        while waiting:
            name = waiting.pop()
            if name in self.known:
                continue
            self.known.add(name)
            for index in self.users.get(name, ()):
                if index not in self.kept and not self.is_long(index) and not self.hides(index, name):
                    self.kept.add(index)
                    waiting += self.parts[index].names.uses

    def is_long(self, index: int) -> bool:
        """Tell whether a part trains or waits, and remember that it was asked for."""
        is_function = isinstance(self.parts[index].statement.node, DEFINITIONS)
        names = self.parts[index].names
        called = names.calls & self.long_functions or {
            method
            for root, method in names.calls_of
            if method in self.long_calls or (method in self.long_functions and root in self.instances)
        }
        if is_function or not called:
            return False
        self.refused[index] = Kind.LONG
        return True

    def hides(self, index: int, name: str) -> bool:
        """Tell whether a part that gives a name would also bind that of a function or class to something else."""
        part = self.parts[index]
        others = part.names.gives - part.defines - part.imports - {name}
        hidden = [other for other in others if self.last_definition.get(other, index) < index]
        if hidden:
            self.refused[index] = Kind.HIDES
        return bool(hidden)


def _is_literal(node: ast.stmt) -> bool:
    """Tell whether a statement gives a name to a literal, which costs nothing."""
    match node:
        case (
            ast.Assign(targets=[ast.Name()], value=ast.expr() as value)
            | ast.AnnAssign(target=ast.Name(), value=ast.expr() as value)
        ):
            return all(isinstance(one, (*LITERALS, ast.expr_context)) for one in ast.walk(value))
    return False


def _wraps(node: ast.stmt, name: str) -> bool:
    """Tell whether an assignment to a function's name gives another form of it, and not what it returned."""
    calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
    if any(isinstance(call.func, ast.Name) and call.func.id == name for call in calls):
        return False
    arguments = [
        one for call in calls for one in ast.walk(call) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)
    ]
    return not calls or any(argument.id == name for argument in arguments)


def _with_callers(parts: list[Part], calls: Collection[str]) -> set[str]:
    """Return names of calls, and those of the notebook's functions and methods that make them."""
    made: dict[str, set[str]] = {}
    for part in parts:
        if part.defines:
            for node in ast.walk(part.statement.node):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    made.setdefault(node.name, set()).update(_calls_in(node))
    found = set(calls)
    while more := {name for name, called in made.items() if name not in found and not called.isdisjoint(found)}:
        found |= more
    return found


def _calls_in(node: ast.AST) -> set[str]:
    return {last_part(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)}


def _without_untouched_copies(parts: list[Part], remarks: Remarks) -> list[Part]:
    """Leave out functions and classes that are still as a skeleton has them, where others of the name are not."""
    work = {
        name
        for part in parts
        if not is_untouched(part.statement.node)
        for name in part.names.gives - part.imports
        if part.defines or isinstance(part.statement.node, ast.Assign)
    }
    kept = []
    for part in parts:
        if is_untouched(part.statement.node) and part.defines <= work:
            remarks.add(Kind.UNTOUCHED, part.statement.cell, part.statement.line, part.statement.shown)
        else:
            kept.append(part)
    return kept


def is_untouched(node: ast.stmt) -> bool:
    """Tell whether a function or class does nothing but raise `NotImplementedError`."""
    if not isinstance(node, DEFINITIONS):
        return False
    body = [one for one in node.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    if isinstance(node, ast.ClassDef):
        methods = [one for one in body if isinstance(one, SCOPES)]
        return bool(methods) and all(map(is_untouched, methods))
    return len(body) == 1 and isinstance(body[0], ast.Raise) and "NotImplementedError" in _raised(body[0])


def _raised(node: ast.Raise) -> str:
    error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return last_part(error) if error else ""
