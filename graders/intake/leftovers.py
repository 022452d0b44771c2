"""What of a submission was not read although it looks like work: a note for each kind, however many files there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath

from graders.course import Course
from graders.intake.answer_files import READABLE, is_document
from graders.intake.archives import Member, is_archive
from graders.intake.package import NAME_CHARACTERS, below, is_importable, named
from graders.intake.spelling import Reading, looks_like_python
from graders.text import quoted

CANDIDATES = 200
OF_A_PROJECT = frozenset({"setup.py", "conftest.py", "__init__.py", "noxfile.py", "manage.py"})
NOTEBOOK_ENDS = (".ipynb", ".ipynb.txt", ".ipynb.json")


def is_notebook(name: str) -> bool:
    """Tell whether a file is a notebook, by its name, to which computers may have added another ending."""
    return name.strip().lower().endswith(NOTEBOOK_ENDS)


def notes_on_leftovers(
    members: Iterable[Member],
    used: Collection[PurePosixPath],
    root: PurePosixPath,
    files: Mapping[str, bytes],
    reading: Reading,
) -> list[str]:
    """Say what was not read although its author may have meant it to be.

    Args:
        members: all files of the submission.
        used: names of those that were read, or told of elsewhere.
        root: the folder of its package.
        files: the package's files.
        reading: how the names of its Python files were read.
    """
    rest = sorted({member.name for member in members} - set(used) - set(reading.meant))
    where = "the step modules were" if root == PurePosixPath() else f"{quoted(root, NAME_CHARACTERS)} was"
    sources = b"\n".join(files.values())
    python = {name: None for name in rest if looks_like_python(name)}
    doubtful = [name for name in python if name in reading.doubtful]
    mine = {
        name: inside for name in python if name not in reading.doubtful and (inside := below(name, root)) is not None
    }
    odd = [name for name, inside in mine.items() if not is_importable(inside)]
    others = [name for name in rest if name not in python]
    packed = [name for name in others if is_archive(name.name) or is_notebook(name.name)]
    documents = [name for name in others if is_document(name) and not _is_named(name.name, sources)]
    data = [name for name in others if below(name, root) is not None and name not in packed]
    data = [name for name in data[:CANDIDATES] if _is_named(name.name, sources)]
    return [
        *(f"{named([name])}: is it {reading.doubtful[name]}? That is the name that is read" for name in doubtful[:5]),
        *_note(odd, "left out, no import finds a file of such a name"),
        *_note(_beside(python, root, sources), f"left out; only what stands in {_folder(root)} is read"),
        *_note(packed, f"not read, {where}"),
        *_note(documents, f"left out; {READABLE}"),
        *_note(data, "left out, though the code names it: of a package, only Python files are read"),
    ]


def _folder(root: PurePosixPath) -> str:
    return quoted(root.name, NAME_CHARACTERS) if root.name else "the folder of the step modules"


def _beside(python: Iterable[PurePosixPath], root: PurePosixPath, sources: bytes) -> list[PurePosixPath]:
    """Return the modules beside a package, and those elsewhere of which its code has the names."""
    outside = [name for name in python if below(name, root) is None and name.name not in OF_A_PROJECT]
    near = [name for name in outside if name.parent == root.parent]
    far = [name for name in outside if name.parent != root.parent and not name.stem.startswith("step")]
    imported = [name for name in far[:CANDIDATES] if f"import {name.stem}".encode() in sources]
    return [*near, *imported, *(name for name in far[:CANDIDATES] if f"from {name.stem} ".encode() in sources)]


def _is_named(name: str, sources: bytes) -> bool:
    return name.encode("utf-8", "replace") in sources


def _note(names: Collection[PurePosixPath], reason: str) -> list[str]:
    return [f"{named(names)}: {reason}"] if names else []


def is_untouched(files: Mapping[str, bytes], course: Course) -> bool:
    """Tell whether all step modules are as they were handed out."""
    steps = {f"{name}.py" for name in course.modules} & files.keys()
    return bool(steps) and all(_text(files[name]) == _handed_out(name, course) for name in steps)


def _handed_out(name: str, course: Course) -> bytes | None:
    path = course.skeletons / name
    return _text(path.read_bytes()) if path.is_file() else None


def _text(data: bytes) -> bytes:
    """Return a source as it is whatever the line ends are."""
    return data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").rstrip()
