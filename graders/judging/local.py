"""A student's own modules, judged in this process: breakpoints and tracebacks work, on every platform."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import FrameType, ModuleType, TracebackType
from typing import Any, Self

from graders.authoring.doubles import Doubles
from graders.course import STEP_MODULE, Course
from graders.judging.hints.situation import Situation
from graders.judging.rubric import Check
from graders.judging.switches import remember
from graders.members import Members, owner_outside
from graders.outcomes import Died, NotImplementedYet, Outcome, raised_by
from graders.seeding import seed_libraries
from graders.text import text_of

NO_STEP = 0
ALIKE = 0.8  # of the letters of two names: what was misspelt or renamed by a browser, and not the next step
EXAMPLE_STRIDE = 100  # more than any number of a step


@dataclass(frozen=True)
class Imports:
    """What is known of the modules that student code has.

    Attributes:
        note: called with the name of a module that is going to be imported, and without one when it is.
        spoiled: modules that end the process when they are imported, and the message that says so.
    """

    note: Callable[[str], None] = lambda _: None
    spoiled: Mapping[str, str] = field(default_factory=dict)


class _LocalPackage:
    """The student's package, its modules imported when first asked for."""

    def __init__(self, name: str, folder: Path, members: Members, imports: Imports) -> None:
        self._name = name
        self._folder = folder
        self._members = members
        self._imports = imports
        self._failures: dict[str, tuple[Exception, TracebackType | None]] = {}

    def __getattr__(self, name: str) -> _LocalModule:
        if not STEP_MODULE.fullmatch(name):
            raise AttributeError(name)
        if not (self._folder / f"{name}.py").is_file():
            there = sorted(path.name for path in self._folder.glob("*.*"))
            if near := get_close_matches(f"{name}.py", there, 1, ALIKE):
                raise NotImplementedYet(f"{name}.py is not in {self._folder}. If {near[0]} is meant, rename it.")
            raise NotImplementedYet(f"{name}.py is not in {self._folder}.")
        return _LocalModule(self._import(f"{self._name}.{name}"), name, self._members)

    def _import(self, module: str) -> ModuleType:
        """Import a module; what that ended with, it ends with again, without another try, as in a worker."""
        if module in self._imports.spoiled:
            raise Died(self._imports.spoiled[module])
        if module in self._failures:
            error, trace = self._failures[module]
            raise error.with_traceback(trace)
        if module in sys.modules:
            return _load(module, self._folder)
        self._imports.note(module)
        try:
            return _load(module, self._folder)
        except Exception as error:
            self._failures[module] = error, error.__traceback__
            raise
        finally:
            self._imports.note("")

    def forget(self) -> None:
        """Let modules be imported again, as the worker of another step does."""
        self._failures.clear()
        for name in [name for name in sys.modules if name == self._name or name.startswith(f"{self._name}.")]:
            del sys.modules[name]


def _load(module: str, folder: Path) -> ModuleType:
    """Import a module of the student's package, from this folder: another of that name may be installed."""
    package = module.partition(".")[0]
    if list(getattr(sys.modules.get(package), "__path__", [])) != [str(folder)]:
        _load_package(package, folder)
    return importlib.import_module(module)


def _load_package(name: str, folder: Path) -> None:
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    if (folder / "__init__.py").is_file():
        places = [str(folder)]
        spec = importlib.util.spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=places)
        assert spec is not None
        assert spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        sys.modules[name] = package
        spec.loader.exec_module(package)
    sys.modules[name] = package


class _LocalModule:
    """A step module whose missing names say so."""

    def __init__(self, module: ModuleType, name: str, members: Members) -> None:
        self._module = module
        self._name = name
        self._members = members

    def __getattr__(self, name: str) -> Any:
        if not hasattr(self._module, name):
            raise NotImplementedYet(f"{self._name} has no {name}; keep the names of the skeleton.")
        member = getattr(self._module, name)
        self._members.asked.pop(f"{self._name}.{name}", None)
        self._members.asked[f"{self._name}.{name}"] = member
        owner = owner_outside(member, self._module.__name__.partition(".")[0])
        if owner:
            self._members.strangers[f"{self._name}.{name}"] = owner
        elif not callable(member):
            self._members.values[f"{self._name}.{name}"] = type(member).__name__
        return member


