"""The students' package in a submission: where it is, which of its files an import finds, and what is odd about them.

Python looks for the module that a program names in the name's normal form NFKC, whatever form the program is written
in. Archives made on macOS spell `ή` with two characters, so that on Linux nothing there would be found: files are
known by the normal form of their paths here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import TypeVar

from graders.course import STEP_MODULE
from graders.text import quoted

PATH_CHARACTERS = 1000
PART_CHARACTERS = 255
NAME_BYTES = 240
NAMES_SHOWN = 5
NAME_CHARACTERS = 60
NOTES_OF_A_KIND = 10
ENCODING_BYTES = 1000
ENCODING = re.compile(rb"(?:[ \t\f]*(?:#[^\n]*)?\n)?[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+")

Content = TypeVar("Content")
Spellings = Mapping[PurePosixPath, Mapping[str, Content]]


def normal_path(spelled: str) -> PurePosixPath | None:
    """Return a path in the form in which an import looks for it, or None if no module has such a path."""
    if spelled.isascii():
        return PurePosixPath(spelled) if len(spelled) <= PATH_CHARACTERS else None
    # Longer parts are on no disk, and normalising takes time that grows with the square of their length.
    parts = spelled.split("/")
    if len(spelled) > PATH_CHARACTERS or max(map(len, parts)) > PART_CHARACTERS:
        return None
    return PurePosixPath("/".join(unicodedata.normalize("NFKC", part) for part in parts))


def chosen(spellings: Spellings[Content]) -> dict[PurePosixPath, Content]:
    """Return one file for each path: of several spellings the normal one, or else the first in alphabetical order."""
    return {
        name: variants[str(name) if str(name) in variants else min(variants)] for name, variants in spellings.items()
    }


def package_root(names: Iterable[PurePosixPath], package: str) -> PurePosixPath | None:
    """Return the shallowest folder that holds step modules; one called as the package comes first."""
    folders = _folders_of_steps(names)
    return min(folders, key=lambda folder: (folder.name != package, len(folder.parts), str(folder)), default=None)


def _folders_of_steps(names: Iterable[PurePosixPath]) -> set[PurePosixPath]:
    return {name.parent for name in names if STEP_MODULE.fullmatch(name.stem)}


def notes_on_folders(names: Iterable[PurePosixPath], root: PurePosixPath) -> list[str]:
    """Say which other folders of a submission hold step modules too: perhaps its author meant one of them."""
    others = sorted(str(folder) for folder in _folders_of_steps(names) - {root})
    read = quoted(root, NAME_CHARACTERS)
    return _few(
        [f"{quoted(other, NAME_CHARACTERS)}: it holds step modules too; those in {read} were read" for other in others]
    )


def package(files: Mapping[PurePosixPath, Content], root: PurePosixPath) -> dict[str, Content]:
    """Return the files below a folder that an import finds, by path inside the folder, in order of path."""
    inside = {name.relative_to(root): data for name, data in files.items() if name.is_relative_to(root)}
    return {str(name): inside[name] for name in sorted(inside) if _importable(name)}


def _importable(name: PurePosixPath) -> bool:
    """Tell whether `import` could find a file, which also leaves out names that cannot be written to a disk."""
    words = all(part.isidentifier() for part in (*name.parent.parts, name.stem))
    return words and len(str(name).encode()) <= NAME_BYTES


def notes_on_names(files: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Say which of a package's files share a name, or would on a disk that knows no letter case.

    Args:
        files: for each path inside the package, its spellings in the submission.
    """
    alike: dict[str, list[str]] = {}
    for name in files:
        alike.setdefault(name.casefold(), []).append(name)
    spelled = [
        f"{name}: {len(spellings)} files have this name, in different Unicode forms; one of them was read"
        for name, spellings in files.items()
        if len(spellings) > 1
    ]
    cased = [
        " and ".join(quoted(name, NAME_CHARACTERS) for name in names[:NAMES_SHOWN])
        for names in alike.values()
        if len(names) > 1
    ]
    cased = [f"{names} differ only in letter case: on Windows and macOS they are one file" for names in cased]
    return [*_few(spelled), *_few(cased)]


def notes_on_encodings(files: Mapping[str, bytes]) -> list[str]:
    """Say which of a package's files Python will not read: they are not UTF-8, and do not say what else they are."""
    unread = [name for name, data in files.items() if not _is_text(data)]
    return _few([f"{name}: it is not UTF-8 text; save it as UTF-8" for name in unread])


def _is_text(data: bytes) -> bool:
    if b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return bool(ENCODING.match(data[:ENCODING_BYTES]))
    return True


def _few(notes: list[str]) -> list[str]:
    more = len(notes) - NOTES_OF_A_KIND
    return [*notes[:NOTES_OF_A_KIND], f"... and {more} more like this"] if more > 0 else notes
