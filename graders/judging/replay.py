"""A failure as a few lines of Python: the last call of a student's code that a check made, with the same data.

Data that are small stand in the lines; others are saved beside the student's package, and loaded by the lines.
"""

from __future__ import annotations

import contextlib
import inspect
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from types import FrameType

import numpy as np

from graders.intake.notebooks.package import RUNNER
from graders.judging.local import is_of
from graders.libraries import NoPlainArray, function_name, owner_of

SMALL = 32  # items of an array that stands in the lines
SCALARS = (bool, int, float, bytes, complex, range, slice, type(None), type(...))
SUSPENDING = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
CONTAINERS = {list: "[{}]", tuple: "({})", set: "{{{}}}", frozenset: "frozenset([{}])"}


class NotRepeatable(Exception):
    """A call cannot be written down; the message says what is in the way."""


@dataclass(frozen=True)
class Call:
    """A call of a student's code from outside.

    Attributes:
        module: the module of the function.
        name: its name there: `f`, `Class.method`.
        positional: its arguments without a name, as they were when it began.
        named: those with a name.
    """

    module: str
    name: str
    positional: Sequence[object]
    named: dict[str, object]


class Calls:
    """Notes the calls that a check makes of a student's code, as a profiling function.

    Args:
        package: import name of the student's package.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self.calls: list[Call] = []
        self._suspended: set[FrameType] = set()  # of generators, which are entered again after each value

    def begin(self) -> None:
        """Forget what was noted, and note from now on."""
        self.calls, self._suspended = [], set()
        sys.setprofile(self)

    def end(self) -> None:
        """Note no more."""
        sys.setprofile(None)
        self._suspended = set()

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Note a call, as `sys.setprofile` asks."""
        if event != "call" or not self._enters(frame) or frame in self._suspended:
            return
        if frame.f_code.co_flags & SUSPENDING:
            self._suspended.add(frame)
        self.calls.append(_call_of(frame))

    def _enters(self, frame: FrameType) -> bool:
        module = str(frame.f_globals.get("__name__"))
        inside = is_of(frame, self._package) and not module.endswith(f".{RUNNER}")
        from_outside = not (frame.f_back and is_of(frame.f_back, self._package))
        return inside and from_outside and frame.f_code.co_name != "<module>"


def _call_of(frame: FrameType) -> Call:
    code, values = frame.f_code, frame.f_locals
    count = code.co_argcount
    names = code.co_varnames
    positional = [_as_it_is(values[name]) for name in names[:count] if name in values]
    named = {name: _as_it_is(values[name]) for name in names[count : count + code.co_kwonlyargcount] if name in values}
    rest = count + code.co_kwonlyargcount
    if code.co_flags & inspect.CO_VARARGS:
        positional += map(_as_it_is, values.get(names[rest], ()))
        rest += 1
    if code.co_flags & inspect.CO_VARKEYWORDS:
        named |= {name: _as_it_is(value) for name, value in values.get(names[rest], {}).items()}
    return Call(str(frame.f_globals.get("__name__")), code.co_qualname, positional, named)


def _as_it_is(value: object) -> object:
    """Return a copy of plain data, which student code may change; any other object is itself in it."""
    if type(value) is list or type(value) is set:
        return type(value)(map(_as_it_is, value))
    if type(value) is dict:
        return {key: _as_it_is(item) for key, item in value.items()}
    if type(value) is np.ndarray and value.dtype != object:
        return value.copy()
    if library := owner_of(value):
        with contextlib.suppress(NoPlainArray):
            return library.from_numpy(library.to_numpy(value).copy())
    return value


