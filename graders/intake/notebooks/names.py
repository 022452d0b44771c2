"""What a statement gives, uses and changes: names at the top level of a notebook."""

from __future__ import annotations
import __future__

import ast
import dis
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType

LOADS = frozenset({"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"})
STORES = frozenset({"STORE_NAME", "STORE_GLOBAL"})
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
# Calls that change their first argument, and methods that change what a library does.
CHANGING = frozenset(
    "delattr heapify insort insort_left insort_right register_module setattr shuffle update_wrapper".split()
)
SETTING = re.compile(
    r"set|seed|manual_seed|use|rc|config|basicConfig|filterwarnings|simplefilter|register|enable|disable|append|insert"
    r"|extend|update|add|makedirs|mkdir|patch|monkey|init"
)


@dataclass(frozen=True)
class Names:
    """The names of a statement.

    Attributes:
        gives: those that it binds.
        gives_later: those that a function in it binds when it is called.
        uses: those that it needs, at once or when a function in it is called.
        changes: those whose object it changes by an assignment to a part, or by a function such as `setattr`.
        methods: those whose object it may change by a method that it calls.
        sets: those with which a call begins whose name says that it changes something: `library.set_something(...)`.
        calls: last parts of the names of what it calls at once.
        calls_of: the same for methods, each with the name with which the call begins, as `net` in `net.layers.fit()`.
    """

    gives: frozenset[str] = frozenset()
    gives_later: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    calls_of: frozenset[tuple[str, str]] = frozenset()


def names_of(node: ast.stmt) -> Names | None:
    """Return the names of a statement, or None if it cannot be run alone, as what stands below `await`."""
    try:
        code = compile(ast.Module([node], []), "cell", "exec", __future__.annotations.compiler_flag, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found = _Found()
    _read(code, found, at_top=True)
    _Changes(found).visit_top(node)
    return Names(**{name: frozenset(values) for name, values in vars(found).items()})


@dataclass
class _Found:
    gives: set[str] = field(default_factory=set)
    gives_later: set[str] = field(default_factory=set)
    uses: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)
    sets: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    calls_of: set[tuple[str, str]] = field(default_factory=set)


def _read(code: CodeType, found: _Found, *, at_top: bool) -> None:
    is_function = bool(code.co_flags & inspect.CO_OPTIMIZED)
    for instruction in dis.get_instructions(code):
        name = instruction.argval
        if instruction.opname in LOADS:
            found.uses.add(name)
        elif instruction.opname in STORES and at_top:
            found.gives.add(name)
        elif instruction.opname == "STORE_GLOBAL":
            (found.gives_later if is_function else found.gives).add(name)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _read(constant, found, at_top=False)


class _Changes:
    """Looks for what a statement changes and calls, apart from the functions in it."""

    def __init__(self, found: _Found) -> None:
        self.found = found

    def visit_top(self, node: ast.stmt) -> None:
        waiting: list[tuple[ast.AST, bool]] = [(node, False)]
        while waiting:
            one, in_function = waiting.pop()
            if not in_function:
                self.visit(one)
            waiting += [(child, in_function or isinstance(one, SCOPES)) for child in ast.iter_child_nodes(one)]

    def visit(self, node: ast.AST) -> None:
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                self.found.changes.update(_root(node))
            case ast.Call(func=ast.Attribute(attr=method) as function):
                roots = [*_root(function, through_calls=True)] or [""]
                self.found.calls_of.update((root, method) for root in roots)
            case ast.Call():
                self.found.calls.add(last_part(node.func))
            case ast.Expr(value=ast.Call() as call):
                self.call(call)

    def call(self, call: ast.Call) -> None:
        method = last_part(call.func)
        if method in CHANGING and call.args:
            self.found.changes.update(_root(call.args[0]))
        if isinstance(call.func, ast.Attribute):
            if SETTING.match(method):
                self.found.sets.update(_root(call.func, through_calls=True))
            self.found.methods.update(_root(call.func))


def last_part(function: ast.expr) -> str:
    """Return the last part of a dotted name, or nothing."""
    return getattr(function, "attr", "") or getattr(function, "id", "")


def _root(node: ast.expr, *, through_calls: bool = False) -> Iterator[str]:
    """Yield the name with which an expression such as `a.b[0].c` begins."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred) or (
        through_calls and isinstance(node, ast.Call)
    ):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id
