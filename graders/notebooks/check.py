"""`check(4)` in a notebook: `lab check` on the cells as they are now, shown in place."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from graders.notebooks.running import NOTEBOOK, Running, running_here
from graders.outcomes import BadInput
from graders.words.choice import chosen_words
from graders.words.spoken import ENGLISH_WORDS, Words, marked

FILE = "cells" + NOTEBOOK
MOST_HINTS = 2
NO_HINTS = marked("hints={given}: give the number 1 to read where to look, or 2 to read what to do.")
COMMAND = "from graders.student import main; main()"


class Check:
    """The checks of steps on the notebook in which it is called: `check(4)`, `check("1-3")`, `check()` for all.

    Outside of a notebook, the step modules of this folder are checked.

    Args:
        running: what runs in this process; None outside of a notebook.
    """

    def __init__(self, running: Running | None) -> None:
        self._running = running

    def __call__(self, *steps: int | str, hints: object = 0) -> None:
        """Check steps, and show what came of it.

        Args:
            steps: their numbers, or ranges such as "1-3"; none means all.
            hints: a number: 1 says where to look, 2 what to do; of anything else a sentence is shown.
        """
        words = _words()
        place = _Place(is_page=self._running is not None and self._running.has_page)
        if not isinstance(hints, int):
            place.end({"text/plain": words.say(NO_HINTS, given=repr(hints))})
            return
        named = ", ".join(map(str, steps))
        place.begin(
            words.say("checking step {steps} ...", steps=named) if steps else words.say("checking all steps ...")
        )
        with tempfile.TemporaryDirectory(prefix="lab-check-") as folder:
            results = Path(folder, "results.json")
            what = [*map(str, steps), *["--hints"] * min(hints, MOST_HINTS), "--results", str(results)]
            if self._running:
                file = Path(folder, FILE)
                file.write_bytes(self._running.notebook())
                what.append(str(file))
            said = _lab("check", *what)
            if results.is_file():
                place.end(msgspec.json.decode(results.read_bytes(), type=dict[str, str]))
            else:
                place.end({"text/plain": said.strip() or words.say("The checks did not come to an end.")})


class _Place:
    """Where a result is shown: the output of a cell, or standard output.

    Args:
        is_page: whether a page shows it.
    """

    def __init__(self, *, is_page: bool) -> None:
        self._display = importlib.import_module("IPython.display").display if is_page else None
        self._handle: Any = None

    def begin(self, text: str) -> None:
        if self._display:
            self._handle = self._display({"text/plain": text}, raw=True, display_id=True)

    def end(self, bundle: Mapping[str, str]) -> None:
        if self._handle:
            self._handle.update(bundle, raw=True)
        elif self._display:
            self._display(bundle, raw=True)
        else:
            print(bundle["text/plain"])  # noqa: T201 - whoever called wants to read it


def _words() -> Words:
    """Return the words of the locale; English ones where they cannot be read, of which `lab` then tells."""
    try:
        return chosen_words("", os.environ)
    except BadInput:
        return ENGLISH_WORDS


def _lab(*arguments: str) -> str:
    """Run `lab` in this folder; return what it printed."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", COMMAND, *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    return done.stdout + done.stderr


check = Check(running_here())
