"""A student's own modules, judged in this process: breakpoints and tracebacks work, on every platform."""

from __future__ import annotations

import importlib
import random
import sys
import tempfile
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np

from graders.authoring.doubles import Doubles
from graders.checks import kit
from graders.judging.rubric import STEP_MODULE, Check
from graders.outcomes import NotImplementedYet, Outcome, import_hint

KIT = frozenset(Path(kit.__file__).with_name(name) for name in ("__init__.py", "training.py"))


class _LocalLab:
    """The student's `lab` package, its modules imported when first asked for."""

    def __init__(self, package: Path) -> None:
        self._package = package

    def __getattr__(self, name: str) -> _LocalModule:
        if not STEP_MODULE.fullmatch(name):
            raise AttributeError(name)
        if not (self._package / f"{name}.py").is_file():
            raise NotImplementedYet(f"{name}.py is not in {self._package}.")
        return _LocalModule(_load(name), name)


def _load(module: str) -> ModuleType:
    return importlib.import_module(f"lab.{module}")


class _LocalModule:
    """A step module whose missing names say so."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self._module = module
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if not hasattr(self._module, name):
            raise NotImplementedYet(f"{self._name} has no {name}; keep the names of the skeleton.")
        return getattr(self._module, name)


class LocalSubject:
    """A student's own checkout, run in this process, where breakpoints and tracebacks work.

    Use as a context manager; leaving it removes the folders that checks wrote.

    Args:
        root: the folder that holds the `lab` package.
    """

    kit = kit

    def __init__(self, root: Path) -> None:
        self.package = root.resolve() / "lab"
        self.lab = _LocalLab(self.package)
        self.doubles = Doubles()
        kit.connect(lambda *question: self.doubles.answer(question))
        self._folder = tempfile.TemporaryDirectory(prefix="lab-check-")
        self._usual_folder = tempfile.tempdir
        sys.path.insert(0, str(root.resolve()))

    def __enter__(self) -> Self:
        tempfile.tempdir = self._folder.name  # what checks and submission leave in temporary files goes with it
        return self

    def __exit__(self, *exception: object) -> None:
        tempfile.tempdir = self._usual_folder
        self._folder.cleanup()

    def begin(self, check: Check) -> None:
        random.seed(check.step)
        np.random.seed(check.step)  # noqa: NPY002 - the generator that students' code may use
        if "torch" in sys.modules:
            sys.modules["torch"].manual_seed(check.step)

    def inputs(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._folder.name))

    def shown(self, text: str) -> str:
        return text

    def explain(self, error: BaseException) -> tuple[Outcome, str]:
        where = self.line_of(error)
        if isinstance(error, NotImplementedError) and where:
            return Outcome.NOT_IMPLEMENTED, str(error)
        if isinstance(error, AssertionError) and not where:
            return Outcome.FAILED, str(error)
        text = f"{type(error).__name__}: {error}"
        if isinstance(error, SyntaxError):
            return Outcome.STUDENT_ERROR, f"{text} [{Path(error.filename or '?').name} line {error.lineno}]"
        if where or self._below_kit(error):
            return Outcome.STUDENT_ERROR, f"{text} [{where}]" if where else text
        return Outcome.HARNESS_FAULT, "".join(traceback.format_exception(error)[-3:])

    def hint(self, error: BaseException) -> str:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code is _load.__code__:
                return import_hint(frame.f_locals["module"])
        return ""

    def line_of(self, error: BaseException) -> str:
        """Return the last line of the student's through which an exception passed, in words; nothing without one."""
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if self._is_students(frame.filename)]
        return f"{Path(frames[-1].filename).name} line {frames[-1].lineno}, in {frames[-1].name}" if frames else ""

    @staticmethod
    def _below_kit(error: BaseException) -> bool:
        """Tell whether an exception comes out of the kit, which works on nothing but what the student's code made."""
        files = {Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)}
        return not files.isdisjoint(KIT)

    def _is_students(self, filename: str) -> bool:
        return Path(filename).is_relative_to(self.package)