class LocalSubject:
    """A student's own checkout, run in this process, where breakpoints and tracebacks work.

    Use as a context manager; leaving it removes the folders that checks wrote.

    Args:
        course: the course.
        root: the folder that holds the student's package.
        imports: what is known of its modules.
        temporary: a folder for what checks write.

    Attributes:
        last_error: what ended the check in progress, as far as it had to be explained.
    """

    last_error: BaseException | None = None

    def __init__(self, course: Course, root: Path, imports: Imports = Imports(), temporary: Path | None = None) -> None:
        self.course = course
        self.folder = root.resolve() / course.package
        self._members = Members()
        self.package = _LocalPackage(course.package, self.folder, self._members, imports)
        self.doubles = Doubles()
        self._step = NO_STEP
        self._set_back: Callable[[], None] = lambda: None
        adaptations = course.load(course.sandbox.adaptations) if course.sandbox.adaptations else None
        self._reset_libraries: Callable[[], None] = getattr(adaptations, "reset_libraries", lambda: None)
        kit: Any = course.load(course.sandbox.kit) if course.sandbox.kit else None
        self.kit = kit
        if hasattr(kit, "connect"):
            kit.connect(lambda *question: self.doubles.answer(question))
        self._temporary = tempfile.TemporaryDirectory(prefix="check-", dir=temporary)
        self._usual_folder = tempfile.tempdir
        sys.path.insert(0, str(root.resolve()))

    @property
    def temporary(self) -> Path:
        """The folder in which checks write what student code reads."""
        return Path(self._temporary.name)

    @property
    def asked(self) -> Mapping[str, object]:
        """What the check in progress has asked for of step modules, as `MODULE.NAME`, the last one at the end."""
        return self._members.asked

    def __enter__(self) -> Self:
        tempfile.tempdir = self._temporary.name  # what checks and submission leave in temporary files goes with it
        return self

    def __exit__(self, *exception: object) -> None:
        tempfile.tempdir = self._usual_folder
        self._temporary.cleanup()

    def begin(self, check: Check) -> None:
        self._members.forget()
        self.last_error = None
        if self._step == NO_STEP:
            self._set_back = remember()
        elif self._step != check.step:  # where it is graded, each step has a process of its own
            self._set_back()
            self._reset_libraries()
            self.package.forget()
        self._step = check.step
        seed_libraries(check.step)

    def begin_example(self, number: int) -> None:
        seed_libraries(number * EXAMPLE_STRIDE + self._step)

    def inputs(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._temporary.name))

    def shown(self, text: str) -> str:
        return text

    def explain(self, error: BaseException) -> tuple[Outcome, str]:
        self.last_error = error
        where = self.line_of(error)
        if isinstance(error, NotImplementedError) and where:
            return Outcome.NOT_IMPLEMENTED, text_of(error)
        if isinstance(error, AssertionError) and not where:
            return Outcome.FAILED, text_of(error)
        text = f"{type(error).__name__}: {text_of(error)}"
        if isinstance(error, SyntaxError):
            return Outcome.STUDENT_ERROR, f"{text} [{Path(error.filename or '?').name} line {error.lineno}]"
        if where or self._passed_kit(error):
            return Outcome.STUDENT_ERROR, f"{text} [{where}]" if where else text
        return Outcome.HARNESS_FAULT, "".join(traceback.format_exception(error)[-3:])

    def situation(self, error: BaseException) -> Situation:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        importing = [str(frame.f_locals["module"]) for frame in frames if frame.f_code is _load.__code__]
        where = self.line_of(error)
        return Situation(
            package=self.course.package,
            raised=raised_by(error, self.course.package, [where] if where else []),
            importing=importing[0] if importing else "",
            at_home=True,
            modules=frozenset(path.stem for path in self.folder.glob("*.py")),
            no_part=self.course.unreadable - {self.course.package},
            given=(f"{self._temporary.name}/",),
            strangers=dict(self._members.strangers),
            values=dict(self._members.values),
        )

    def line_of(self, error: BaseException) -> str:
        """Return the last line of the student's through which an exception passed; nothing without one."""
        lines = [
            f"{Path(frame.f_code.co_filename).name} line {number}, in {frame.f_code.co_name}"
            for frame, number in traceback.walk_tb(error.__traceback__)
            if is_of(frame, self.course.package)
        ]
        return lines[-1] if lines else ""

    def _passed_kit(self, error: BaseException) -> bool:
        """Tell whether an exception comes out of the kit, which works on nothing but what the student's code made."""
        kit = self.course.sandbox.kit
        return bool(kit) and any(is_of(frame, kit) for frame, _ in traceback.walk_tb(error.__traceback__))


def is_of(frame: FrameType, package: str) -> bool:
    """Tell whether a frame runs code of a package, by the name of its module."""
    name = str(frame.f_globals.get("__name__"))
    return name == package or name.startswith(f"{package}.")
