"""A course as a value: what students write, who checks it, and what their code must never see.

A course is a folder with a `course.toml`; the engine knows no other. Its steps are those that have checks.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Literal, NamedTuple

import msgspec

from graders.outcomes import BadInput, HarnessFault
from graders.policy import Grades

PROJECT = Path(__file__).resolve().parents[1]
"""The folder that holds this package, in a checkout or where it is installed."""

OWN_COURSE = PROJECT / "graders" / "checks"
FILE = "course.toml"
STEP_MODULE = re.compile(r"step(?P<number>[0-9]{2})_\w+")
ENGINE = "graders"


class BadCourse(BadInput):
    """A `course.toml` is missing or wrong; the message says where, and what to do."""


class Step(NamedTuple):
    """One step of a course: its number, and the name of its module, `stepNN_name`."""

    number: int
    module: str

    @property
    def label(self) -> str:
        """How ids of checks and files of answers begin: `stepNN`."""
        return step_label(self.number)


def step_label(number: int) -> str:
    """Return how ids of checks and files of answers of a step begin: `stepNN`."""
    return f"step{number:02d}"


class Dropped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A check that turned out faulty.

    Attributes:
        check: its id.
        reason: what students are told, one sentence.
        points: whether everybody gets its points, or they are taken off the total.
    """

    check: str
    reason: str
    points: Literal["to all", "to none"] = "to none"


