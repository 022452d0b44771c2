"""A folder with one entry for each hand-in, called after whoever handed it in; also clones of GitHub repositories."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection
from pathlib import PurePosixPath

from graders.intake.archives import is_archive
from graders.intake.layouts.handin import Handin
from graders.intake.layouts.parts import Part, Parts
from graders.intake.spelling import looks_like_python

NOTEBOOK = ".ipynb"
TARBALL = ".tar"
STEP = re.compile(r"step[\W_]*\d", re.IGNORECASE)


def take_apart(names: Collection[PurePosixPath]) -> Parts:
    """Return the hand-ins: folders, archives and notebooks, each called after its student."""
    files: dict[str, dict[PurePosixPath, PurePosixPath]] = {}
    left = []
    for name in sorted(names):
        top = name.parts[0]
        if len(name.parts) > 1:
            files.setdefault(top, {})[PurePosixPath(*name.parts[1:])] = name
        elif is_archive(top) or top.lower().endswith(NOTEBOOK):
            files.setdefault(top, {})[name] = name
        else:
            left.append(f"{name}: neither a folder, nor an archive, nor a notebook")
    return Parts([Part(Handin(name=_stem(top)), inside) for top, inside in files.items()], left)


def sign_of_a_handin(names: Collection[PurePosixPath], package: str) -> str:
    """Return what says that files are those of one hand-in: a step module at the top, or the students' package.

    Nothing if they are not: another Python file beside hand-ins is a stray one.
    """
    for name in sorted(names):
        top = name.parts[0]
        if len(name.parts) == 1 and STEP.match(top) and looks_like_python(name):
            return top
        if len(name.parts) > 1 and top.casefold() == package.casefold():
            return f"{top}/"
    return ""


def take_repositories_apart(names: Collection[PurePosixPath]) -> Parts:
    """Return the hand-ins of clones called `assignment-user`, as `gh` and Classroom's tools make them.

    What all of them begin with, up to a hyphen, is the assignment. Times of commits are whatever their authors say, so
    that none is taken.
    """
    found = take_apart(names)
    whole = [part.handin.name for part in found.parts]
    shared = "-".join(_common_beginning([name.split("-") for name in whole])) if len(whole) > 1 else ""
    parts = [
        Part(Handin(name=user, ids={"github": user}), part.files)
        for part in found.parts
        for user in [part.handin.name.removeprefix(f"{shared}-" if shared else "")]
    ]
    return Parts(parts, found.left)


def _common_beginning(names: Collection[list[str]]) -> list[str]:
    """Return the parts with which all names begin; at least one part of each is left."""
    levels = itertools.takewhile(lambda level: len(set(level)) == 1, zip(*(name[:-1] for name in names), strict=False))
    return [level[0] for level in levels]


def _stem(name: str) -> str:
    stem = PurePosixPath(name).stem if is_archive(name) or name.lower().endswith(NOTEBOOK) else name
    return stem.removesuffix(TARBALL)