@dataclass
class Replay:
    """Writes calls down.

    Args:
        package: import name of the student's package.
        root: the folder that holds it; None if its code stands in a notebook, where names need no import.
        temporary: the folder in which checks write what student code reads.
        saved: the folder for what does not stand in the lines; it is made where it is needed.
        as_code: returns an expression for a value that the course knows, or nothing.
    """

    package: str
    root: Path | None
    temporary: Path
    saved: Path
    as_code: Callable[[object], str] = lambda _: ""
    _arrays: dict[str, np.ndarray] = field(default_factory=dict)
    _imports: dict[str, None] = field(default_factory=dict)
    _before: list[str] = field(default_factory=list)

    def lines(self, calls: Sequence[Call]) -> list[str]:
        """Return lines that repeat the last of the calls of a check.

        Raises:
            NotRepeatable: they cannot be written; the message says why.
        """
        if not calls:
            raise NotRepeatable("the check did not come to call your code")
        self._arrays, self._imports, self._before = {}, {}, []
        call = self._written(calls[-1], calls)
        head = [f"sys.path.insert(0, {str(self.root)!r})"] if self.root else []
        imports = [*(["import sys"] if head else []), *self._imports]
        first = [line for line in imports if f" {self.package}." not in line]
        own = [line for line in imports if f" {self.package}." in line]
        if self._arrays:
            self.saved.mkdir(parents=True, exist_ok=True)
            np.savez(self.saved / "data.npz", **self._arrays)  # type: ignore[arg-type]
            self._before.insert(0, f"data = np.load({str(self.saved / 'data.npz')!r})")
        return [*first, *head, *own, *self._before, f"result = {call}", "print(result)"]

    def _written(self, call: Call, calls: Sequence[Call]) -> str:
        """Return a call as an expression; what an object's method is called on is made by its constructor."""
        owner, _, name = call.name.rpartition(".")
        if "<locals>" in owner or "<" in name:
            raise NotRepeatable(f"what is called is defined inside of a function ({call.name})")
        arguments = list(call.positional)
        if not owner:
            function = self._own(call.module, name)
        elif name == "__init__":
            function, arguments = self._own(call.module, owner), arguments[1:]
        elif arguments and type(arguments[0]).__qualname__.startswith(owner):
            function = f"{self._object(arguments.pop(0), calls)}.{name}"
        else:
            function = f"{self._own(call.module, owner)}.{name}"
        written = [*map(self._value, arguments), *(f"{key}={self._value(value)}" for key, value in call.named.items())]
        return f"{function}({', '.join(written)})"

    def _own(self, module: str, name: str) -> str:
        if self.root:
            self._imports[f"from {module} import {name.partition('.')[0]}"] = None
        return name

    def _object(self, value: object, calls: Sequence[Call]) -> str:
        """Write lines that make an object of a student's class as the check did; return its name."""
        made = [
            call for call in calls if call.name.endswith("__init__") and call.positional and call.positional[0] is value
        ]
        kind = type(value)
        name = f"its_{kind.__name__.lower()}"
        line = self._written(made[0], calls) if made else f"{self._own(kind.__module__, kind.__qualname__)}()"
        self._before.append(f"{name} = {line}  # made as the check makes it; what it draws at random is drawn anew")
        return name

    def _value(self, value: object) -> str:
        """Return an expression for a value."""
        if isinstance(value, PurePath):
            self._imports["from pathlib import Path"] = None
            return f"Path({self._place(str(value))!r})"
        if isinstance(value, str) and not isinstance(value, np.generic):
            return repr(self._place(value))
        if type(value) in SCALARS:
            is_literal = type(value) is not float or np.isfinite(value)
            return repr(value) if is_literal else f"float({str(value)!r})"
        if type(value) is dict:
            return "{" + ", ".join(f"{self._value(key)}: {self._value(item)}" for key, item in value.items()) + "}"
        if type(value) in CONTAINERS:
            assert isinstance(value, list | tuple | set | frozenset)
            items = ", ".join(map(self._value, value)) + "," * (type(value) is tuple and len(value) == 1)
            return CONTAINERS[type(value)].format(items) if items else f"{type(value).__name__}()"
        return self._other(value)

    def _other(self, value: object) -> str:
        """Return an expression for an array, a function of a library, or what the course knows."""
        if isinstance(value, np.ndarray | np.generic):
            return self._array(value)
        if library := owner_of(value):
            self._imports[f"import {library.name}"] = None
            try:
                return f"{library.maker}({self._array(library.to_numpy(value))})"
            except NoPlainArray as error:
                raise NotRepeatable(f"{library.word}s of that kind cannot be saved") from error
        if found := function_name(value):
            self._imports[f"import {found.partition('.')[0]}"] = None
            return found
        if found := self.as_code(value):
            return found
        raise NotRepeatable(f"an argument is an object ({type(value).__name__}) that the check has made")

    def _array(self, value: np.ndarray | np.generic) -> str:
        self._imports["import numpy as np"] = None
        if isinstance(value, np.ndarray) and value.dtype == object:
            return f"np.array({self._value(value.tolist())}, dtype=object)"
        if isinstance(value, np.generic):
            item = value.item()
            if value.dtype.kind in "mM" or type(item) not in {str, *SCALARS}:
                raise NotRepeatable(f"an argument is an object ({type(value).__name__}) that the check has made")
            return f"np.{type(value).__name__}({self._value(item)})"
        if value.size <= SMALL and np.isfinite(value).all() if value.dtype.kind in "fc" else value.size <= SMALL:
            return f"np.array({value.tolist()!r}, dtype=np.dtype({value.dtype.str!r})).reshape({value.shape})"
        name = f"array_{len(self._arrays) + 1}"
        self._arrays[name] = value
        return f"data[{name!r}]"

    def _place(self, text: str) -> str:
        """Return a text; of a path into what the check has written, one to a copy that stays."""
        if not Path(text).is_relative_to(self.temporary):
            return text
        path, kept = Path(text), self.saved / Path(text).relative_to(self.temporary)
        kept.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, kept, dirs_exist_ok=True)
        elif path.is_file():
            shutil.copy(path, kept)
        return str(kept)
