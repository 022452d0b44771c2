"""What a result was computed with: versions, and a key for each step of all that its verdicts depend on."""

from __future__ import annotations

import ast
import functools
import hashlib
import platform
import re
from importlib.metadata import version
from pathlib import Path

import msgspec

from graders.authoring.thresholds import Calibrated
from graders.course import ENGINE, PROJECT, Course, Step
from graders.results.imports import modules_below, sources_of

# What judges a submission; whatever these import of the engine decides verdicts too.
JUDGING = (
    f"{ENGINE}.judging.judge",
    f"{ENGINE}.judging.confined",
    f"{ENGINE}.sandbox.server",
    f"{ENGINE}.grading.grade",
)
# What `grade` imports only to read submissions and to keep results decides no verdict.
NOT_JUDGING = ("intake", "results")
MANIFEST = "manifest.json"
DECORATOR, POINTS = "check", "points"
WORD = re.compile(r"\w+")


@functools.cache
def versions(libraries: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of Python and of the distributions that a result depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in libraries}}


def step_key(course: Course, step: Step) -> str:
    """Hash all that decides the verdicts of a step, besides the submission and the seed.

    That is: the step's checks and what they import, the kit, what judges and what that imports, the thresholds of the
    step, the data, the held-out data, versions, and what `course.toml` says of the sandbox. Neither points nor pages.
    """
    total = hashlib.sha256(repr(sorted(versions(course.libraries).items())).encode())
    total.update(msgspec.json.encode([course.package, course.sandbox, course.loads, course.held_out, course.data]))
    checks = course.folder_of(course.checks) / f"{step.module}.py"
    marks = []
    for source in (*_sources(course, step), *course.held_out_files):
        content = _without_points(source) if source == checks else source.read_bytes()
        marks.append(f"{source.name}\0".encode() + hashlib.sha256(content).digest())
    total.update(b"".join(sorted(marks)))  # where the folders are, and so their order, is another on each machine
    total.update(_thresholds(course, step) + (_data(course.path(course.data)) if course.data else b""))
    return total.hexdigest()


def _without_points(checks: Path) -> bytes:
    """Return what a module of checks says, but for the points that `@check` gives."""
    tree = ast.parse(checks.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == DECORATOR:
                    call.keywords = [one for one in call.keywords if one.arg != POINTS]
    return ast.dump(tree).encode()


def secret_of(course: Course) -> bytes:
    """Hash what no student has: the held-out data, or, of a course that has none, the reference.

    It goes into every seed, so that no submission can compute its own.

    Raises:
        HarnessFault: held-out data are missing.
    """
    total = hashlib.sha256()
    for path in course.held_out_files or sorted(course.reference_folder.rglob("*.py")):
        total.update(path.read_bytes())
    return total.digest()


def modules_called(course: Course, step: Step) -> frozenset[str]:
    """Return the step modules that the checks of a step may call: its own, and those that their sources name."""
    words = {word for source in _sources(course, step) for word in WORD.findall(source.read_text(encoding="utf-8"))}
    return frozenset({step.module} | (words & set(course.modules)))


def _sources(course: Course, step: Step) -> list[Path]:
    named = (course.checks, course.reference, course.package, *course.decisive)
    packages = {name: course.folder_of(name) for name in named}
    kit = course.sandbox.kit
    own = [f"{course.checks}.{step.module}"]
    if kit:
        packages[kit] = course.folder_of(kit)
        own += modules_below(kit, packages[kit])
    engine = {
        f"{ENGINE}.{path.stem}" if path.is_file() else f"{ENGINE}.{path.name}": path.with_suffix("")
        for path in (PROJECT / ENGINE).iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").is_file()) and path.with_suffix("").name not in NOT_JUDGING
    }
    mine = {name: folder for name, folder in engine.items() if folder not in packages.values()}
    return sources_of([*own, *JUDGING], {**packages, **mine})


def _thresholds(course: Course, step: Step) -> bytes:
    file = course.path(course.audit.thresholds) if course.audit.thresholds else None
    if file is None or not file.is_file():
        return b""
    rows = msgspec.json.decode(file.read_bytes(), type=list[Calibrated])
    return repr([(row.check, row.threshold) for row in rows if row.check.startswith(f"{step.label}.")]).encode()


def _data(folder: Path) -> bytes:
    """Return what tells one data set from another: its manifest, or else names, sizes and times of its files."""
    manifest = folder / MANIFEST
    if manifest.is_file():
        return hashlib.sha256(manifest.read_bytes()).digest()
    if not folder.is_dir():
        return b""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    seen = [(path.relative_to(folder).as_posix(), path.stat().st_size, path.stat().st_mtime_ns) for path in found]
    return hashlib.sha256(repr(seen).encode()).digest()
