"""Intake: a folder, a zip, a tarball or a notebook becomes the staged package of plain Python files.

Nothing is extracted: the Python files inside are read, within limits, and written afresh, so that links, devices,
absolute paths and other people's configuration files never reach the disk. The written answers beside them are read
too, and staged nowhere; whatever is wrong with them costs a note, never the submission.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import msgspec

from graders.course import Course
from graders.intake.answer_files import AnswerFiles, find_answers
from graders.intake.answers import answers_in_cells, answers_in_files
from graders.intake.archives import (
    SUFFIXES,
    TOLD_SUFFIXES,
    Damaged,
    Member,
    NoSubmission,
    UnreadableSubmission,
    is_archive,
    open_file,
    open_members,
    open_packed,
    size_of,
)
from graders.intake.contents import FILE_BYTES, read_package
from graders.intake.handins import students_folders
from graders.intake.leftovers import is_notebook, is_untouched, notes_on_leftovers
from graders.intake.limited import TooCostly, read_apart
from graders.intake.notebooks.notebook import NoNotebook
from graders.intake.package import folders_of_steps, named, notes_on_folders, package_root
from graders.intake.packed.tarball import MOST_BYTES
from graders.intake.reach import Reach
from graders.intake.spelling import Reading, read_names
from graders.text import name_of_file, quoted

NOTEBOOK_BYTES = 64 << 20
NESTED = 3  # how deep an archive may be in others
SHOWN_CHARACTERS = 150
OTHER_ARCHIVES = (".rar", ".7z", ".gz", ".bz2", ".xz", ".zst", ".dmg", ".lzh", ".arj", ".cab")
UNTOUCHED = "all step modules are as they were handed out"
MARK_OF_A_NOTEBOOK = b'"nbformat"'


class Submission(msgspec.Struct, frozen=True, dict=True):
    """A submission as it was read.

    Attributes:
        name: file or folder name without its suffix.
        package: import name of its package.
        files: the files of that, by path inside the package, in order of path.
        notes: what was left out, a sentence each.
        answers: its written answers, by the ids of their questions.
    """

    name: str
    package: str
    files: dict[str, bytes]
    notes: list[str]
    answers: dict[str, str] = {}

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names and contents, of files and of answers, in hexadecimal."""
        total = hashlib.sha256()
        for name, data in [*self.files.items(), *((name, text.encode()) for name, text in self.answers.items())]:
            total.update(f"{name}\0{len(data)}\0".encode())
            total.update(data)
        return total.hexdigest()

    def part(self, modules: Collection[str]) -> Submission:
        """Return what the code of some step modules can reach of the submission, without its answers."""
        return msgspec.structs.replace(self, files=Reach(self.files).of(modules), answers={})

    def parts(self, modules_of: Mapping[int, Collection[str]]) -> dict[int, Submission]:
        """Return what each of some steps can reach of the submission; steps that reach the same files share it.

        Args:
            modules_of: the names of the step modules that each step calls.
        """
        reach = Reach(self.files)
        files_of = {step: reach.of(modules) for step, modules in modules_of.items()}
        part_of = {tuple(files): msgspec.structs.replace(self, files=files, answers={}) for files in files_of.values()}
        return {step: part_of[tuple(files)] for step, files in files_of.items()}

    def stage(self, package_parent: Path) -> None:
        """Write the package below a folder."""
        package = f"{package_parent}/{self.package}"  # no Path for each file: staged for each step of each submission
        for folder in {name.rpartition("/")[0] for name in self.files}:
            os.makedirs(f"{package}/{folder}", exist_ok=True)  # noqa: PTH103
        for name, data in self.files.items():
            with open(f"{package}/{name}", "wb") as file:  # noqa: PTH123
                file.write(data)


class _Read(NamedTuple):
    files: dict[str, bytes]
    notes: list[str]
    answers: dict[str, str]


def submission_name(path: Path) -> str:
    """Return a submission's name: that of its file or folder, without the suffix of an archive or a notebook."""
    name = name_of_file(path.resolve().name)
    suffix = next((end for end in (*SUFFIXES, ".ipynb") if name.lower().endswith(end)), "")
    return name[: len(name) - len(suffix)] or name or "submission"


