"""Notebooks for tests: their files, what is kept of them, and the modules that they become."""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from graders.intake.notebooks.notebook import read_notebook
from graders.intake.notebooks.package import HEADER
from graders.intake.submission import Submission
from tests.support import COURSE

STEP1, STEP2 = COURSE.modules[:2]


def notebook(*sources: object, **changes: object) -> bytes:
    """Return the file of a notebook; a source is that of a code cell, or its kind and its source."""
    cells = []
    for number, source in enumerate(sources):
        kind, text = source if isinstance(source, tuple) else ("code", source)
        cell = {"cell_type": kind, "id": f"c{number}", "metadata": {}, "source": text}
        cells.append(cell | ({"outputs": [], "execution_count": None} if kind == "code" else {}))
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **changes}).encode()


def kept(*sources: object) -> tuple[str, list[str]]:
    """Return the statements that are kept, without the comments and blank lines between them, and the notes."""
    read = read_notebook(notebook(*sources), COURSE)
    text = read.files["notebook.py"].decode().removeprefix(HEADER)
    return "\n".join(line for line in text.split("\n") if line and not line.startswith("# cell")), read.notes


@contextmanager
def package_of(data: bytes) -> Iterator[None]:
    """Let the package that a notebook becomes be imported, as a worker would."""
    others = {known: sys.modules.pop(known) for known in list(sys.modules) if known.partition(".")[0] == "lab"}
    path = list(sys.path)
    with tempfile.TemporaryDirectory() as folder:
        Submission("alice", "lab", read_notebook(data, COURSE).files, []).stage(Path(folder))
        sys.path.insert(0, folder)
        try:
            yield
        finally:
            sys.path[:] = path
            for new in [new for new in sys.modules if new.partition(".")[0] == "lab"]:
                del sys.modules[new]
            sys.modules.update(others)


def module_of(name: str, *sources: object) -> ModuleType:
    """Import a step module of a notebook."""
    with package_of(notebook(*sources)):
        return importlib.import_module(f"lab.{name}")


def names_of(*sources: object) -> dict[str, Any]:
    """Run a notebook, and return its names."""
    with package_of(notebook(*sources)):
        importlib.import_module(f"lab.{STEP1}")
        return vars(importlib.import_module("lab.notebook"))
