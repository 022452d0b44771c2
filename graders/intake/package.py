"""The students' package in a submission: where it is, which of its files an import finds, and what is odd about them.

Python looks for the module that a program names in the name's normal form NFKC, whatever form the program is written
in. Archives made on macOS spell `ή` with two characters, so that on Linux nothing there would be found: files are
known by the normal form of their paths here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath
from typing import TypeVar

from graders.course import STEP_MODULE
from graders.text import quoted

PATH_CHARACTERS = 1000
PART_CHARACTERS = 255
NAME_BYTES = 240
PYTHON = ".py"
NAMES_SHOWN = 5
NAME_CHARACTERS = 60
NOTES_OF_A_KIND = 10
NOT_TEXT = "not UTF-8 text; save as UTF-8"
ENCODING_BYTES = 1000
ENCODING = re.compile(rb"(?:[ \t\f]*(?:#[^\n]*)?\n)?[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+")

Content = TypeVar("Content")


def normal_path(spelled: str) -> PurePosixPath | None:
    """Return a path in the form in which an import looks for it, or None if no module has such a path."""
    if spelled.isascii():
        return PurePosixPath(spelled) if len(spelled) <= PATH_CHARACTERS else None
    # Longer parts are on no disk, and normalising takes time that grows with the square of their length.
    parts = spelled.split("/")
    if len(spelled) > PATH_CHARACTERS or max(map(len, parts)) > PART_CHARACTERS:
        return None
    return PurePosixPath("/".join(unicodedata.normalize("NFKC", part) for part in parts))


def chosen(spellings: Mapping[str, Content], normal: str) -> Content:
    """Return one of the files that share a path: the one spelled in normal form, or else the first in order."""
    return spellings[normal if normal in spellings else min(spellings)]


def package_root(folders: Iterable[PurePosixPath], package: str) -> PurePosixPath | None:
    """Return the shallowest of the folders that hold step modules; one called as the package comes first."""

    def rank(folder: PurePosixPath) -> tuple[bool, bool, int, str]:
        name = folder.name.strip()
        return name.casefold() != package, name != package, len(folder.parts), str(folder)

    return min(folders, key=rank, default=None)


def folders_of_steps(names: Iterable[PurePosixPath], foreign: Collection[str] = ()) -> set[PurePosixPath]:
    """Return the folders that hold step modules.

    Args:
        names: paths of Python files.
        foreign: import names of packages of the course that hold step modules too, and that nobody hands in; they
            count only where there are no others.
    """
    parts = {name.parts[:-1] for name in names if name.suffix == ".py" and STEP_MODULE.fullmatch(name.stem)}
    found = {PurePosixPath(*folder) for folder in parts}
    ends = [tuple(package.split(".")) for package in foreign]
    own = {folder for folder in found if not any(folder.parts[-len(end) :] == end for end in ends)}
    return own or found


def notes_on_folders(folders: Collection[PurePosixPath], root: PurePosixPath) -> list[str]:
    """Say which other folders of a submission hold step modules too: perhaps its author meant one of them."""
    others = sorted(folder for folder in folders if folder != root)
    read = quoted(root, NAME_CHARACTERS)
    return [f"{named(others)}: step modules are there too; those in {read} were read"] if others else []


def named(paths: Iterable[PurePosixPath | str]) -> str:
    """Return the names of the first of some files or folders, and how many more there are."""
    every = list(paths)
    more = f" and {len(every) - NAMES_SHOWN} more" if len(every) > NAMES_SHOWN else ""
    return ", ".join(quoted(path, NAME_CHARACTERS) for path in every[:NAMES_SHOWN]) + more


def in_order(files: Mapping[str, Content]) -> dict[str, Content]:
    """Return files by their paths, in the order of these, folder by folder."""
    return {name: files[name] for name in sorted(files, key=lambda name: name.split("/"))}


def below(name: PurePosixPath, root: PurePosixPath) -> str | None:
    """Return the path that a file has in a folder; None if it is elsewhere."""
    parts, above = name.parts, root.parts
    return "/".join(parts[len(above) :]) if parts[: len(above)] == above else None


def is_importable(name: str) -> bool:
    """Tell whether `import` could find a file, which also leaves out names that cannot be written to a disk."""
    words = name.removesuffix(PYTHON).split("/")
    return name.endswith(PYTHON) and all(map(str.isidentifier, words)) and len(name.encode()) <= NAME_BYTES


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
    return [f"{named(unread)}: {NOT_TEXT}"] if unread else []


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