def read_submission(path: Path, course: Course) -> Submission:
    """Read a submission.

    Args:
        path: a folder that holds the students' package or the step modules themselves, a zip or tarball of one, or a
            notebook; or a folder or an archive in which there is nothing else to read than one of these.
        course: the course that it is for.

    Raises:
        NoSubmission: it is a file of another kind, or holds the submissions of several students.
        UnreadableSubmission: it is damaged, is too large, or holds no step module.
    """
    try:
        read = _read(path, course)
    except Damaged as error:
        raise UnreadableSubmission(
            f"{path.name}: cannot be read ({error}); make the archive again and hand that in."
        ) from error
    return Submission(submission_name(path), course.package, *read)


def _read(path: Path, course: Course) -> _Read:
    if path.is_dir():
        with open_members(path) as members:
            return _read_members(list(members), path.name or str(path.resolve().name), course)
    size = size_of(path)
    if is_archive(path.name):
        with open_members(path) as members:
            return _read_members(list(members), path.name, course)
    if is_notebook(path.name) or _holds_a_notebook(path, size):
        return _read_notebook(path, path.name, size, course)
    if path.suffix.lower() in OTHER_ARCHIVES:
        raise UnreadableSubmission(
            f"{path.name}: {path.suffix} files are not read; expected a folder, {TOLD_SUFFIXES}. Make a .zip."
        )
    raise NoSubmission(f"{path.name}: no submission; expected a folder, {TOLD_SUFFIXES}.")


def _holds_a_notebook(path: Path, size: int) -> bool:
    """Tell whether a file is a notebook although its name does not say so."""
    if size > NOTEBOOK_BYTES:
        return False
    with open_file(path) as file:
        return MARK_OF_A_NOTEBOOK in file.read()


def _read_members(members: Sequence[Member], source: str, course: Course, depth: int = 0) -> _Read:
    names = {member.name for member in members}
    reading = read_names(names, course.modules)
    if reading.people:
        people = next(iter(reading.people.values()))
        raise NoSubmission(_several(source, f"{len(people)} files", people))
    python = {reading.meant.get(name, name) for name in names}
    folders = folders_of_steps(python, (course.checks, course.reference))
    packed = sorted(
        {member.name for member in members if is_archive(member.name.name) or is_notebook(member.name.name)}
    )
    if students := students_folders(folders, packed, course.package):
        raise NoSubmission(_several(source, f"{len(students)} folders", students))
    root = package_root(folders, course.package)
    if root is None:
        return _read_packed(members, packed, source, course, depth)
    files, notes = read_package(members, root, reading, source)
    answers = find_answers(members, root, course)
    found, remarks = _read_answers(answers, course)
    used = {member.name for member in answers.read.values()} | set(answers.left)
    return _Read(
        files,
        [
            *([f"{_shown(root)}: {UNTOUCHED}"] if is_untouched(files, course) else []),
            *remarks,
            *notes_on_folders(folders, root),
            *_notes_on_names(reading, root),
            *notes,
            *notes_on_leftovers(members, used, root, files, reading),
        ],
        found,
    )


def _shown(root: PurePosixPath) -> str:
    return quoted(root, SHOWN_CHARACTERS) if root.name else "the submission"


def _several(source: str, counted: str, names: Sequence[object]) -> str:
    return (
        f"{source}: {counted} in it look like separate submissions ({named(map(str, names))}); "
        "give each as a SUBMISSION, or hand in one."
    )


