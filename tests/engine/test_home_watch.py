"""`lab check --watch`: after each save the checks run again, whatever the code did to its process before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import copy_of_words, solve_words

MAIN = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from graders.student import main; main()"
)
WAITING = "lab: waiting until words changes; Ctrl-C ends."


class Watching:
    """`lab check 2 --watch` on a student's folder, whose lines are read as they come."""

    def __init__(self, folder: Path) -> None:
        self.module = folder / "words" / "step02_ciphers.py"
        self.process = subprocess.Popen(
            [sys.executable, "-X", "utf8", "-u", "-c", MAIN, "check", "2", "--watch"],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", start_new_session=True,
        )  # fmt: skip

    def until(self, line: str) -> list[str]:
        """Return the lines that come up to one."""
        assert self.process.stdout
        lines: list[str] = []
        for one in self.process.stdout:
            lines.append(one.rstrip("\n"))
            if lines[-1] == line:
                return lines
        raise AssertionError(f"it ended with {self.process.wait()}: {lines}")

    def save(self, old: str, new: str) -> None:
        text = self.module.read_text(encoding="utf-8")
        assert old in text
        self.put(text.replace(old, new))

    def put(self, text: str) -> None:
        """Save the module at once: half of a file is a change too."""
        new = self.module.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(self.module)


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    folder = copy_of_words(tmp_path / "home")
    solve_words(folder)
    started = Watching(folder)
    yield started
    if started.process.poll() is None:
        os.killpg(started.process.pid, signal.SIGKILL)
    started.process.communicate()


def test_each_save_is_checked_and_an_interrupt_ends_it(watching: Watching) -> None:
    assert "2 of 2 points of the public checks." in watching.until(WAITING)
    watching.save("letters[by:] + letters[:by]", "letters")
    lines = watching.until(WAITING)
    assert "0 of 2 points of the public checks." in lines
    assert lines[-2].startswith("next: step 2, shift moves each letter a-z")
    watching.save("maketrans(letters, letters)", "maketrans(letters, letters[by:] + letters[:by])")
    assert "2 of 2 points of the public checks." in watching.until(WAITING)
    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(60) == 130


def test_what_ends_the_process_costs_its_check_alone(watching: Watching) -> None:
    watching.until(WAITING)
    watching.save("return shift(text, -by)", "import os; os._exit(0)")
    lines = watching.until(WAITING)
    assert [line for line in lines if "died: Your code ended the process with exit code 0" in line]
    assert "1 of 2 points of the public checks." in lines
    watching.save("import os; os._exit(0)", "return shift(text, -by)")
    assert "2 of 2 points of the public checks." in watching.until(WAITING)


def test_a_save_while_checks_run_begins_anew(watching: Watching) -> None:
    watching.until(WAITING)
    watching.save("return shift(text, -by)", "import time; time.sleep(600)")
    watching.until("  ✓ shift moves each letter a-z by so many places, beyond z again from a, and leaves the rest.  1")
    watching.save("import time; time.sleep(600)", "return shift(text, -by)")
    assert "2 of 2 points of the public checks." in watching.until(WAITING)


def test_a_folder_that_is_removed_is_told_in_a_sentence_and_waited_for(watching: Watching) -> None:
    watching.until(WAITING)
    package = watching.module.parent
    away = package.rename(package.parent / "away")
    lines = watching.until(WAITING)
    assert not [line for line in lines if "Traceback" in line or "internal error" in line]
    assert [line for line in lines if "step02_ciphers.py is not in" in line]
    away.rename(package)
    assert "2 of 2 points of the public checks." in watching.until(WAITING)


def test_what_python_cannot_read_is_told_and_the_next_save_is_checked(watching: Watching) -> None:
    watching.until(WAITING)
    text = watching.module.read_text(encoding="utf-8")
    watching.put("def shift(:")
    lines = watching.until(WAITING)
    assert [line for line in lines if "SyntaxError: " in line and "[step02_ciphers.py line 1]" in line], lines
    watching.module.unlink()
    assert [line for line in watching.until(WAITING) if "step02_ciphers.py is not in" in line]
    watching.put(text)
    assert "2 of 2 points of the public checks." in watching.until(WAITING)
