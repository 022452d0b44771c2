"""What `lab check` offers a student besides verdicts, with the small course."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.support import WORDS, lab, run_python

OWN_HINT = "Beyond z, go on at a: use the remainder."


def write(home: Path, text: str) -> None:
    (home / "words" / "step02_ciphers.py").write_text(text, encoding="utf-8")


WRONG = "\n\ndef shift(text, by):\n    return text\n"


# --- hints


def test_how_an_exercise_is_done_is_told_on_request_in_two_stages(solved_home: Path) -> None:
    write(solved_home, WRONG)
    told = lab("check", "2", cwd=solved_home)
    assert told.returncode == 1
    assert "hint:" not in told.stdout
    assert (
        "hints: `lab check 2 --hints` says where to look, `lab check 2 --hints --hints` says what to do." in told.stdout
    )

    where = lab("check", "2", "--hints", cwd=solved_home).stdout
    assert "hint: Look at shift [step02_ciphers.py line 3], and at what its docstring asks." in where
    assert OWN_HINT not in where
    assert "\n`lab check 2 --hints --hints` says what to do.\n" in where

    what = lab("check", "2", "--hints", "--hints", cwd=solved_home).stdout
    assert f"hint: {OWN_HINT}" in what
    assert "--hints" not in what


def test_what_an_exception_means_is_always_told(solved_home: Path) -> None:
    write(solved_home, "def shift(text, by):\n    return texx\n")
    told = lab("check", "2", cwd=solved_home).stdout
    assert "hint: " in told
    assert OWN_HINT not in told
    assert "--hints" not in told


def test_where_to_look_in_a_notebook_is_its_cell(solved_home: Path) -> None:
    write(solved_home, WRONG)
    assert lab("notebook", cwd=solved_home).returncode == 0
    told = lab("check", "words.ipynb", "2", "--hints", cwd=solved_home).stdout
    assert "hint: Look at shift [cell 7 line 1], and at what its docstring asks." in told
    assert "`lab check words.ipynb 2 --hints --hints` says what to do." in told


def test_nobody_is_told_of_hints_where_there_are_none(solved_home: Path) -> None:
    assert "--hints" not in lab("check", cwd=solved_home).stdout
    write(solved_home, "def shift(text, by):\n    raise NotImplementedError\n")
    assert "--hints" not in lab("check", "2", cwd=solved_home).stdout


# --- figures


def test_a_step_s_figures_are_drawn_with_the_student_s_code(solved_home: Path) -> None:
    done = lab("show", "2", cwd=solved_home / "words")
    assert (done.returncode, done.stderr) == (0, "")
    folder = solved_home / "figures"
    assert done.stdout.splitlines() == [
        f"✓ a text in a cipher: {folder / 'step02-cipher.svg'}",
        f"✓ the text again: {folder / 'step02-undone.svg'}",
    ]
    assert "wr whoo wkh wdoh" in (folder / "step02-cipher.svg").read_text(encoding="utf-8")
    assert "to tell the tale" in (folder / "step02-undone.svg").read_text(encoding="utf-8")


def test_what_keeps_a_figure_from_being_drawn_is_told_as_checks_tell_it_and_costs_no_other(solved_home: Path) -> None:
    write(solved_home, "def shift(text, by):\n    return text[by:]\n\ndef unshift(text, by):\n    return -text\n")
    done = lab("show", "step02", "--out", solved_home / "mine", cwd=solved_home)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[1:] == [
        "✗ the text again",
        "    student_error: TypeError: bad operand type for unary -: 'str' [step02_ciphers.py line 5, in unshift]",
    ]
    assert [path.name for path in (solved_home / "mine").iterdir()] == ["step02-cipher.svg"]
    (solved_home / "words" / "step02_ciphers.py").unlink()
    gone = lab("show", "2", cwd=solved_home)
    assert gone.stdout.startswith("· a text in a cipher\n    step02_ciphers.py is not in ")


def test_what_is_still_to_write_is_no_fault_of_a_figure_in_any_language(solved_home: Path) -> None:
    for skeleton in (WORDS / "words").glob("step*.py"):
        shutil.copy(skeleton, solved_home / "words")
    done = lab("show", "2", "--lang", "el", cwd=solved_home)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "· a text in a cipher",
        "    Η shift περιμένει να τη γράψεις: βήμα 2",
        "· the text again",
        "    Η unshift περιμένει να τη γράψεις: βήμα 2",
    ]


def test_figures_of_a_notebook_are_drawn_too(solved_home: Path) -> None:
    assert lab("notebook", "--out", solved_home / "anna.ipynb", cwd=solved_home).returncode == 0
    done = lab("show", "2", "anna.ipynb", cwd=solved_home)
    assert done.returncode == 0, done.stdout
    assert (solved_home / "figures" / "step02-cipher.svg").is_file()


def test_a_step_without_figures_is_wrong_usage(solved_home: Path) -> None:
    done = lab("show", "1", cwd=solved_home)
    assert done.returncode == 2
    assert "Nothing is drawn in step 1; steps with figures: 2." in done.stderr


# --- replay


def replayed(told: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the lines that `lab check --replay` printed, in a fresh Python."""
    lines = told.split("these lines make the last call again:\n", 1)[1].split("\n\n", 1)[0]
    assert lines.endswith("print(result)")
    return run_python(lines, cwd=folder)


def test_printed_lines_show_the_same_wrong_value(solved_home: Path, tmp_path: Path) -> None:
    write(solved_home, "def shift(text, by):\n    return text[by:]\n")
    told = lab("check", "2", "--first", "--replay", cwd=solved_home).stdout
    assert "failed: shift(text, 3): got 'defghijklm" in told or "'defghijklm" in told
    done = replayed(told, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "defghijklmnopqrstuvwxyz Άλφα Z!\n"


def test_printed_lines_raise_the_same_exception(solved_home: Path, tmp_path: Path) -> None:
    write(solved_home, "def shift(text, by):\n    return text[by] + 1\n")
    told = lab("check", "2", "--first", "--replay", cwd=solved_home).stdout
    raised = 'TypeError: can only concatenate str (not "int") to str'
    assert raised in told
    assert raised in replayed(told, tmp_path).stderr


def test_what_cannot_be_written_down_is_told_with_another_way(solved_home: Path) -> None:
    path = solved_home / "words" / "step01_counting.py"
    path.write_text("def count_lines(lines):\n    return len(list(lines)) - 1\n", encoding="utf-8")
    told = lab("check", "1", "--replay", cwd=solved_home).stdout
    assert "no lines repeat it, since an argument is an object (generator) that the check has made; " in told
    assert "`lab check 1 --pdb` stops there." in told


def test_of_checks_that_did_not_come_to_call_the_code_that_is_told_once(solved_home: Path) -> None:
    path = solved_home / "words" / "step01_counting.py"
    path.write_text("raise ValueError\n", encoding="utf-8")
    told = lab("check", "1", "--replay", cwd=solved_home).stdout
    assert told.count("no lines repeat it, since the check did not come to call your code; ") == 1
