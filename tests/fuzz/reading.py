"""An intake that reads hostile submissions from a disk, as in earnest."""

from __future__ import annotations

import ast
import random
import warnings
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TypeGuard
from unittest import mock

import msgspec

from graders.course import Course
from graders.intake.archives import UnreadableSubmission
from graders.intake.notebooks.notebook import Notebook, read_notebook
from graders.intake.submission import Submission, read_submission
from tests.support import COURSE

from .archives import COMPRESSIONS, tarred, zipped
from .choices import Choices
from .notebooks import notebook

MESSAGE_CHARACTERS = 500
NOTES = 500


def target(folder: Path) -> Callable[[bytes], None]:
    """Return what to try inputs on; it writes submissions into the folder."""

    def read(data: bytes) -> None:
        suffix, content = submission(Choices(data))
        path = folder / f"alice{suffix}"
        path.write_bytes(content)
        # In another process a notebook would cost a tenth of a second, and nothing would be learned of where it led.
        with warnings.catch_warnings(action="ignore"), mock.patch("graders.intake.submission.read_apart", _read_here):
            _check(_read_or_refused(path), path.name)

    return read


def submission(choices: Choices) -> tuple[str, bytes]:
    """Make a submission's file; return the end of its name too."""
    kind = choices.below(8)
    if kind < 3:
        return ".zip", zipped(choices)
    if kind < 6:
        return tarred(choices)
    if kind == 6:
        return ".ipynb", notebook(choices)
    return choices.pick((".zip", ".ipynb", *COMPRESSIONS)), choices.rest()


def _read_or_refused(path: Path) -> Submission | str:
    try:
        return read_submission(path, COURSE)
    except UnreadableSubmission as error:
        return str(error)


def _read_here(path: Path, course: Course) -> Notebook:
    return read_notebook(path.read_bytes(), course)


def _check(read: Submission | str, file: str) -> None:
    """Check that what was read can be staged, imported as far as names go, and reported; or that a refusal is short."""
    if isinstance(read, str):
        assert read.startswith(file)
        assert read.isprintable()
        assert len(read) < MESSAGE_CHARACTERS
        return
    for name in read.files:
        assert all(part.removesuffix(".py").isidentifier() for part in PurePosixPath(name).parts), name
    assert "__init__.py" in read.files
    assert len(read.notes) < NOTES
    assert all(note.isprintable() and len(note) < MESSAGE_CHARACTERS for note in read.notes), read.notes
    assert msgspec.json.encode([read.notes, read.answers, read.digest])
    if "notebook.py" in read.files:
        statements = ast.parse(read.files["notebook.py"]).body[1:]
        call = next(node for node in ast.walk(ast.parse(read.files["cells_of_notebook.py"])) if _makes_cells(node))
        assert len(ast.literal_eval(call.args[1])) == len(statements)


def _makes_cells(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Cells"


def seeds() -> list[bytes]:
    """Return inputs to begin with, at random: most make an archive or a notebook that can be read."""
    chance = random.Random(420)
    return [bytes([number % 8]) + chance.randbytes(chance.randrange(400)) for number in range(200)]
