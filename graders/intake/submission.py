"""Intake: a folder, a zip, a tarball or a notebook becomes the staged package of plain Python files.

Nothing is extracted: the Python files inside are read, within limits, and written afresh, so that links, devices,
absolute paths and other people's configuration files never reach the disk. The written answers beside them are read
too, and staged nowhere; whatever is wrong with them costs a note, never the submission.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath

import msgspec

from graders.course import Course
from graders.intake.answers import answers_in_cells, answers_in_files
from graders.intake.archives import TAR_SUFFIXES, Damaged, Member, UnreadableSubmission, open_members, size_of
from graders.intake.limited import TooCostly, read_apart
from graders.intake.notebook import NoNotebook, Notebook
from graders.intake.package import (
    Spellings,
    chosen,
    notes_on_encodings,
    notes_on_folders,
    notes_on_names,
    package,
    package_root,
)
from graders.intake.reach import reachable
from graders.text import name_of_file, quoted

FILE_BYTES = 2 << 20
TOTAL_BYTES = 20 << 20
NOTEBOOK_BYTES = 64 << 20
ENTRIES = 5000
SHOWN_CHARACTERS = 150
ANSWERS = "answers"


class Submission(msgspec.Struct, frozen=True):
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

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents, of files and of answers, in hexadecimal."""
        total = hashlib.sha256()
        for name, data in [*self.files.items(), *((name, text.encode()) for name, text in self.answers.items())]:
            total.update(f"{name}\0{len(data)}\0".encode() + data)
        return total.hexdigest()

    def part(self, modules: Collection[str]) -> Submission:
        """Return what the code of some step modules can reach of the submission, without its answers."""
        return msgspec.structs.replace(self, files=reachable(self.files, modules), answers={})

    def stage(self, package_parent: Path) -> None:
        """Write the package below a folder."""
        for name, data in self.files.items():
            target = package_parent / self.package / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def submission_name(path: Path) -> str:
    """Return a submission's name: that of its file or folder, without the suffix of an archive or a notebook."""
    name = name_of_file(path.resolve().name)
    suffix = next((end for end in (*TAR_SUFFIXES, ".zip", ".ipynb") if name.lower().endswith(end)), "")
    return name[: len(name) - len(suffix)] or name or "submission"


def read_submission(path: Path, course: Course) -> Submission:
    """Read a submission.

    Args:
        path: a folder that holds the students' package or the step modules themselves, a zip or tarball of one, or a
            notebook.
        course: the course that it is for.

    Raises:
        UnreadableSubmission: it is none of these, is damaged, is too large, or holds no step module.
    """
    name = submission_name(path)
    if path.suffix.lower() == ".ipynb" and not path.is_dir():
        notebook = _notebook(path, course)
        answers, notes = answers_in_cells(notebook.markdown, course)
        return Submission(name, course.package, notebook.files, [*notebook.notes, *notes], answers)
    try:
        with open_members(path, _wanted_by(course)) as members:
            spellings, texts = _contents(members, path.name)
            root = package_root(spellings, course.package)
            if root is None:
                raise UnreadableSubmission(
                    f"{path.name}: no step module ({course.package}/{course.modules[0]}.py and so on) is in it; "
                    f"hand in the folder that holds {course.package}/."
                )
            answers, notes = _answers(texts, root, course)
    except Damaged as error:
        raise UnreadableSubmission(
            f"{path.name}: cannot be read ({error}); make the archive again and hand that in."
        ) from error
    # Without this file a package of that name that is installed elsewhere would be imported in its place.
    files = package({root / "__init__.py": b"", **chosen(spellings)}, root)
    odd_names = notes_on_names(package(spellings, root))
    notes = [*notes, *notes_on_folders(spellings, root), *odd_names, *notes_on_encodings(files)]
    return Submission(name, course.package, files, notes, answers)


def read_answers(folder: Path, course: Course) -> tuple[dict[str, str], list[str]]:
    """Read the written answers in a student's package.

    Returns:
        The answers by their questions' ids, and what was left out, a sentence each.
    """
    texts: dict[PurePosixPath, dict[str, Member]] = {}
    if not folder.is_dir():
        return {}, []
    with open_members(folder, _wanted_by(course)) as members:
        for member in members:
            if member.name.suffix == ".md":
                texts.setdefault(member.name, {})[member.spelled] = member
    return _answers(texts, PurePosixPath(), course)


def _wanted_by(course: Course) -> Callable[[PurePosixPath], bool]:
    """Return what tells whether a file is wanted: Python files, and files of answers to written questions."""
    labels = "|".join(re.escape(step.label) for step in course.steps)
    of_answers = re.compile(rf"(?:{labels})\.md")

    def wanted(name: PurePosixPath) -> bool:
        return name.suffix == ".py" or bool(name.parent.name == ANSWERS and of_answers.fullmatch(name.name))

    return wanted


def _notebook(path: Path, course: Course) -> Notebook:
    try:
        if size_of(path) > NOTEBOOK_BYTES:
            raise UnreadableSubmission(
                f"{path.name}: larger than {NOTEBOOK_BYTES >> 20} MB; clear its outputs and hand it in again."
            )
        return read_apart(path, course)
    except TooCostly as error:
        raise UnreadableSubmission(
            f"{path.name}: cannot be read ({error}); hand in a {course.package} folder instead."
        ) from error
    except NoNotebook as error:
        raise UnreadableSubmission(
            f"{path.name}: not a Jupyter notebook ({quoted(error, SHOWN_CHARACTERS)}); save it again and hand that in."
        ) from error
    except Damaged as error:
        raise UnreadableSubmission(f"{path.name}: cannot be read ({error}).") from error


def _contents(
    members: Iterator[Member], source: str
) -> tuple[dict[PurePosixPath, dict[str, bytes]], dict[PurePosixPath, dict[str, Member]]]:
    """Read the Python files; files of answers are opened later, once it is known which folder they must be in."""
    files: dict[PurePosixPath, dict[str, bytes]] = {}
    texts: dict[PurePosixPath, dict[str, Member]] = {}
    total = count = 0
    for member in members:
        if member.name.suffix == ".md":
            texts.setdefault(member.name, {})[member.spelled] = member
            continue
        total += member.size
        count += 1
        if member.size > FILE_BYTES or total > TOTAL_BYTES:
            raise UnreadableSubmission(
                f"{source}: its Python files are too large ({quoted(member.name, SHOWN_CHARACTERS)}); "
                f"the limit is {FILE_BYTES >> 20} MB each, {TOTAL_BYTES >> 20} MB in all."
            )
        if count > ENTRIES:
            raise UnreadableSubmission(f"{source}: more than {ENTRIES} Python files; hand in the step modules alone.")
        files.setdefault(member.name, {})[member.spelled] = member.read()
    return files, texts


def _answers(texts: Spellings[Member], root: PurePosixPath, course: Course) -> tuple[dict[str, str], list[str]]:
    found: dict[str, bytes] = {}
    notes: list[str] = []
    for name, member in sorted(chosen(texts).items()):
        if name.parent == root / ANSWERS:
            place = f"{ANSWERS}/{name.name}"
            if member.size > FILE_BYTES:
                notes.append(f"{place}: left out, it is larger than {FILE_BYTES >> 20} MB")
                continue
            try:
                found[name.name] = member.read()
            except Damaged as error:
                notes.append(f"{place}: left out, it cannot be read ({error})")
    answers, more = answers_in_files(found, course)
    return answers, [*notes, *more]
