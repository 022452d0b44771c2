"""A copy of the project for a test to change, in which commands use the copy's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support import LAB, ROOT

DATA = Path("fixtures", "data")
SECONDS = 240  # less than pytest gives a test
ENVIRONMENT = {"PYTHONIOENCODING": "utf-8", "COLUMNS": "160", "OMP_NUM_THREADS": "1"}
PROGRAMS = {
    "graders": (sys.executable, "-m", "graders"),
    "lab": (sys.executable, "-c", LAB),
    "pytest": (sys.executable, "-m", "pytest"),
    "python": (sys.executable,),
    "rm": ("rm",),
}


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed, errors among the rest."""

    code: int
    output: str


@dataclass(frozen=True)
class Checkout:
    """A copy of the project, in a folder of its own."""

    folder: Path

    @classmethod
    def copy_to(cls, folder: Path) -> Checkout:
        """Copy all files that git does not ignore; the data set is linked, since nobody writes to it."""
        names = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout.split("\0")  # fmt: skip
        for name in map(Path, filter(None, names)):
            if not name.is_relative_to(DATA) and (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        (folder / DATA).symlink_to(ROOT / DATA)
        return cls(folder)

    def path(self, name: str) -> Path:
        """Return where a file of the project is in the copy, once that is in it."""
        path = (self.folder / name).resolve()
        assert path.is_relative_to(self.folder.resolve()), name
        return path

    def run(self, command: Sequence[str]) -> Done:
        """Run one of the project's programs in the copy."""
        program, *arguments = command
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
        done = subprocess.run(
            [*PROGRAMS[program], *arguments],
            cwd=self.folder,
            env={**own, "PYTHONPATH": str(self.folder), **ENVIRONMENT},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=SECONDS, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout)
