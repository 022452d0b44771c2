"""A student's own modules, judged in this process: breakpoints and tracebacks work, on every platform."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tempfile
import traceback
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, Self

from graders.authoring.doubles import Doubles
from graders.course import STEP_MODULE, Course
from graders.judging.hints.situation import Situation
from graders.judging.rubric import Check
from graders.members import Members, owner_outside
from graders.outcomes import NotImplementedYet, Outcome, raised_by
from graders.seeding import seed_libraries
from graders.text import text_of

EXAMPLE_STRIDE = 100  # more than any number of a step


class _LocalPackage:
    """The student's package, its modules imported when first asked for."""

    def __init__(self, name: str, folder: Path, members: Members) -> None:
        self._name = name
        self._folder = folder
        self._members = members

    def __getattr__(self, name: str) -> _LocalModule:
        if not STEP_MODULE.fullmatch(name):
            raise AttributeError(name)
        if not (self._folder / f"{name}.py").is_file():
            raise NotImplementedYet(f"{name}.py is not in {self._folder}.")
        return _LocalModule(_load(f"{self._name}.{name}", self._folder), name, self._members)


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
    """

    def __init__(self, course: Course, root: Path) -> None:
        self.course = course
        self.folder = root.resolve() / course.package
        self._members = Members()
        self.package = _LocalPackage(course.package, self.folder, self._members)
        self.doubles = Doubles()
        self._step = 0
        kit: Any = course.load(course.sandbox.kit) if course.sandbox.kit else None
        self.kit = kit
        if hasattr(kit, "connect"):
            kit.connect(lambda *question: self.doubles.answer(question))
        self._temporary = tempfile.TemporaryDirectory(prefix="check-")
        self._usual_folder = tempfile.tempdir
        sys.path.insert(0, str(root.resolve()))

    def __enter__(self) -> Self:
        tempfile.tempdir = self._temporary.name  # what checks and submission leave in temporary files goes with it
        return self

    def __exit__(self, *exception: object) -> None:
        tempfile.tempdir = self._usual_folder
        self._temporary.cleanup()

    def begin(self, check: Check) -> None:
        self._members.forget()
        self._step = check.step
        seed_libraries(check.step)

    def begin_example(self, number: int) -> None:
        seed_libraries(number * EXAMPLE_STRIDE + self._step)

    def inputs(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._temporary.name))

    def shown(self, text: str) -> str:
        return text

    def explain(self, error: BaseException) -> tuple[Outcome, str]:
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
            if _is_of(frame, self.course.package)
        ]
        return lines[-1] if lines else ""

    def _passed_kit(self, error: BaseException) -> bool:
        """Tell whether an exception comes out of the kit, which works on nothing but what the student's code made."""
        kit = self.course.sandbox.kit
        return bool(kit) and any(_is_of(frame, kit) for frame, _ in traceback.walk_tb(error.__traceback__))


def _is_of(frame: FrameType, package: str) -> bool:
    """Tell whether a frame runs code of a package, by the name of its module."""
    name = str(frame.f_globals.get("__name__"))
    return name == package or name.startswith(f"{package}.")
