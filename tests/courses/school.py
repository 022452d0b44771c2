"""A class of the small course, handed in as folders, and the runs that grade it."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from graders.policy import Grades
from graders.results.gradebook.book import Gradebook
from tests.support import GRADERS, ROOT, WORDS

STUDENTS = ("Άννα", "Βασίλης", "Γιώργος", "Δήμητρα", "Ελένη", "Ζωή", "Ηλίας", "Θάνος")
SECONDS_TO_WAIT = 120  # until something happens, or never


class Class:
    """A class of eight, handed in as folders, and the runs that grade it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.handed_in = folder / "class"
        for number, name in enumerate(STUDENTS):
            source = WORDS / ("words", "words_reference", "variants/split_by_hand")[number % 3]
            shutil.copytree(
                source, self.handed_in / name / "words", ignore=shutil.ignore_patterns("__pycache__", "answers")
            )
            with (self.handed_in / name / "words" / "step01_counting.py").open("a", encoding="utf-8") as file:
                file.write(f"\n# {name}\n")
        roster = "".join(f"{number},{name}\n" for number, name in enumerate(STUDENTS, start=1))
        (folder / "roster.csv").write_text(f"id,name\n{roster}", encoding="utf-8")
        self.rounds = itertools.count(1)
        self.where: tuple[str, ...] = ("--jobs", "2")
        self.begin()

    def begin(self, *, empty_book: bool = False) -> None:
        """Begin with an empty folder for results, and no gradebook or an empty one."""
        place = self.folder / str(next(self.rounds))
        self.book, self.out = str(place / "class.db"), place / "out"
        place.mkdir()
        if empty_book:
            with Gradebook(self.book, by="test", new=True):
                pass

    def start(self, **options: Any) -> subprocess.Popen[str]:
        """Start the command that grades the class into its gradebook."""
        command = (
            *(sys.executable, "-c", GRADERS, "run", self.handed_in, "--layout", "plain", "--course", WORDS),
            *("--roster", self.folder / "roster.csv", "--gradebook", self.book, "--out", self.out, *self.where),
        )
        return subprocess.Popen(
            list(map(str, command)),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}, **options,
        )  # fmt: skip

    def run(self, **options: Any) -> tuple[int, str]:
        """Grade the class; return how the command ended, and what it said of problems."""
        process = self.start(**options)
        _, told = process.communicate(timeout=240)
        return process.returncode, told

    def content(self) -> object:
        """Return all that the gradebook says, without times and its own numbers, and how often the history says so."""
        with Gradebook(self.book, by="test") as book:
            results = [
                (handin.students, handin.attempt, handin.digest, [(c.id, c.points, c.outcome) for c in result.checks])
                for handin, result in book.results().values()
            ]
            history = sorted((change.what, change.subject) for change in book.history())
            # Numbers of hand-ins follow the order in which judges ended.
            totals = {who: replace(total, handin=None) for who, total in book.totals(Grades(), ()).items()}
            return sorted(results), history, totals, book.students()


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def until(something: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while not something():
        assert time.monotonic() < deadline
        time.sleep(0.005)