class Sandbox(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What runs beside students' code.

    Attributes:
        kit: import name of what the course gives to students' code, beside which it runs; empty for none.
        compiling: packages that compile parts of themselves on their first import.
        adaptations: import name of the module whose `adapt_libraries()` fits the loaded libraries to a worker.
        unreadable: packages that no worker may read, besides the engine, the skeletons and the reference.
        environment: variables that the libraries want to be set, in the server and at a student's home.
        kept_variables: names of variables of the user's that the server keeps.
    """

    kit: str = ""
    compiling: tuple[str, ...] = ()
    adaptations: str = ""
    unreadable: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    kept_variables: tuple[str, ...] = ()


class Loads(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is loaded once, before any student code runs, if one of these steps is graded.

    Attributes:
        steps: their numbers; none means all.
        server: modules that the warm server loads before it forks workers.
        on_demand: modules that it loads when a submission's files first name one of their packages.
        named: others that it loads when a submission's files first hold one of some texts, such as names of functions.
        judge: modules that every judge uses.
    """

    steps: tuple[int, ...] = ()
    server: tuple[str, ...] = ()
    on_demand: tuple[str, ...] = ()
    named: dict[str, tuple[str, ...]] = {}
    judge: tuple[str, ...] = ()


class Hint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an exception means where this course is graded, such as one of a library that the course uses.

    Attributes:
        pattern: a regular expression, found in the name of its class and what it says: `KeyError: 'a'`.
        hint: what to do about it, one sentence.
    """

    pattern: str
    hint: str


class HeldOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Data that students are not given.

    Attributes:
        files: paths from the course's folder.
        remedy: how to get them, one sentence.
    """

    files: tuple[str, ...] = ()
    remedy: str = ""


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How written questions are asked and answered.

    Attributes:
        questions: the file of questions, from the course's folder; empty for none.
        marker: the line below which an answer stands.
        question_words: what may stand before a question's number in a heading, such as `Question`.
        step_words: what a heading of a step begins with, such as `Step`.
    """

    questions: str = ""
    marker: str = ""
    question_words: tuple[str, ...] = ()
    step_words: tuple[str, ...] = ()


class Notebooks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out of a notebook.

    Attributes:
        long_calls: last parts of the names of calls that train; statements at the top level that make one are left out.
    """

    long_calls: tuple[str, ...] = ()


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What students are given, besides the course itself.

    Attributes:
        name: of the starter kit's zip, and of the folder in it; without one, it is made of the title.
        readme: what its README says of this course, Markdown, a path from the course's folder; empty for nothing.
    """

    name: str = ""
    readme: str = ""


class Audit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Submissions whose verdicts are known; all paths are from the course's folder, all empty for none.

    Attributes:
        mistakes: folder of changes that make the reference wrong, a file for each step module.
        variants: folder of right submissions that are unlike the reference.
        complete: a right submission that stands on its own.
        changes: file of changes that leave the reference right.
        operators: import name of the module whose `OPERATORS` make mutants of the reference, besides mutmut's.
        survivors: file of what was found out about mutants that pass all checks.
        kill_rate: part of the mutants that the checks have to tell, of those that are wrong.
        experiments: import name of the module whose `EXPERIMENTS` train students' code.
        thresholds: what calibration writes.
        figures: import name of the module whose `GROUPS` measure figures of the course.
    """

    mistakes: str = ""
    variants: str = ""
    complete: str = ""
    changes: str = ""
    operators: str = ""
    survivors: str = ""
    kill_rate: float = 0.0
    experiments: str = ""
    thresholds: str = ""
    figures: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    points: float
    root: str
    package: str
    reference: str
    checks: str
    data: str = ""
    figures: str = ""
    loads: tuple[Loads, ...] = ()
    decisive: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    sandbox: Sandbox = Sandbox()
    held_out: HeldOut = HeldOut()
    written: Written = Written()
    notebooks: Notebooks = Notebooks()
    words: str = ""
    grades: Grades = Grades()
    release: Release = Release()
    audit: Audit = Audit()
    dropped: tuple[Dropped, ...] = ()
    hints: tuple[Hint, ...] = ()


@dataclass(frozen=True)
class Course:
    """One course, as its `course.toml` says.

    Attributes:
        folder: where its `course.toml` stands.
        title: what it is called.
        points: what all its checks together are worth, without those that were dropped and given to none.
        root: the folder in which Python finds its packages.
        package: import name of what students write.
        reference: import name of the same, complete.
        checks: import name of the package of checks.
        data: folder of the data that checks work on, from its own; empty for none.
        figures: import name of the module whose `FIGURES` students' code draws; empty for none.
        loads: what is loaded beforehand for which steps.
        decisive: packages besides engine, checks and reference on which verdicts depend.
        libraries: distributions whose versions a result records.
        words: folder of translations, from its own, with a folder for each language; empty for none.
        grades: how attempts become a student's total.
        dropped: checks that turned out faulty, by id.
        hints: what exceptions mean, where the engine does not know it.
    """

    folder: Path
    title: str
    points: float
    root: Path
    package: str
    reference: str
    checks: str
    data: str
    figures: str
    loads: tuple[Loads, ...]
    decisive: tuple[str, ...]
    libraries: tuple[str, ...]
    sandbox: Sandbox
    held_out: HeldOut
    written: Written
    notebooks: Notebooks
    words: str
    grades: Grades
    release: Release
    audit: Audit
    dropped: Mapping[str, Dropped]
    hints: tuple[Hint, ...]

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps that have checks, in their order."""
        found = (STEP_MODULE.fullmatch(path.stem) for path in sorted(self.folder_of(self.checks).glob("step*.py")))
        return tuple(Step(int(match["number"]), match[0]) for match in found if match)

    def step(self, number: int) -> Step:
        """Return a step by its number; raises `LookupError` if it has no checks."""
        return next((step for step in self.steps if step.number == number), None) or _no_step(number)

    def step_of_check(self, check_id: str) -> Step:
        """Return the step of a check by its id, `stepNN.name`."""
        found = next((step for step in self.steps if check_id.startswith(f"{step.label}.")), None)
        if found is None:
            raise BadCourse(f"{check_id!r} is no id of a check of this course; ids begin with {self.steps[0].label}.")
        return found

    @property
    def modules(self) -> list[str]:
        """The names of the step modules, in the order of steps."""
        return [step.module for step in self.steps]

    def loads_for(self, steps: Collection[int]) -> Loads:
        """Return what is loaded beforehand to grade some steps; none means all."""
        wanted = [one for one in self.loads if not steps or not one.steps or set(steps).intersection(one.steps)]
        named: dict[str, tuple[str, ...]] = {}
        for name, texts in (item for one in wanted for item in one.named.items()):
            named[name] = tuple(dict.fromkeys((*named.get(name, ()), *texts)))
        return Loads(
            tuple(steps),
            tuple(dict.fromkeys(name for one in wanted for name in one.server)),
            tuple(dict.fromkeys(name for one in wanted for name in one.on_demand)),
            named,
            tuple(dict.fromkeys(name for one in wanted for name in one.judge)),
        )

    @property
    def skeletons(self) -> Path:
        """The folder of what students are given to fill in."""
        return self.folder_of(self.package)

    @property
    def reference_folder(self) -> Path:
        """The folder of the reference."""
        return self.folder_of(self.reference)

    @property
    def unreadable(self) -> frozenset[str]:
        """The names of the packages that no worker may read, wherever they are installed."""
        named = (ENGINE, self.package, self.reference, self.checks, *self.sandbox.unreadable)
        return frozenset(name.partition(".")[0] for name in named)

    @property
    def held_out_files(self) -> list[Path]:
        """The files that students are not given; raises `HarnessFault` if one is missing."""
        paths = [self.path(name) for name in self.held_out.files]
        missing = [path for path in paths if not path.is_file()]
        if missing:
            raise HarnessFault(
                f"the held-out data are missing ({missing[0]}): without them a submission could know its inputs "
                f"beforehand. {self.held_out.remedy}".rstrip()
            )
        return paths

    @property
    def words_folder(self) -> Path | None:
        """The folder of translations, if the course names one."""
        return self.path(self.words) if self.words else None

    def path(self, relative: str) -> Path:
        """Return a path that `course.toml` names, as an absolute one."""
        return Path(os.path.normpath(self.folder / relative))

    def folder_of(self, package: str) -> Path:
        """Return the folder of one of the course's packages."""
        return self.root.joinpath(*package.split("."))

    def make_importable(self) -> None:
        """Let this process import the course's packages."""
        if str(self.root) not in sys.path:
            sys.path.insert(0, str(self.root))

    def load(self, name: str) -> ModuleType:
        """Import one of the course's modules."""
        self.make_importable()
        return importlib.import_module(name)


def load_course(folder: Path = OWN_COURSE) -> Course:
    """Read a course.

    Args:
        folder: the folder of its `course.toml`, or the file itself.

    Raises:
        BadCourse: there is none, or it is wrong.
    """
    path = folder if folder.name == FILE else folder / FILE
    try:
        raw = msgspec.toml.decode(path.read_bytes(), type=_File)
    except OSError as error:
        raise BadCourse(f"{path}: cannot be read ({error.strerror}); --course names a folder with a {FILE}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadCourse(f"{path}: {error}.") from error
    for one in raw.hints:
        try:
            re.compile(one.pattern)
        except re.error as error:
            raise BadCourse(
                f"{path}: the pattern {one.pattern!r} of a hint is no regular expression, {error}."
            ) from error
    where = path.resolve().parent
    values = {name: getattr(raw, name) for name in raw.__struct_fields__}
    course = Course(
        **{
            **values,
            "folder": where,
            "root": Path(os.path.normpath(where / raw.root)),
            "dropped": {one.check: one for one in raw.dropped},
        }
    )
    if not course.folder_of(course.checks).is_dir():
        raise BadCourse(f"{path}: there is no package {course.checks} in {course.root}; check root and checks.")
    if not course.steps:
        raise BadCourse(f"{path}: {course.checks} holds no step; checks stand in modules called stepNN_name.py.")
    return course


def _no_step(number: int) -> Step:
    raise LookupError(f"no checks exist for step {number}")
