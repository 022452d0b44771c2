"""What a result was computed with: versions, and a fingerprint of all that it depends on."""

from __future__ import annotations

import functools
import hashlib
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from graders.course import ENGINE, FILE, PROJECT, Course
from graders.judging.rubric import Check

SOURCES = ("*.py", "*.toml", "*.json")


@functools.cache
def versions(libraries: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of Python and of the distributions that a result depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in libraries}}


def fingerprint(course: Course, digest: str, rubric: Sequence[Check], seed: int) -> str:
    """Hash what a result depends on: the submission, checks, harness, oracle, held-out data, seed, versions.

    The written questions, the thresholds and the manifest of the data count as source.

    Args:
        course: the course.
        digest: of the submission.
        rubric: the checks.
        seed: of all random inputs.
    """
    asked = (digest, seed, sorted(versions(course.libraries).items()), [check.id for check in rubric])
    total = hashlib.sha256(repr(asked).encode())
    for source in _sources(course):
        total.update(source.read_bytes())
    return total.hexdigest()


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


def _sources(course: Course) -> list[Path]:
    packages = (course.checks, course.reference, *course.decisive)
    folders = {PROJECT / ENGINE, *map(course.folder_of, packages)}
    found = {path for folder in folders for name in SOURCES for path in folder.rglob(name)}
    return sorted({*found, course.folder / FILE, *course.held_out_files})
