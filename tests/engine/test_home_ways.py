"""`lab check`: what can be checked, where it stops, and what it says to do next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import lab

ANSWER = "Είκοσι πέντε κλειδιά."


def check(home: Path, *arguments: str) -> tuple[int, list[str], str]:
    """Run `lab check`; return its exit code, its lines and what it wrote to stderr."""
    done = lab("check", *arguments, cwd=home)
    return done.returncode, done.stdout.splitlines(), done.stderr


def spoil(home: Path, module: str, old: str, new: str) -> None:
    path = home / "words" / module
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_range_is_all_steps_of_it(solved_home: Path) -> None:
    code, lines, _ = check(solved_home, "1-2")
    assert (code, lines[-2]) == (0, "5.5 of 5.5 points of the public checks.")
    code, lines, _ = check(solved_home, "2-2")
    assert (code, lines[-2]) == (0, "2 of 2 points of the public checks.")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2-1", "'2-1' is no range of steps; the lower number comes first: 1-2."),
        ("1-3", "'3' is no step of this course; its steps: 1, 2."),
        ("gone.ipynb", "There is no gone.ipynb here."),
    ],
)
def test_what_is_no_step_is_wrong_usage(solved_home: Path, text: str, says: str) -> None:
    code, lines, errors = check(solved_home, text)
    assert (code, lines) == (2, [])
    assert says in errors


def test_first_stops_at_the_first_check_that_does_not_pass(solved_home: Path) -> None:
    spoil(solved_home, "step01_counting.py", "return max(words, key=len)", "return min(words, key=len)")
    code, lines, errors = check(solved_home, "--first")
    assert (code, errors) == (1, "")
    assert [line for line in lines if line.startswith("  ✓")] == [
        "  ✓ count_words returns the number of words, whatever white space stands between them.  1"
    ]
    assert "  ✗ longest_word returns the longest word, of several the first.  0 of 1" in lines
    assert not [line for line in lines if "ValueError" in line or "points" in line]
    assert lines[-3:] == [
        "Stopped after 2 of 6 checks.",
        "hints: `lab check 1 --hints` says where to look, `lab check 1 --hints --hints` says what to do.",
        "next: step 1, longest_word returns the longest word, of several the first. (lab check 1 --first)",
    ]


def test_first_goes_through_to_the_end_where_all_pass_and_after_a_death_it_stops(solved_home: Path) -> None:
    code, lines, _ = check(solved_home, "--first")
    assert (code, lines[-2]) == (0, "5.5 of 5.5 points of the public checks.")
    spoil(solved_home, "step01_counting.py", "return max(words, key=len)", "import os; os._exit(0)")
    code, lines, _ = check(solved_home, "--first")
    assert code == 1
    assert "Stopped after 2 of 6 checks." in lines


def test_the_last_line_says_what_is_next(solved_home: Path) -> None:
    assert check(solved_home, "1")[1][-1] == "next: lab check 2"
    assert check(solved_home)[1][-1] == "next: answer question 2.1, Γιατί σπάει"
    with (solved_home / "words" / "answers" / "step02.md").open("a", encoding="utf-8") as file:
        file.write(f"\n{ANSWER}\n")
    assert check(solved_home)[1][-1] == 'next: lab submit --name "YOUR NAME"'
    spoil(solved_home, "step02_ciphers.py", "letters[by:] + letters[:by]", "letters")
    assert check(solved_home)[1][-1].startswith("next: step 2, shift moves each letter a-z")


def test_a_notebook_is_checked_and_what_is_left_out_is_told(solved_home: Path) -> None:
    sources = [
        "%time\ndef count_words(text):\n    return len(text.split())",
        "def longest_word(text):\n\n    return max(text.split(), key=lens)",
    ]
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for source in sources
    ]
    cells.append({"cell_type": "markdown", "source": f"## 2.1\n{ANSWER}", "metadata": {}})
    notebook = json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells})
    (solved_home / "my work.ipynb").write_text(notebook, encoding="utf-8")
    code, lines, errors = check(solved_home, "my work.ipynb", "1")
    assert (code, errors) == (1, "")
    assert "  ✓ count_words returns the number of words, whatever white space stands between them.  1" in lines
    assert "      student_error: NameError: name 'lens' is not defined [cell 2 line 3, in longest_word]" in lines
    assert lines[-4] == "magics and shell lines were skipped: cell 1 line 1 `%time`"
    assert lines[-1].endswith("(lab check 'my work.ipynb' 1 --first)")
    assert (
        "Written: 1 of 1 answered in my work.ipynb, to be marked by a person." in check(solved_home, "my work.ipynb")[1]
    )
    (solved_home / "bad.ipynb").write_text("{", encoding="utf-8")
    code, lines, errors = check(solved_home, "bad.ipynb")
    assert (code, lines) == (2, [])
    assert "bad.ipynb: not a Jupyter notebook" in errors
