"""Where Python lacks what Linux has, `lab check` works, and commands that cannot work say so in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

LINUX_ALONE = ("resource", "fcntl", "termios", "landlockpy", "pyseccomp")
NAMES = {"graders": "graders.cli", "lab": "graders.student"}


def run(name: str, *arguments: str, hidden: tuple[str, ...] = LINUX_ALONE) -> subprocess.CompletedProcess[str]:
    """Run a command in a process in which some modules cannot be imported."""
    code = f"import sys; sys.modules.update(dict.fromkeys({hidden!r})); from {NAMES[name]} import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, encoding="utf-8", cwd=ROOT, timeout=240, check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


def test_lab_check_works_everywhere() -> None:
    done = run("lab", "check", "2", "3", "--root", "fixtures/submissions/complete")
    assert done.returncode == 0, done.stderr
    assert "10 of 10 points" in done.stdout


def test_what_students_do_besides_works_everywhere(tmp_path: Path) -> None:
    words = ("--course", "tests/courses/words", "--root", "tests/courses/words")
    notebook = run("lab", "notebook", "--out", str(tmp_path / "anna.ipynb"), *words)
    assert notebook.returncode == 0, notebook.stderr
    figure = run("lab", "show", "2", "--out", str(tmp_path), *words)
    assert (figure.returncode, figure.stderr) == (1, "")
    assert "· a text in a cipher\n    shift is yours to write: step 2\n" in figure.stdout
    handed_in = run("lab", "submit", str(tmp_path / "anna.ipynb"), "--name", "Anna", *words)
    assert handed_in.returncode == 0, handed_in.stderr


@pytest.mark.parametrize("arguments", [["run", "lab"], ["doctor"], ["calibrate"], ["bench"]], ids=" ".join)
def test_what_needs_linux_says_so_in_one_sentence(arguments: list[str]) -> None:
    done = run("graders", *arguments)
    assert done.returncode == 3
    assert done.stderr.startswith(f"graders: graders {arguments[0]} needs Linux, whose kernel confines student code")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--help"], ["skeleton", "--check"], ["schema"], ["--version"]], ids=" ".join)
def test_what_needs_no_linux_works_everywhere(arguments: list[str]) -> None:
    done = run("graders", *arguments)
    assert (done.returncode, done.stderr) == (0, "")


def test_results_and_terminal_load_no_library_of_checks() -> None:
    heavy = ("pytest", "hypothesis", "torch", "librosa", "nbformat")
    modules = "graders.feedback.terminal, graders.results.files, graders.results.scoring, graders.results.provenance"
    code = f"import sys, {modules}; print(sorted(set({heavy!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("step", ["1", "2", "3"])
def test_a_step_that_needs_no_pytorch_loads_none(step: str) -> None:
    """Neither at a student's home nor, where importing it raises, in judge and driver; the server has a list of its own."""
    at_home = run("lab", "check", step, "--root", "fixtures/submissions/complete", hidden=("torch",))
    assert at_home.returncode == 0, at_home.stdout
    graded = run("graders", "run", "solutions", "--step", step, hidden=("torch",))
    assert graded.returncode == 0, graded.stderr
    assert "100%" not in graded.stdout
    assert f"Step {step}: " in graded.stdout


def test_the_version_is_told() -> None:
    assert run("graders", "--version").stdout.startswith("graders 0.")
    assert run("lab", "--version").stdout.startswith("lab 0.")
