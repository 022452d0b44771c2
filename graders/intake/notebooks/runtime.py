"""Runs a notebook's statements one by one, in the process of the student's code, where a copy of this module stands.

What fails costs only what needs it: a name that a statement was to give is missing then, and whoever asks for it is
told which cell, which line, and why. Code is compiled under the name of its cell, so that tracebacks name cells.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, NamedTuple

SECONDS = 2.0  # of processor time for a statement that is no import
SECONDS_IN_ALL = 6.0
ROUNDS = 3
REASON_CHARACTERS = 300
FRONT_END = "IPython"
UNSEEN = "notebook"  # in place of this file's path: only what stands in the submission's folder is in messages


class Statement(NamedTuple):
    """One statement of a notebook.

    Attributes:
        cell: its cell.
        line: its line there.
        gives: the names that it is to give.
        keeps: those of them that an import hides later, and that are the answers to exercises all the same.
        node: it, parsed; lines are those of the cell.
    """

    cell: int
    line: int
    gives: frozenset[str]
    keeps: frozenset[str]
    node: ast.stmt

    @property
    def place(self) -> str:
        """How messages call it."""
        return f"cell {self.cell} line {self.line}"


class _Nothing:
    """What a notebook's front end would do: called or asked for anything, it does nothing."""

    __all__ = ("Audio", "HTML", "Image", "Markdown", "clear_output", "display", "get_ipython")

    def __call__(self, *_args: object, **_kwargs: object) -> _Nothing:
        return self

    def __getattr__(self, name: str) -> _Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return ""


def _unseen(function: Any) -> Any:
    function.__code__ = function.__code__.replace(co_filename=UNSEEN)
    return function


class _Builtins(dict[str, Any]):
    """Python's own names, and a reason for each name that a cell was to give."""

    def __init__(self, lacking: dict[str, str]) -> None:
        self.nothing = _Nothing()
        own = {"display": self.nothing, "get_ipython": self.nothing, "__import__": self.imported}
        super().__init__(vars(builtins) | own)
        self.lacking = lacking

    @_unseen
    def imported(self, name: str, *rest: Any, **options: Any) -> Any:
        """Import a module, in place of a front end nothing; libraries, which look for one, still find none."""
        if name.partition(".")[0] == FRONT_END:
            return self.nothing
        return builtins.__import__(name, *rest, **options)

    @_unseen
    def __missing__(self, name: str) -> Any:
        if name not in self.lacking:
            raise KeyError(name)
        raise NameError(f"name {name!r} is not defined: {self.lacking[name]}", name=name)


class Cells:
    """A notebook, run.

    Args:
        package: import name of the package that this is a part of.
        places: for each statement of `notebook.py`, its cell, its line there, how many lines of it are not the
            cell's, and the names that it is to give.
        lacking: the names that cells would have given, and why they do not.
        imported: the names of exercises that were imported last, where, and which statement defined them, or -1.
    """

    def __init__(
        self,
        package: str,
        places: Iterable[tuple[int, int, int, tuple[str, ...]]],
        lacking: dict[str, str],
        imported: dict[str, tuple[str, int]],
    ) -> None:
        self.package = package
        self.lacking = dict(lacking)
        self.imported = {name: place for name, (place, _) in imported.items()}
        self.own: dict[str, Any] = {}
        self.ended = False
        self.left = SECONDS_IN_ALL
        self.file = Path(__file__).with_name("notebook.py")
        self.module = ModuleType(f"{package}.notebook")
        self.names = vars(self.module)
        self.names.update(__file__=str(self.file), __package__=package, __builtins__=_Builtins(self.lacking))
        nodes = ast.parse(self.file.read_text(encoding="utf-8")).body[1:]  # without the docstring
        self.statements = [
            Statement(
                cell,
                line,
                frozenset(names),
                frozenset(name for name, (_, definition) in imported.items() if definition == index),
                _in_cell(node, line - before),
            )
            for index, (node, (cell, line, before, names)) in enumerate(zip(nodes, places, strict=True))
        ]

    def run(self) -> None:
        """Run all statements; those that missed a name are tried again at the end, when later cells have given it."""
        sys.modules[self.module.__name__] = self.module
        setattr(sys.modules[self.package], "notebook", self.module)  # noqa: B010 - a package has no such attribute for mypy
        sys.path.append(str(self.file.parent))  # a notebook imports what it has written beside itself
        waiting = self.statements
        for _ in range(ROUNDS):
            waiting = [one for one in waiting if self.misses_a_name(one)]
            waiting = [one for one in waiting if one.gives and one.gives.isdisjoint(self.names)]
        self.ended = True

    def misses_a_name(self, one: Statement) -> bool:
        """Run a statement; tell whether it failed because a name is missing."""
        is_import = isinstance(one.node, ast.Import | ast.ImportFrom)
        try:
            code = compile(
                ast.Module([one.node], []),
                os.path.join(self.file.parents[1], f"cell {one.cell}"),  # noqa: PTH118 - as tracebacks have it
                "exec",
                __future__.annotations.compiler_flag,
                dont_inherit=True,
            )
            if is_import:
                exec(code, self.names)  # noqa: S102 - this is the student's process
            else:
                self.run_within_limits(code)
                self.own.update({name: self.names[name] for name in one.keeps})
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it costs this statement alone
            why = _reason(error)
            for name in one.gives.difference(self.names):
                self.lacking[name] = f"{one.place} gives it, and failed ({why})"
            return isinstance(error, NameError)
        return False

    def run_within_limits(self, code: Any) -> None:
        """Run code; raises `TimeoutError` once it has used its processor time."""
        if not hasattr(signal, "setitimer"):
            exec(code, self.names)  # noqa: S102
            return
        seconds = min(SECONDS, self.left)
        if seconds <= 0:
            raise TimeoutError(f"the statements before it took {SECONDS_IN_ALL:g} s")
        before = signal.signal(signal.SIGVTALRM, _time_is_up)
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds, SECONDS)
        try:
            exec(code, self.names)  # noqa: S102
        finally:
            self.left -= seconds - signal.setitimer(signal.ITIMER_VIRTUAL, 0)[0]
            signal.signal(signal.SIGVTALRM, before)

    @property
    def member(self) -> Callable[[str], Any]:
        """What step modules give their names with."""

        @_unseen
        def member(name: str) -> Any:
            if name.startswith("_") or (not self.ended and name not in self.names):
                raise AttributeError(name)
            if name in self.own:
                return self.own[name]
            if name in self.imported:
                raise NotImplementedError(f"{self.imported[name]} imports {name}; an import is no answer, define it.")
            if name in self.names:
                return self.names[name]
            if name in self.lacking:
                raise NameError(f"{name} is missing: {self.lacking[name]}", name=name)
            raise AttributeError(name)

        return member  # type: ignore[no-any-return]


def _in_cell(node: ast.stmt, line: int) -> ast.stmt:
    """Give a statement the lines of its cell; `line` is its first, which may be a decorator's."""
    decorators = getattr(node, "decorator_list", [])
    return ast.increment_lineno(node, line - (decorators[0] if decorators else node).lineno)


def _reason(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a class of the student's
        text = ""
    return " ".join(f"{type(error).__name__}: {text}".split())[:REASON_CHARACTERS]


def _time_is_up(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError("it takes too long for what runs at every import")