def _read_packed(
    members: Sequence[Member], packed: Sequence[PurePosixPath], source: str, course: Course, depth: int
) -> _Read:
    """Read the one archive, or the one notebook, that a folder or an archive without step modules holds."""
    if len(packed) > 1:
        archives = [name for name in packed if is_archive(name.name)]
        held = f"{len(packed)} archives and notebooks"
        if len(archives) == len(packed):
            held = f"{len(packed)} archives"
        elif not archives:
            held = f"{len(packed)} notebooks"
        refusal = NoSubmission if len(archives) > 1 else UnreadableSubmission
        raise refusal(
            f"{source}: it holds {held} ({named(packed)}) and no step module; "
            "give each as a SUBMISSION, or hand in one."
        )
    if not packed or depth == NESTED:
        raise UnreadableSubmission(_without_steps(members, source, course))
    [inner] = packed
    member = next(member for member in members if member.name == inner)
    place = f"{source}, {quoted(inner, SHOWN_CHARACTERS)}"
    if member.size > MOST_BYTES:
        raise UnreadableSubmission(f"{place}: larger than {MOST_BYTES >> 20} MB; hand in the step modules alone.")
    try:
        if is_notebook(inner.name):
            with tempfile.TemporaryDirectory(prefix="graders-notebook-") as folder:
                path = Path(folder, "notebook")
                path.write_bytes(member.read())
                read = _read_notebook(path, place, member.size, course)
        else:
            with open_packed(place, io.BytesIO(member.read()), member.size) as inside:
                read = _read_members(list(inside), place, course, depth + 1)
    except Damaged as error:
        raise UnreadableSubmission(f"{place}: cannot be read ({error}); make it again and hand that in.") from error
    note = f"{quoted(inner, SHOWN_CHARACTERS)}: it was read, there are no step modules beside it"
    return read._replace(notes=[note, *read.notes])


def _without_steps(members: Sequence[Member], source: str, course: Course) -> str:
    python = sorted({member.name for member in members if member.name.suffix.lower() == ".py"})
    others = f"; its Python files are {named(python)}" if python else ""
    return (
        f"{source}: no step module ({course.package}/{course.modules[0]}.py and so on) is in it{others}; "
        f"hand in the folder that holds {course.package}/."
    )


def _notes_on_names(reading: Reading, root: PurePosixPath) -> list[str]:
    """Say which files were read under other names than they have."""
    prefixed = reading.prefixes.get(root, "")
    meant = {name: meant for name, meant in sorted(reading.meant.items()) if name.is_relative_to(root)}
    renamed = [f"{name.name} as {meant.name}" for name, meant in meant.items()]
    if not renamed:
        return []
    if prefixed:
        return [f"{named([prefixed])}: {len(renamed)} files were read without this before their names"]
    return [f"read under the name that is meant: {named(renamed)}"]


def read_answers(folder: Path, course: Course) -> tuple[dict[str, str], list[str]]:
    """Read the written answers in a student's package.

    Returns:
        The answers by their questions' ids, and what was left out, a sentence each.
    """
    if not folder.is_dir():
        return {}, []
    with open_members(folder) as members:
        return _read_answers(find_answers(members, PurePosixPath(), course), course)


def _read_answers(found: AnswerFiles, course: Course) -> tuple[dict[str, str], list[str]]:
    texts: dict[str, bytes] = {}
    notes: list[str] = []
    for name, member in found.read.items():
        if member.size > FILE_BYTES:
            notes.append(f"answers/{name}: left out, it is larger than {FILE_BYTES >> 20} MB")
            continue
        try:
            texts[name] = member.read()
        except Damaged as error:
            notes.append(f"answers/{name}: left out, it cannot be read ({error})")
    answers, more = answers_in_files(texts, course)
    return answers, [*notes, *more, *found.notes]


def _read_notebook(path: Path, source: str, size: int, course: Course) -> _Read:
    if size > NOTEBOOK_BYTES:
        raise UnreadableSubmission(
            f"{source}: larger than {NOTEBOOK_BYTES >> 20} MB; clear its outputs and hand it in again."
        )
    try:
        notebook = read_apart(path, course)
    except TooCostly as error:
        raise UnreadableSubmission(
            f"{source}: cannot be read ({error}); hand in a {course.package} folder instead."
        ) from error
    except NoNotebook as error:
        raise UnreadableSubmission(
            f"{source}: not a Jupyter notebook ({quoted(error, SHOWN_CHARACTERS)}); save it again and hand that in."
        ) from error
    answers, notes = answers_in_cells(notebook.markdown, course)
    return _Read(notebook.files, [*notebook.notes, *notes], answers)
