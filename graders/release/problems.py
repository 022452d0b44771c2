"""Why a starter kit is not handed out: what is stale, missing, broken or gives a solution away."""

from __future__ import annotations

import ast
import json
import re
import site
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from graders.course import PROJECT, Course
from graders.release.kit import Kit
from graders.release.skeleton import stale_skeletons
from graders.results.imports import sources_of

LINES_ALIKE = 3
CHARACTERS_ALIKE = 80
TRIAL = """
import importlib, json, sys
from pathlib import Path
kit, course, package, *checkout = sys.argv[1:]
sys.meta_path[:] = [one for one in sys.meta_path if not getattr(one, "__module__", "").startswith("__editable__")]
sys.path[:] = [kit, *(entry for entry in sys.path if str(Path(entry).resolve()) not in checkout)]
wrong = []
def attempt(what, act):
    try:
        act()
    except BaseException as error:  # of whatever kind: a module may also exit
        wrong.append(f"{what}: {type(error).__name__}: {error}")
def load():
    from graders.course import load_course
    from graders.judging.rubric import load_rubric
    import graders.student
    load_rubric(load_course(Path(kit, course)))
attempt("the checks", load)
sys.path.insert(0, str(Path(kit, package).parent))
for file in sorted(Path(kit, package).glob("step*.py")):
    attempt(f"{package}/{file.name}", lambda: importlib.import_module(f"{Path(package).name}.{file.stem}"))
print(json.dumps(wrong))
"""


@dataclass(frozen=True)
class Exercise:
    """Something to write: a function, or a class.

    Attributes:
        module: its step's module.
        name: what it is called.
        source: its skeleton.
    """

    module: str
    name: str
    source: str


def problems_of(kit: Kit, course: Course) -> list[str]:
    """Return why a kit cannot be handed out, a sentence each; nothing if it can."""
    found = [
        f"{course.package}/{name} is not the skeleton of the reference: run graders skeleton."
        for name in stale_skeletons(course.reference_folder, course.skeletons)
    ]
    found += [
        f"{one.module}.{one.name} has no example: put one (>>>) into its docstring in the reference."
        for one in exercises(course)
        if ">>>" not in one.source
    ]
    found += [
        f"no check is about {one.module}.{one.name}: write one, or mark it # given." for one in _unchecked(course)
    ]
    found += [f"{where} holds lines of the reference, such as {line!r}." for where, line in traces(kit, course)]
    return found or _trial(kit, course)


def exercises(course: Course) -> Iterator[Exercise]:
    """Yield what students have to write, from the skeletons."""
    for path in sorted(course.skeletons.glob("step*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            text = ast.get_source_segment(source, node) or ""
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and "raise NotImplementedError(" in text:
                yield Exercise(path.stem, node.name, text)


def _unchecked(course: Course) -> Iterator[Exercise]:
    """Yield the exercises that no check of their step names, nor what it imports of the checks."""
    packages = {course.checks: course.folder_of(course.checks)}
    named: dict[str, set[str]] = {}
    attributes: dict[Path, set[str]] = {}
    for step in course.steps:
        sources = sources_of([f"{course.checks}.{step.module}"], packages)
        for path in sources:
            if path not in attributes:
                tree = ast.parse(path.read_bytes())
                attributes[path] = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        named[step.module] = set().union(*(attributes[path] for path in sources))
    yield from (one for one in exercises(course) if one.name not in named.get(one.module, ()))


def traces(kit: Kit, course: Course) -> Iterator[tuple[str, str]]:
    """Yield the files of a kit in which lines of solutions stand, each with the first of them.

    Lines count that the skeletons do not have: so many in a row, and so long, that nobody writes them by chance.
    """
    skeletons = [path.read_text(encoding="utf-8") for path in course.skeletons.glob("step*.py")]
    known = {line for text in skeletons for line in _code_lines(text)}
    solved = {
        run: run[0]
        for path in sorted(course.reference_folder.rglob("*.py"))
        for run in _runs(path.read_text(encoding="utf-8"), known)
    }
    for name, content in kit.files.items():
        if name.endswith((".py", ".md", ".ipynb", ".txt", ".toml")):
            runs = _runs(content.decode("utf-8", "replace"), known)
            if line := next((solved[run] for run in runs if run in solved), ""):
                yield name, line


def _code_lines(text: str) -> Iterator[str]:
    """Yield a text's lines without indentation and comments, and without those that any code may have."""
    for line in text.splitlines():
        bare = re.sub(r"\s+#.*", "", line).strip()
        if bare and not bare.startswith(("#", "import ", "from ", "@")):
            yield bare


def _runs(text: str, known: Collection[str]) -> Iterator[tuple[str, ...]]:
    lines = [line for line in _code_lines(text) if line not in known]
    for at in range(len(lines) - LINES_ALIKE + 1):
        run = tuple(lines[at : at + LINES_ALIKE])
        if sum(map(len, run)) >= CHARACTERS_ALIKE:
            yield run


def _trial(kit: Kit, course: Course) -> list[str]:
    """Import, in a process of its own, what students are given: the skeletons, the checks and the command.

    Nothing of the checkout, or of where else the course stands, can be imported there: students have neither.
    """
    checkout = {str(folder.resolve()) for folder in (PROJECT, course.root, Path.cwd())}
    checkout -= {str(Path(folder).resolve()) for folder in site.getsitepackages()}
    with tempfile.TemporaryDirectory(prefix="graders-release-") as folder:
        kit.unpack(Path(folder))
        command = [sys.executable, "-I", "-B", "-X", "utf8", "-c", TRIAL, folder, kit.course, kit.package, *checkout]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)  # noqa: S603 - our own source
    try:
        wrong = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        wrong = [f"Python ended with {done.returncode}: {done.stderr[-500:]}"]
    return [f"the kit cannot be imported, {text}" for text in wrong]
