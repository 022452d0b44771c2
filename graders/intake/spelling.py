"""What people's computers make of the names of Python files, and the names that are meant.

A browser or a learning platform calls a second download `stepNN_name (1).py`, Windows hides the end of
`stepNN_name.py.txt`, a learning platform puts a student's name before each file. Where one reading is possible, and
no file has the right name, the file is read under the name that is meant.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

SPACE = r"[\s_-]*"
COPY_WORDS = "copy|copia|copie|kopie|αντίγραφο|αντιγραφο"
MARK = rf"(?:\s*\(\d{{1,3}}\)|[\s_-]\d{{1,2}}|[\s_-]+(?:{COPY_WORDS})(?:[\s_-]\d{{1,2}})?)"
"""A mark of a copy: ` (1)`, `-1`, ` 2`, ` - Copy`, ` - Αντίγραφο`."""

UNIMPORTABLE_MARK = re.compile(rf"(?:\s*\(\d{{1,3}}\)|[\s-]+\d{{1,2}}|[\s-]+(?:{COPY_WORDS})(?:\s\d{{1,2}})?)+$")
COPY_OF = re.compile(rf"(?:{COPY_WORDS})(?:\s+(?:of|του|από))?\s+", re.IGNORECASE)
END = re.compile(r"\s*(?P<end>(?:\.py)+(?:\.(?:txt|py))*)\s*$", re.IGNORECASE)
PYTHON = ".py"
DIGITS = re.compile(r"\d+")
OF_A_PLATFORM = re.compile(r"\d{3}|assignsubmission")
WORDS_OF_NAME = re.compile(r"[^\W\d_]+")


class Reading(NamedTuple):
    """How the names of a submission's Python files are read.

    Attributes:
        meant: for each file whose name is not the right one, the path that is meant.
        prefixes: what stands before the name in the files of a folder that were renamed by a platform.
        doubtful: for files that look like step modules and are not read as such, the name that may be meant.
        people: folders that hold such files of several people, each with what tells these apart.
    """

    meant: dict[PurePosixPath, PurePosixPath]
    prefixes: dict[PurePosixPath, str]
    doubtful: dict[PurePosixPath, str]
    people: dict[PurePosixPath, list[str]]


def looks_like_python(name: PurePosixPath) -> bool:
    """Tell whether a file is a Python file, also if its name was changed."""
    return name.name.endswith(PYTHON) or bool(END.search(name.name))


def read_names(names: Iterable[PurePosixPath], modules: Sequence[str]) -> Reading:
    """Find the names that are meant by those of a submission's Python files.

    Args:
        names: paths of all files.
        modules: names of the course's step modules.
    """
    steps = _step_names(tuple(modules))
    folders: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in names:
        if looks_like_python(name):
            folders[name.parts[:-1]].append(name.name)
    reading = Reading({}, {}, {}, {})
    for parts, files in folders.items():
        _read_folder(PurePosixPath(*parts), sorted(files), steps, reading)
    return reading


class _Likely(NamedTuple):
    """A file that may be a step module: its name, the name that is meant, and what stands before it."""

    file: str
    meant: str
    before: str


class _StepNames:
    """Finds the names of step modules in names of files."""

    def __init__(self, modules: Sequence[str]) -> None:
        self.modules = modules
        words = "|".join(f"({_loosely(module)})" for module in modules)
        self._pattern = re.compile(rf"((?:.*[\W_])?)(?:{words}){MARK}*{END.pattern}", re.IGNORECASE)

    def find(self, file: str) -> _Likely | None:
        """Return the step module that a file's name contains, if it contains one."""
        match = self._pattern.match(file)
        if not match:
            return None
        before, *found = match.groups()
        module = next(module for module, text in zip(self.modules, found, strict=False) if text)
        return _Likely(file, module + PYTHON, COPY_OF.sub("", before).strip())


@functools.lru_cache(maxsize=2)  # the same for a class
def _step_names(modules: tuple[str, ...]) -> _StepNames:
    return _StepNames(modules)


def _loosely(module: str) -> str:
    """Return an expression for a module's name with other signs between its words, or without its zeros."""
    words = (re.sub("0(?=[0-9])", "0?", re.escape(word)) for word in module.split("_"))
    return SPACE.join(words)


def _read_folder(folder: PurePosixPath, files: Sequence[str], steps: _StepNames, reading: Reading) -> None:
    likely = [found for file in files if (found := steps.find(file))]
    odd: dict[str, list[_Likely]] = defaultdict(list)
    for one in likely:
        if one.file != one.meant:
            odd[one.meant].append(one)
    prefixed = [one.before for candidates in odd.values() for one in candidates if one.before]
    shared = _shared(prefixed)
    for meant, candidates in odd.items():
        clear = [one.file for one in candidates if not one.before or shared]
        if len(clear) == 1 and meant not in files:
            reading.meant[folder / clear[0]] = folder / meant
        elif meant not in files or clear:
            reading.doubtful.update((folder / one.file, meant) for one in candidates)
    people = sorted({_person(before) for before in prefixed if OF_A_PLATFORM.search(before)})
    if len(people) > 1:
        reading.people[folder] = people
    if shared:
        reading.prefixes[folder] = shared
    rest = sorted(set(files) - {one.file for one in likely})
    _read_helpers(folder, rest, shared, reading)


def _read_helpers(folder: PurePosixPath, files: Sequence[str], shared: str, reading: Reading) -> None:
    """Find the names of the modules that a student added: only what no import finds is read under another name."""
    parts = (r"\d+" if part.isdigit() else re.escape(part) for part in re.split(r"(\d+)", shared))
    prefix = re.compile("".join(parts), re.IGNORECASE)
    meant: dict[str, list[str]] = defaultdict(list)
    for file in files:
        plain = prefix.sub("", file, count=1) if prefix.match(file) else file
        if plain != file or not is_importable(file):
            stem = UNIMPORTABLE_MARK.sub("", COPY_OF.sub("", END.sub("", plain)))
            meant[stem + PYTHON].append(file)
    for name, candidates in meant.items():
        if len(candidates) == 1 and name not in files and is_importable(name):
            reading.meant[folder / candidates[0]] = folder / name


def is_importable(file: str) -> bool:
    """Tell whether an import finds a file of that name."""
    return file.endswith(PYTHON) and file.removesuffix(PYTHON).isidentifier()


def _shared(prefixes: Sequence[str]) -> str:
    """Return what stands before all names of a folder that a platform has renamed, or nothing.

    Digits in it may differ from file to file. `test_` before a single name is no such prefix.
    """
    kinds = {DIGITS.sub("#", prefix).casefold() for prefix in prefixes}
    if len(kinds) != 1 or (len(prefixes) == 1 and not OF_A_PLATFORM.search(prefixes[0])):
        return ""
    return min(prefixes)


def _person(prefix: str) -> str:
    """Return the words of a prefix, which are the same in all files of a person."""
    return " ".join(WORDS_OF_NAME.findall(prefix))
