"""What a student hands in: packed from their folder, read again as intake will read it, with what is missing."""

from __future__ import annotations

import ast
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeGuard

from graders.course import Course
from graders.intake.answer_files import ANSWERS, find_answers
from graders.intake.archives import DAMAGE, UnreadableSubmission, open_members, size_of
from graders.intake.notebooks.names import names_of
from graders.intake.packed.zips import TIME, zip_of
from graders.intake.submission import NOTEBOOK_BYTES, UNTOUCHED, Submission, read_submission
from graders.outcomes import is_to_do
from graders.questions import load_questions


@dataclass(frozen=True)
class HandIn:
    """What is handed in.

    Attributes:
        content: the file.
        suffix: how its name ends.
        read: what intake makes of it.
        missing: what is not done, a sentence for each step.
        notes: what was left out, or read under another name.
    """

    content: bytes
    suffix: str
    read: Submission
    missing: list[str]
    notes: list[str]


def hand_in_of(path: Path, course: Course) -> HandIn:
    """Pack a student's package, or take their notebook as it is.

    Args:
        path: the package's folder, or a notebook.
        course: the course.

    Raises:
        NoSubmission, UnreadableSubmission: intake would not take it.
    """
    at_home: Sequence[str] = ()
    if path.is_dir():
        there = read_submission(path, course)
        content, suffix, at_home = _packed(path, there.files, course), ".zip", there.notes
    elif size_of(path) <= NOTEBOOK_BYTES:
        content, suffix = path.read_bytes(), ".ipynb"
    else:
        raise UnreadableSubmission(f"{path.name}: larger than {NOTEBOOK_BYTES >> 20} MB; clear its outputs.")
    with tempfile.TemporaryDirectory(prefix="lab-submit-") as folder:
        file = Path(folder, f"{path.name if suffix == '.ipynb' else course.package + suffix}")
        file.write_bytes(content)
        read = read_submission(file, course)
    handed_out = {} if path.is_dir() else {file.name: file.read_bytes() for file in course.skeletons.glob("step*.py")}
    # Of a folder, what was not packed is told; that its modules are as handed out is said step by step already.
    notes = [note for note in dict.fromkeys([*at_home, *read.notes]) if not note.endswith(UNTOUCHED)]
    return HandIn(content, suffix, read, list(_missing(read, handed_out, course)), notes)


def may_replace(file: Path, content: bytes, course: Course) -> bool:
    """Tell whether a hand-in may take a file's place: it is not there, the same, or an earlier zip packed here."""
    try:
        if not file.exists() or file.read_bytes() == content:
            return True
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except DAMAGE:
        return False
    return all(one.date_time == TIME and one.filename.startswith(f"{course.package}/") for one in members)


def _packed(package: Path, files: Mapping[str, bytes], course: Course) -> bytes:
    """Return a zip of what intake reads of a package: its modules, by name, and the files of answers."""
    with open_members(package) as members:
        answers = find_answers(members, PurePosixPath(), course).read
        texts = {f"{ANSWERS}/{name}": member.read() for name, member in answers.items()}
    return zip_of({f"{course.package}/{name}": content for name, content in sorted({**files, **texts}.items())})


def _missing(read: Submission, handed_out: Mapping[str, bytes], course: Course) -> Iterator[str]:
    """Yield what Python cannot read, what is still to do, and which questions are not answered.

    Args:
        read: the hand-in.
        handed_out: of a notebook, the step modules of the student's package, whose names it should define.
        course: the course.
    """
    steps = {f"{step.module}.py": step for step in course.steps}
    for name, content in read.files.items():
        if name.endswith(".py") and name not in steps and (fault := _statements(content)[1]):
            yield f"{name} {fault}."
    everywhere = {name for content in read.files.values() for name in _done(content)}
    questions = load_questions(course)
    for file, step in steps.items():
        place = f"{course.package}/{file}" if file in handed_out else file
        own = read.files.get(file, b"")
        asked, fault = _statements(handed_out.get(file, own))
        done = everywhere if handed_out else {*_done(own)}
        left = [node for node in asked if _is_exercise(node) and node.name not in done]
        to_do = [node.name for node in left if _is_to_do(node)]
        elsewhere = [node.name for node in left if not _is_to_do(node)]
        open_questions = [one.id for one in questions if one.step == step.number and one.id not in read.answers]
        missing = [
            *([] if file in read.files else [f"{file} is missing"]),
            *([f"{place} {fault}"] if fault else []),
            *([f"still to do: {', '.join(to_do)}"] if to_do else []),
            *([f"done in {place}, but not in the notebook: {', '.join(elsewhere)}"] if elsewhere else []),
            *([f"not answered: {', '.join(open_questions)}"] if open_questions else []),
        ]
        if missing:
            yield f"Step {step.number}: {'; '.join(missing)}."


def _statements(source: bytes) -> tuple[list[ast.stmt], str]:
    """Return a module's statements; if Python cannot read it, none, and a few words on where."""
    try:
        with warnings.catch_warnings(action="ignore"):
            compile(source, "module", "exec", dont_inherit=True)  # finds more than a parser does
            return ast.parse(source).body, ""
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        return [], f"cannot be read by Python{f' (line {line})' if line else ''}"


def _done(source: bytes) -> Iterator[str]:
    """Yield the names that a module gives, however it does so, without those that are still to do or imported."""
    for node in _statements(source)[0]:
        if not isinstance(node, ast.Import | ast.ImportFrom) and not _is_to_do(node) and (names := names_of(node)):
            yield from names.gives


def _is_exercise(node: ast.stmt) -> TypeGuard[ast.FunctionDef | ast.ClassDef]:
    return isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")


def _is_to_do(node: ast.stmt) -> bool:
    return any(isinstance(part, ast.Raise) and is_to_do(ast.dump(part)) for part in ast.walk(node))
