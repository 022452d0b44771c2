"""The notebook of a kernel, as it would be handed in now: its saved file, with the cells as they have run since."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOTEBOOK = ".ipynb"
# Where the file stands, for whom a front end says it: Jupyter's server in the environment, others among the names.
VARIABLE, NAME = "JPY_SESSION_NAME", "__vsc_ipynb_file__"


@dataclass(frozen=True)
class Run:
    """A code cell that has run.

    Attributes:
        id: the cell's, where the front end says it; else empty.
        text: its text.
        at: when it began, in seconds since 1970.
    """

    id: str
    text: str
    at: float


class Running:
    """What has run in the kernel of this process, each cell as it ran last.

    Args:
        shell: IPython's shell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._runs: dict[str, Run] = {}
        self._id = ""
        history = getattr(shell, "history_manager", None)
        for text in getattr(history, "input_hist_raw", [])[1:]:
            self._add(Run("", text, time.time()))
        shell.events.register("pre_run_cell", self._before)
        shell.events.register("post_run_cell", self._after)

    @property
    def has_page(self) -> bool:
        """Whether a page shows what is displayed, and not a terminal."""
        return hasattr(self._shell, "kernel")

    @property
    def file(self) -> Path | None:
        """The notebook's file, as far as the front end says where it is."""
        place = str(self._shell.user_ns.get(NAME) or os.environ.get(VARIABLE) or "")
        return Path(place) if place.endswith(NOTEBOOK) and Path(place).is_file() else None

    def notebook(self) -> bytes:
        """Return the notebook: its cells of code and of text."""
        file = self.file
        runs = list(self._runs.values())
        cells = merged(_cells_of(file), file.stat().st_mtime, runs) if file else [_code(run) for run in runs]
        return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()

    def _before(self, info: Any) -> None:
        if getattr(info, "store_history", True):
            self._add(Run(getattr(info, "cell_id", None) or "", info.raw_cell, time.time()))

    def _after(self, result: Any) -> None:
        """Forget what was no Python, where the cell that takes its place could not be told."""
        info = result.info
        if getattr(info, "cell_id", None) is None and isinstance(result.error_before_exec, SyntaxError):
            self._runs.pop(info.raw_cell, None)

    def _add(self, run: Run) -> None:
        self._runs[run.id or run.text] = run


def running_here() -> Running | None:
    """Return what runs in this process; None outside of IPython."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return Running(shell) if shell is not None else None


def merged(cells: Sequence[dict[str, Any]], saved: float, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return the cells of a saved notebook, with what has run since it was saved.

    Args:
        cells: those of the file.
        saved: when it was saved, in seconds since 1970.
        runs: the cells that have run, each as it ran last.

    Returns:
        The file's cells in their order; one that has run since then as it ran; after them, those that are new. Where no
        cell can be told by its id, the cells that have run.
    """
    by_id = {run.id: run for run in runs if run.id}
    known = {str(cell.get("id")) for cell in cells}
    if known.isdisjoint(by_id):
        return [*(cell for cell in cells if cell.get("cell_type") != "code"), *map(_code, runs)]
    found = []
    for cell in cells:
        run = by_id.get(str(cell.get("id")))
        is_newer = run is not None and run.at > saved and cell.get("cell_type") == "code"
        found.append(cell | {"source": run.text} if run is not None and is_newer else cell)
    return [*found, *(_code(run) for run in by_id.values() if run.id not in known and run.at > saved)]


def _code(run: Run) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": run.text, "outputs": [], "execution_count": None}


def _cells_of(file: Path) -> list[dict[str, Any]]:
    """Return a file's cells; none where it cannot be read at this moment, or is of an old format."""
    try:
        cells = json.loads(file.read_text(encoding="utf-8-sig"))["cells"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []
